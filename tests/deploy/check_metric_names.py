"""Every flink_doctor_* metric that rules, examples and the chart name is written by the agent's sources."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"\bflink_doctor_[a-z0-9_]+")
TEXTS = [path for folder in ("deploy", "helm") for path in (ROOT / folder).rglob("*") if path.is_file()]


def main() -> int:
    known: set[str] = set()
    for source in (ROOT / "agent").rglob("*.cpp"):
        known |= set(NAME.findall(source.read_text()))
    used = {name: path for path in TEXTS for name in NAME.findall(path.read_text())}
    unknown = {name: path for name, path in used.items()
               if name not in known and not name.startswith("flink_doctor_flink_")}
    for name, path in sorted(unknown.items()):
        print(f"{path.relative_to(ROOT)}: no source under agent/ writes {name}")
    if not used:
        print("no metric is named anywhere: is this test looking at the right folders?")
    return 1 if unknown or not used else 0


if __name__ == "__main__":
    sys.exit(main())

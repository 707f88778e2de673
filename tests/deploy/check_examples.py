"""The YAML files that people copy: readable, without doubled keys, and what they mention exists."""
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


class Strict(yaml.SafeLoader):
    """Like the tools that read these files, and unlike yaml by default, refuses a key given twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        doubled = {key for key in keys if keys.count(key) > 1}
        if doubled:
            raise yaml.MarkedYAMLError(None, None, f"given twice: {doubled}", node.start_mark)
        return super().construct_mapping(node, deep)


def complaints() -> list[str]:
    found = []
    templates = ROOT / "helm" / "flink-doctor" / "templates"
    for path in sorted(p for folder in ("deploy", "helm", "systemd") for p in (ROOT / folder).rglob("*.yaml")):
        if templates in path.parents:
            continue
        try:
            yaml.load(path.read_text(), Loader=Strict)
        except yaml.YAMLError as error:
            found.append(f"{path.relative_to(ROOT)}: {error}")
    return found + compose_complaints()


def compose_complaints() -> list[str]:
    """Bind mounts that do not exist become empty directories, and a service that then starts with nothing."""
    folder = ROOT / "deploy"
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    found = []
    for name, service in services.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith(".") and not (folder / source).exists():
                found.append(f"compose.yaml: {name} mounts {source}, which does not exist")
        for other in service.get("depends_on", []):
            if other not in services:
                found.append(f"compose.yaml: {name} depends on {other}, which does not exist")
    return found


if __name__ == "__main__":
    problems = complaints()
    print("\n".join(problems))
    sys.exit(1 if problems else 0)

"""The jars of the test jobs: javac against a Flink's own jars, kept in the cache by version and source."""
from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from flink_home import cache_root, exact_version, flink_home, major_minor

SOURCES = Path(__file__).parent / "jobs"
PACKAGE = "flinkdoctor"
CLASSES_PER_CHURN_JOB = 1000
METHODS_PER_CLASS = 10
# The jobs are written for today's API; the same things had other names before Flink 1.19.
NAMES_BEFORE_1_19 = {
    "org.apache.flink.api.common.functions.OpenContext": "org.apache.flink.configuration.Configuration",
    "open(OpenContext ": "open(Configuration ",
    "org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink":
        "org.apache.flink.streaming.api.functions.sink.DiscardingSink",
    ".sinkTo(new DiscardingSink": ".addSink(new DiscardingSink",
    ".getTaskInfo().getAttemptNumber()": ".getAttemptNumber()",
}


class CompileFailed(RuntimeError):
    pass


def jobs_jar(version: str) -> Path:
    """All jobs but the class churn."""
    names = [p.name for p in sorted(SOURCES.glob("*.java")) if p.name != "ClassChurn.java"]
    return jar(version, "jobs", {name: source(version, name) for name in names})


def churn_jar(version: str) -> Path:
    """A job that loads many small classes at each submission; on its own, since no other job should load them."""
    names = ("Args.java", "Job.java", "PacedNumbers.java", "ClassChurn.java")
    sources = {name: source(version, name) for name in names}
    sources["Generated.java"] = generated_classes(CLASSES_PER_CHURN_JOB)
    return jar(version, "churn", sources)


def source(version: str, name: str) -> str:
    """A job's source in the words of a version."""
    text = (SOURCES / name).read_text()
    if major_minor(version) < (1, 19):
        for today, then in NAMES_BEFORE_1_19.items():
            text = text.replace(today, then)
    return text


def generated_classes(count: int) -> str:
    """Classes with a dozen small methods: about 5 kB of metaspace for each one loaded."""
    methods = "".join(f"  long step{m}(long x) {{ return x * {m + 3} + factor - text.length() * {m}; }}\n"
                      for m in range(METHODS_PER_CLASS))
    body = "".join(
        f"class Generated{i} implements java.util.function.LongUnaryOperator {{\n"
        f"  private final long factor = {i}L; private final String text = \"rule {i}\";\n"
        f"  public long applyAsLong(long x) {{ return step0(x) + step1(x); }}\n{methods}}}\n"
        for i in range(count))
    return f"package {PACKAGE};\n{body}"


def jar(version: str, name: str, sources: dict[str, str]) -> Path:
    exact = exact_version(version)
    digest = hashlib.sha256("\0".join(f"{k}\0{v}" for k, v in sources.items()).encode()).hexdigest()[:12]
    target = cache_root() / "jobs" / f"{name}-{exact}-{digest}.jar"
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        build(flink_home(exact), sources, target)
    return target


def build(home: Path, sources: dict[str, str], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".build-") as scratch:
        folder = Path(scratch)
        files = []
        for name, text in sources.items():
            (folder / name).write_text(text)
            files.append(str(folder / name))
        classes = folder / "classes"
        # Java 11 is what the oldest runtime of Flink 2.x asks for, and 1.20 accepts it.
        done = subprocess.run([javac(), "--release", "11", "-nowarn", "-g:lines", "-cp", str(home / "lib" / "*"),
                               "-d", str(classes), *files], capture_output=True, text=True)
        if done.returncode != 0:
            raise CompileFailed(f"the test jobs do not compile against {home.name}:\n{done.stdout}{done.stderr}")
        part = folder / target.name
        zip_folder(classes, part)
        part.rename(target)


def zip_folder(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in sorted(folder.rglob("*.class")):
            bundle.write(path, path.relative_to(folder))


def javac() -> str:
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "javac").is_file():
        return str(Path(home) / "bin" / "javac")
    found = shutil.which("javac")
    if not found:
        raise CompileFailed("no javac on the path and JAVA_HOME is not set")
    return found

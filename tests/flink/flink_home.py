"""A real Flink on disk: FLINK_HOME for a version, made from the two PyPI packages and kept in the cache.

Neither package is a distribution: `apache-flink` holds scripts and conf, `apache-flink-libraries` holds the jars.
Unpacked together they are FLINK_HOME. pip is only the downloader; nothing is installed.

    python3 flink_home.py 1.20        prints the path
"""
from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

PINNED = {"1.16": "1.16.3", "1.17": "1.17.2", "1.18": "1.18.1", "1.19": "1.19.3", "1.20": "1.20.5",
          "2.0": "2.0.2", "2.1": "2.1.3", "2.2": "2.2.1", "2.3": "2.3.0"}
# A wheel of apache-flink is tied to a Python release, its scripts are not: any of these will do.
WHEEL_PYTHONS = ["3.11", "3.10", "3.9", "3.8", "3.7"]
# Tags of the manylinux generations in which the wheels were published; pip wants each one named.
WHEEL_PLATFORMS = ["manylinux1_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]
PROGRESS_EVERY_S = 10


class FlinkUnavailable(RuntimeError):
    """Flink could not be downloaded or unpacked; the message says why in one line."""


def cache_root() -> Path:
    explicit = os.environ.get("FLINK_DOCTOR_CACHE")
    if explicit:
        return Path(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flink-doctor"


def exact_version(version: str) -> str:
    return PINNED.get(version, version)


def major_minor(version: str) -> tuple[int, int]:
    major, minor = exact_version(version).split(".")[:2]
    return int(major), int(minor)


def flink_home(version: str) -> Path:
    """Path of an unpacked Flink; downloads and unpacks it when the cache has none."""
    exact = exact_version(version)
    home = cache_root() / f"flink-{exact}"
    if not home.is_dir():
        unpack(exact, archives(exact), home)
    return home


def archives(exact: str) -> list[Path]:
    """Both downloaded archives of a version, scripts first."""
    folder = cache_root() / "download" / exact
    return [
        existing(folder, "apache_flink-*.whl", "apache-flink-[0-9]*.whl") or download_scripts(exact, folder),
        existing(folder, "apache_flink_libraries-*", "apache-flink-libraries-*") or download_jars(exact, folder),
    ]


def existing(folder: Path, *patterns: str) -> Path | None:
    names = sorted(p.name for p in folder.glob("*")) if folder.is_dir() else []
    for name in names:
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            return folder / name
    return None


def download_scripts(exact: str, folder: Path) -> Path:
    platforms = [arg for platform in WHEEL_PLATFORMS for arg in ("--platform", platform)]
    reason = ""
    for python in WHEEL_PYTHONS:
        args = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python, *platforms]
        try:
            return download(f"apache-flink=={exact}", folder, args)
        except FlinkUnavailable as error:
            reason = str(error)
    raise FlinkUnavailable(reason)


def download_jars(exact: str, folder: Path) -> Path:
    return download(f"apache-flink-libraries=={exact}", folder, [])


def download(package: str, folder: Path, args: list[str]) -> Path:
    """One archive by pip; complete or not there at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as scratch:
        target = Path(scratch) / "out"
        # pip collects in its own temp dir first: pointing that here makes the progress visible to us.
        env = {**os.environ, "TMPDIR": scratch}
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--progress-bar", "off",
                   "--disable-pip-version-check", "--dest", str(target), *args, package]
        with progress(f"downloading {package}", Path(scratch)):
            done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        files = sorted(target.glob("*")) if target.is_dir() else []
        if done.returncode != 0 or len(files) != 1:
            raise FlinkUnavailable(f"pip could not download {package}: {last_line(done.stdout)}")
        final = folder / files[0].name
        files[0].rename(final)
        return final


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no output"])[-1]


class progress:
    """Prints what is happening, and every few seconds how many megabytes a folder holds by now."""

    def __init__(self, what: str, folder: Path) -> None:
        self.what, self.folder = what, folder
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.report, daemon=True)

    def __enter__(self) -> None:
        self.started = time.monotonic()
        print(f"{self.what} ...", file=sys.stderr, flush=True)
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()
        print(f"{self.what}: {time.monotonic() - self.started:.0f} s", file=sys.stderr, flush=True)

    def report(self) -> None:
        while not self.done.wait(PROGRESS_EVERY_S):
            print(f"{self.what}: {megabytes(self.folder)} MB so far", file=sys.stderr, flush=True)


def megabytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # pip moved it between listing and asking
    return total >> 20


def unpack(exact: str, both: list[Path], home: Path) -> None:
    """Unpacks beside the final place and renames, so that a home is whole or absent, also with two runs at once."""
    scratch = Path(tempfile.mkdtemp(dir=home.parent, prefix=f".flink-{exact}-"))
    try:
        with progress(f"unpacking Flink {exact}", scratch):
            for archive in both:
                for name, copy_to in members(archive):
                    place = inside_home(name)
                    if place:
                        copy_to(scratch / place)
        make_runnable(scratch, exact)
        try:
            scratch.rename(home)
        except OSError:
            if not home.is_dir():  # else another run was faster, and its copy is as good as ours
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def inside_home(name: str) -> str | None:
    """Where a member of either archive belongs under FLINK_HOME; None for Python modules and metadata."""
    parts = name.split("/")
    if parts[0].startswith("apache_flink_libraries-") or parts[0].startswith("apache-flink-libraries-"):
        parts = parts[1:]
    if len(parts) < 3 or parts[0] not in ("pyflink", "deps") or name.endswith((".py", "/")):
        return None
    wanted = ("bin", "conf", "log", "lib", "plugins", "opt")
    return "/".join(parts[1:]) if parts[1] in wanted else None


def members(archive: Path) -> Iterator[tuple[str, object]]:
    """(name, function that writes the member to a path) for each file of a wheel or an sdist."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as bundle:
            for info in bundle.infolist():
                yield info.filename, lambda path, info=info: write(path, bundle.open(info))
    else:
        with tarfile.open(archive) as bundle:
            for info in bundle:
                if info.isfile():
                    yield info.name, lambda path, info=info: write(path, bundle.extractfile(info))


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with content, open(path, "wb") as out:
        shutil.copyfileobj(content, out, 1 << 20)


def make_runnable(home: Path, exact: str) -> None:
    dist = home / "lib" / f"flink-dist-{exact}.jar"
    for needed in (dist, home / "bin" / "jobmanager.sh", home / "conf"):
        if not needed.exists():
            raise FlinkUnavailable(f"the packages of Flink {exact} hold no {needed.relative_to(home)}")
    for script in (home / "bin").iterdir():
        script.chmod(0o755)
    home.chmod(0o755)


if __name__ == "__main__":
    try:
        print(flink_home(sys.argv[1] if len(sys.argv) > 1 else "1.20"))
    except FlinkUnavailable as error:
        sys.exit(f"flink_home: {error}")

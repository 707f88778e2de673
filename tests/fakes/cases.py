"""Plays named cases one after the other and counts them; the last line is "N passed, N failed"."""
from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from processes import raise_on_sigterm, stop_all


class Failed(Exception):
    """A case's complaint."""


def expect(truth: object, complaint: str) -> None:
    if not truth:
        raise Failed(complaint)


def play(cases: Callable[[Path], Iterable[tuple[str, Callable[[], None]]]], keep: Path | None) -> int:
    """`cases` builds the world in a folder (`keep`, or one that is removed) and names what to play; returns the exit code."""
    passed = failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        try:
            for name, case in cases(keep or Path(temporary)):
                began = time.monotonic()
                try:
                    case()
                    passed += 1
                    print(f"ok       {name} ({time.monotonic() - began:.1f} s)")
                except (Failed, subprocess.TimeoutExpired, OSError, LookupError, ValueError) as fault:
                    failed += 1
                    print(f"FAILED   {name}: {type(fault).__name__}: {fault}")
        except Exception:  # noqa: BLE001: whatever went wrong with the world is a failure
            failed += 1
            traceback.print_exc()
        finally:
            stop_all()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def play_in(make: Callable[[Path], Any], cases: Iterable[Callable[[Any], None]], keep: Path | None) -> int:
    """The same with cases that take the world, which `make` builds in the folder; each is named as its function."""
    def world_and_cases(folder: Path) -> list[tuple[str, Callable[[], None]]]:
        world = make(folder)
        return [(case.__name__.replace("_", " "), lambda case=case: case(world)) for case in cases]

    return play(world_and_cases, keep)


def main_with_flink(make: Callable[[argparse.Namespace, Path], Any], cases: Iterable[Callable[[Any], None]],
                    programs: Iterable[str]) -> int:
    """The same as a program of its own, with a real Flink: takes the paths of `programs`, --version and --keep."""
    parser = argparse.ArgumentParser()
    for name in programs:
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--version", default="1.20")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    raise_on_sigterm()
    return play_in(lambda folder: make(options, folder), cases, options.keep)

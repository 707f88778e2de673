"""How much memory watching takes: by the number of series, in proportion, and after tasks have restarted again and again.

    python3 memory.py --doctor PATH --generator PATH --prometheus PATH [--series 0,50k,200k,1M] [--settle 75]
                      [--restarts 6] [--peer-series 50k]

The real program, told to keep its history on disk, against generated TaskManagers of 5,000 series, 350 of them kept.
`anon` is what is its own alone; the rest of RSS are pages of the program and its libraries. A Prometheus that keeps the same
series and evaluates ten rules is measured beside it at --peer-series.
"""
from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from peers import (INTERVAL_S, KEPT_OF_A_TASK_MANAGER, SERIES_OF_A_TASK_MANAGER, Generator, Side, Sides,  # noqa: E402
                   add_binaries, series_count)

MB = 1 << 20
WATCHED_S = 16  # a scrape of each target


@dataclass
class Memory:
    series: int
    rss_mb: float
    anon_mb: float
    peak_mb: float

    @property
    def kept(self) -> int:
        return self.series // SERIES_OF_A_TASK_MANAGER * KEPT_OF_A_TASK_MANAGER


def watch(side: Side, series: int) -> Memory:
    rss, anon = [], []
    for _ in range(WATCHED_S):
        rss.append(side.mb("VmRSS"))
        anon.append(side.mb("RssAnon"))
        time.sleep(1)
    if not side.alive():
        raise SystemExit(f"{side.name} ended by itself")
    return Memory(series, statistics.median(rss), statistics.median(anon), side.mb("VmHWM"))


def show(name: str, memory: Memory, note: str = "") -> None:
    over = 100 * (memory.peak_mb / memory.rss_mb - 1)
    print(f"{name:14} {memory.series:9,} series, {memory.kept:6,} kept: RSS {memory.rss_mb:7.1f} MB, anon "
          f"{memory.anon_mb:7.1f} MB, peak {memory.peak_mb:7.1f} MB (+{over:.0f} %){note}", flush=True)


def measure(args: argparse.Namespace, series: int, restarts: int) -> tuple[Memory, Memory | None]:
    """Settled; and again after all tasks have restarted so many times, once in each scrape interval."""
    folder = Path(tempfile.mkdtemp(prefix="flink-doctor-memory-"))
    try:
        with Generator(args.generator, series // SERIES_OF_A_TASK_MANAGER) as generator:
            sides = Sides(args, folder, generator)
            doctor = sides.doctor()
            peers = [sides.prometheus()] if series == series_count(args.peer_series) else []
            for side in (doctor, *peers):
                side.start(folder)
            try:
                time.sleep(args.settle)
                settled = watch(doctor, series)
                show(doctor.name, settled)
                for peer in peers:
                    theirs = watch(peer, series)
                    show(peer.name, theirs, f", {theirs.rss_mb / settled.rss_mb:.1f} times ours")
                if restarts == 0:
                    return settled, None
                for _ in range(restarts):
                    generator.ask("restart")
                    time.sleep(INTERVAL_S)
                time.sleep(2 * INTERVAL_S)
                churned = watch(doctor, series)
                growth = 100 * (churned.anon_mb / settled.anon_mb - 1)
                show(doctor.name, churned, f", after {restarts} restarts of all tasks: anon {growth:+.1f} %")
                return settled, churned
            finally:
                for side in (doctor, *peers):
                    side.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def report(found: list[Memory]) -> None:
    """The straight line through all sizes, and how far each is from it."""
    if len(found) < 2:
        return
    slope, offset = statistics.linear_regression([m.series for m in found], [m.anon_mb * MB for m in found])
    print(f"\nline: {offset / MB:.1f} MB and {slope:.1f} bytes for each series scraped; off it: " +
          ", ".join(f"{m.series:,} {100 * (m.anon_mb * MB / (offset + slope * m.series) - 1):+.0f} %" for m in found))
    least, most = min(found, key=lambda m: m.series), max(found, key=lambda m: m.series)
    each = (most.rss_mb - least.rss_mb) * MB / (most.kept - least.kept)
    print(f"each kept series, all in: {each:.0f} bytes (RSS at {most.series:,} less RSS at {least.series:,}; gate 600, ambition 400)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_binaries(parser)
    parser.add_argument("--series", default="0,50k,200k,1M")
    parser.add_argument("--settle", type=float, default=75, help="seconds before anything is measured")
    parser.add_argument("--restarts", type=int, default=6, help="of all tasks, at the largest size")
    parser.add_argument("--peer-series", default="50k", help="where Prometheus is measured, too")
    args = parser.parse_args()
    sizes = [series_count(text) for text in args.series.split(",")]
    found = [measure(args, size, args.restarts if size == max(sizes) else 0)[0] for size in sizes]
    report(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How much memory watching takes: by the number of series, in proportion, and after tasks have restarted again and again.

    python3 memory.py --doctor PATH --generator PATH --prometheus PATH [--series 0,50k,200k,1M] [--settle 75]
                      [--restarts 6] [--peer-series 50k] [--rounds 3]

The real program, told to keep its history on disk, against generated TaskManagers of 5,000 series, 350 of them kept.
`anon` is what is its own alone; the rest of RSS are pages of the program and its libraries. A Prometheus that keeps the same
series and evaluates ten rules is measured beside it at --peer-series, in --rounds starts of both. A round is void when a side
did not keep what it was to keep, by its own account.
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
                   add_binaries, kept_wrongly, series_count, spread)

MB = 1 << 20


@dataclass
class Memory:
    series: int
    rss_mb: float
    anon_mb: float
    peak_mb: float
    void_because: str = ""  # empty: it counts

    @property
    def kept(self) -> int:
        return self.series // SERIES_OF_A_TASK_MANAGER * KEPT_OF_A_TASK_MANAGER


def watch(side: Side, series: int) -> Memory:
    rss, anon = [], []
    before = side.kept.read() if side.kept else 0
    for _ in range(INTERVAL_S):  # a scrape of each target
        rss.append(side.mb("VmRSS"))
        anon.append(side.mb("RssAnon"))
        time.sleep(1)
    if not side.alive():
        raise SystemExit(f"{side.name} ended by itself")
    kept = side.kept.read() - (before if side.kept.is_counter else 0) if side.kept else 0
    return Memory(series, statistics.median(rss), statistics.median(anon), side.mb("VmHWM"),
                  kept_wrongly(kept, series // SERIES_OF_A_TASK_MANAGER) if series else "")


def show(name: str, memory: Memory, note: str = "") -> None:
    over = 100 * (memory.peak_mb / memory.rss_mb - 1)
    print(f"{name:14} {memory.series:9,} series, {memory.kept:6,} kept: RSS {memory.rss_mb:7.1f} MB, anon "
          f"{memory.anon_mb:7.1f} MB, peak {memory.peak_mb:7.1f} MB (+{over:.0f} %){note}"
          f"{'  VOID: ' + memory.void_because if memory.void_because else ''}", flush=True)


class Round:
    """All sides at work on so many series, from their start on."""

    def __init__(self, args: argparse.Namespace, series: int, beside_peer: bool) -> None:
        self.args, self.series, self.beside_peer = args, series, beside_peer

    def measure(self, restarts: int) -> tuple[Memory, Memory | None]:
        """Ours once settled, and the peer's where it is asked for; what is left after so many restarts of all tasks is shown."""
        folder = Path(tempfile.mkdtemp(prefix="flink-doctor-memory-"))
        try:
            with Generator(self.args.generator, self.series // SERIES_OF_A_TASK_MANAGER) as generator:
                make = Sides(self.args, folder, generator)
                sides = [make.doctor()] + ([make.prometheus()] if self.beside_peer else [])
                for side in sides:
                    side.start(folder)
                try:
                    time.sleep(self.args.settle)
                    found = [watch(side, self.series) for side in sides]
                    for side, memory in zip(sides, found):
                        show(side.name, memory)
                    if restarts:
                        self.churn(generator, sides[0], found[0], restarts)
                    return found[0], found[1] if len(found) > 1 else None
                finally:
                    for side in sides:
                        side.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def churn(self, generator: Generator, doctor: Side, settled: Memory, restarts: int) -> None:
        """All tasks restart so many times, once in each scrape interval."""
        for _ in range(restarts):
            generator.ask("restart")
            time.sleep(INTERVAL_S)
        time.sleep(2 * INTERVAL_S)
        churned = watch(doctor, self.series)
        growth = 100 * (churned.anon_mb / settled.anon_mb - 1)
        show(doctor.name, churned, f", after {restarts} restarts of all tasks: anon {growth:+.1f} %")


def compare(pairs: list[tuple[Memory, Memory | None]]) -> None:
    """How many times ours the peer's memory is."""
    valid = [(ours, theirs) for ours, theirs in pairs if theirs and not ours.void_because and not theirs.void_because]
    if not valid:
        return
    print(f"Prometheus at {valid[0][0].series:,} series, times ours, min .. median .. max of {len(valid)}: RSS "
          f"{spread([theirs.rss_mb / ours.rss_mb for ours, theirs in valid])}, anon "
          f"{spread([theirs.anon_mb / ours.anon_mb for ours, theirs in valid])}, peak "
          f"{spread([theirs.peak_mb / ours.peak_mb for ours, theirs in valid])}", flush=True)


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
    parser.add_argument("--peer-series", type=series_count, default="50k", help="where Prometheus is measured, too")
    parser.add_argument("--rounds", type=int, default=3, help="where Prometheus is measured, too")
    args = parser.parse_args()
    sizes = [series_count(text) for text in args.series.split(",")]
    found = []
    for size in sizes:
        beside_peer = size == args.peer_series
        pairs = [Round(args, size, beside_peer).measure(args.restarts if size == max(sizes) else 0)
                 for _ in range(args.rounds if beside_peer else 1)]
        compare(pairs)
        found += [ours for ours, _ in pairs if not ours.void_because][:1]
    report(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())

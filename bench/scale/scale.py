"""What watching a big cluster costs, beside what people would run instead, in one run on one machine.

    python3 scale.py --doctor PATH --generator PATH --prometheus PATH [--victoria-metrics PATH --vmalert PATH]
                     [--series 50k,200k,1M] [--pairs 5] [--warm-up 60] [--seconds 60] [--gzip]
                     [--sides all|prometheus|scrapers] [--vmagent PATH --scraper PATH] [--newest PATH]

Each side does the whole job: scrape every TaskManager every 15 s, keep the same ten metric names (7 % of the series),
remember them, and judge: flink-doctor by its detectors, the peers by ten alert rules over the same metrics. Sides take
turns, a pair at a time; what counts is the ratio within a pair. A run is void when the generator was busy for more than
half of a core or when a side missed more than one scrape in a thousand.
"""
from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from peers import (INTERVAL_S, SERIES_OF_A_TASK_MANAGER, Generator, Side, Sides, Sink, add_binaries,  # noqa: E402
                   series_count, spread)


@dataclass
class Figures:
    cpu_s_per_million: float
    rss_mb: float
    peak_mb: float
    valid: bool
    note: str = ""


class Bench:
    def __init__(self, args: argparse.Namespace, series: int, folder: Path) -> None:
        self.args, self.folder = args, folder
        self.task_managers = series // SERIES_OF_A_TASK_MANAGER
        self.generator = Generator(args.generator, self.task_managers, args.gzip)

    def sides(self) -> list[Side]:
        make = Sides(self.args, self.folder, self.generator)
        if self.args.sides == "scrapers":
            return [make.scraper(), make.vmagent("vmagent tuned", self.args.sink, ["-promscrape.noStaleMarkers"]),
                    make.vmagent("vmagent", self.args.sink, [])]
        sides = [make.doctor(), make.prometheus()]
        if self.args.newest:
            sides.append(make.prometheus("Prometheus, newest", self.args.newest))
        if self.args.victoria_metrics and self.args.sides == "all":
            sides.append(make.victoria_metrics("VictoriaMetrics tuned", ["-promscrape.noStaleMarkers"]))
            sides.append(make.victoria_metrics("VictoriaMetrics", []))
        return sides

    def measure(self, side: Side) -> Figures:
        for data in self.folder.glob("*-data"):
            shutil.rmtree(data)
        side.start(self.folder)
        try:
            time.sleep(self.args.warm_up)
            before, fed_before = side.cpu(), self.generator.cpu()
            served_before, began = self.generator.ask("served"), time.monotonic()
            resident = []
            while time.monotonic() - began < self.args.seconds:
                resident.append(side.mb("VmRSS"))
                time.sleep(1)
            took = time.monotonic() - began
            scrapes = self.generator.ask("served")["scrapes"] - served_before["scrapes"]
            used = side.cpu() - before
            busy = (self.generator.cpu() - fed_before) / took
            peak = side.mb("VmHWM")
            if not side.alive():
                return Figures(0, 0, 0, False, "ended by itself")
            return self.figures(scrapes, used, busy, took, statistics.median(resident), peak)
        finally:
            side.stop()

    def figures(self, scrapes: int, used: float, busy: float, took: float, rss: float, peak: float) -> Figures:
        expected = self.task_managers * took / INTERVAL_S
        millions = scrapes * SERIES_OF_A_TASK_MANAGER / 1e6
        # The window's ends cut a round of scrapes each.
        missed = max(0.0, 1 - scrapes / expected - 1 / (took / INTERVAL_S) * 0.2)
        note = f"generator {100 * busy:.0f} % of a core, {scrapes} scrapes of {expected:.0f}"
        return Figures(used / millions if millions else 0, rss, peak, busy < 0.5 and missed < 0.001, note)

    def run(self) -> dict[str, list[Figures]]:
        found: dict[str, list[Figures]] = {}
        with self.generator:
            for pair in range(self.args.pairs):
                for side in self.sides():
                    figures = self.measure(side)
                    found.setdefault(side.name, []).append(figures)
                    print(f"round {pair + 1}: {side.name:22} {figures.cpu_s_per_million:7.3f} CPU s per million samples, "
                          f"RSS {figures.rss_mb:7.1f} MB, peak {figures.peak_mb:7.1f} MB"
                          f"{'' if figures.valid else '  VOID'} ({figures.note})", flush=True)
        return found


def report(found: dict[str, list[Figures]]) -> None:
    ours = found["flink-doctor"]
    print("\nhow many times flink-doctor's cost the peers need, min .. median .. max over the rounds")
    for name, theirs in found.items():
        if name == "flink-doctor":
            continue
        pairs = [(a, b) for a, b in zip(ours, theirs) if a.valid and b.valid and a.cpu_s_per_million > 0]
        if not pairs:
            print(f"{name:22} no valid round")
            continue
        print(f"{name:22} CPU {spread([b.cpu_s_per_million / a.cpu_s_per_million for a, b in pairs])}, "
              f"memory {spread([b.rss_mb / a.rss_mb for a, b in pairs])}, {len(pairs)} rounds")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_binaries(parser)
    parser.add_argument("--vmagent", type=Path)
    parser.add_argument("--scraper", type=Path, help="doctor_bench_scraper")
    parser.add_argument("--newest", type=Path, help="another Prometheus, such as one of 3.x, to stand beside")
    parser.add_argument("--series", default="1M", help="of all TaskManagers, such as 50k,200k,1M")
    parser.add_argument("--sides", choices=("all", "prometheus", "scrapers"), default="all",
                        help="scrapers: no history and no judgement, beside vmagent that forwards to a sink")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--warm-up", type=float, default=60)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--gzip", action="store_true")
    args = parser.parse_args()
    with Sink() as args.sink:
        return run(args)


def run(args: argparse.Namespace) -> int:
    valid = True
    for text in args.series.split(","):
        print(f"\n{text} series{', gzip bodies' if args.gzip else ''}")
        folder = Path(tempfile.mkdtemp(prefix="flink-doctor-scale-"))
        try:
            found = Bench(args, series_count(text), folder).run()
        finally:
            if "KEEP" not in os.environ:
                shutil.rmtree(folder, ignore_errors=True)
        report(found)
        valid = valid and all(figures.valid for rows in found.values() for figures in rows)
    return 0 if valid else 1


if __name__ == "__main__":
    sys.exit(main())

"""What watching a big cluster costs, beside what people would run instead, in one run on one machine.

    python3 scale.py --doctor PATH --generator PATH --prometheus PATH [--victoria-metrics PATH --vmalert PATH]
                     [--alertmanager PATH] [--series 50k,200k,1M] [--pairs 5] [--warm-up 60] [--seconds 90] [--gzip]
                     [--sides all|prometheus|victoria|scrapers] [--vmagent PATH --scraper PATH] [--newest PATH]

Each side does the whole job: scrape every TaskManager every 15 s, keep the same ten metric names (7 % of the series),
remember them, and judge: flink-doctor by its detectors, the peers by ten alert rules over the same metrics; alerts go to
one Alertmanager. Sides take turns, a pair at a time; what counts is the ratio within a pair. Windows are whole scrape
intervals. A run is void when the generator was busy for more than half of a core, when a side missed more than one scrape
in a thousand, or when it did not keep what it was to keep.
"""
from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from peers import (INTERVAL_S, KEPT_OF_A_TASK_MANAGER, SERIES_OF_A_TASK_MANAGER, Alertmanager, Generator,  # noqa: E402
                   Side, Sides, Sink, add_binaries, kept_wrongly, series_count, spread, version_of)


@dataclass
class Reading:
    """Of a side at work, and of the generator that it reads."""
    at: float
    cpu_s: float
    generator_cpu_s: float
    scrapes: list[int]  # of each TaskManager
    kept: float

    @staticmethod
    def take(side: Side, generator: Generator) -> Reading:
        kept = side.kept.read() if side.kept else 0
        return Reading(time.monotonic(), side.cpu(), generator.cpu(), generator.ask("served")["scrapes"], kept)


@dataclass
class Figures:
    cpu_s_per_million: float = 0
    rss_mb: float = 0
    peak_mb: float = 0
    note: str = ""
    void_because: str = ""  # empty: it counts


class Bench:
    def __init__(self, args: argparse.Namespace, series: int, folder: Path) -> None:
        self.args, self.folder = args, folder
        self.task_managers = series // SERIES_OF_A_TASK_MANAGER
        self.generator = Generator(args.generator, self.task_managers, args.gzip)

    def sides(self) -> list[Side]:
        make = Sides(self.args, self.folder, self.generator, self.args.alertmanager_address)
        if self.args.sides == "scrapers":
            return [make.scraper(), make.vmagent("vmagent tuned", self.args.sink, ["-promscrape.noStaleMarkers"]),
                    make.vmagent("vmagent", self.args.sink, [])]
        sides = [make.doctor()]
        if self.args.sides != "victoria":
            sides.append(make.prometheus())
        if self.args.newest:
            sides.append(make.prometheus("Prometheus, newest", self.args.newest))
        if self.args.victoria_metrics and self.args.sides in ("all", "victoria"):
            sides.append(make.victoria_metrics("VictoriaMetrics tuned", ["-promscrape.noStaleMarkers"]))
            sides.append(make.victoria_metrics("VictoriaMetrics", []))
        return sides

    def measure(self, side: Side) -> Figures:
        for data in self.folder.glob("*-data"):
            shutil.rmtree(data)
        side.start(self.folder)
        try:
            time.sleep(self.args.warm_up)
            intervals = math.ceil(self.args.seconds / INTERVAL_S)
            before = Reading.take(side, self.generator)
            resident = []
            while (left := before.at + intervals * INTERVAL_S - time.monotonic()) > 0:
                resident.append(side.mb("VmRSS"))
                time.sleep(min(1, left))
            if not side.alive():
                return Figures(void_because="ended by itself")
            after, peak = Reading.take(side, self.generator), side.mb("VmHWM")
        except OSError as failed:
            return Figures(void_because=f"does not answer: {failed}")
        finally:
            side.stop()
        return self.figures(before, after, intervals, self.kept(side, before, after, intervals),
                            statistics.median(resident), peak)

    def kept(self, side: Side, before: Reading, after: Reading, intervals: int) -> float:
        """Series."""
        if side.kept is None:  # it says so at its end
            said = side.log(self.folder).read_text().split()
            return float(said[-1]) if said else 0
        return (after.kept - before.kept) / intervals if side.kept.is_counter else after.kept

    def figures(self, before: Reading, after: Reading, intervals: int, kept: float, rss: float, peak: float) -> Figures:
        of_each = [b - a for a, b in zip(before.scrapes, after.scrapes)]
        scrapes, expected = sum(of_each), self.task_managers * intervals
        millions = scrapes * SERIES_OF_A_TASK_MANAGER / 1e6
        busy = (after.generator_cpu_s - before.generator_cpu_s) / (after.at - before.at)
        wanted = self.task_managers * KEPT_OF_A_TASK_MANAGER
        void = [why for why, holds in (
            ("generator too busy", busy >= 0.5),
            # One TaskManager's turn may fall on the window's end.
            ("scrapes missed", scrapes < 0.999 * expected - 1 or min(of_each) < intervals - 1)) if holds]
        void += filter(None, [kept_wrongly(kept, self.task_managers)])
        note = (f"generator {100 * busy:.0f} % of a core, {scrapes} scrapes of {expected}, {min(of_each)} to {max(of_each)} of each, "
                f"{kept:.0f} series kept of {wanted}")
        return Figures((after.cpu_s - before.cpu_s) / millions if millions else 0, rss, peak, note, ", ".join(void))

    def run(self) -> dict[str, list[Figures]]:
        found: dict[str, list[Figures]] = {}
        with self.generator:
            for pair in range(self.args.pairs):
                for side in self.sides():
                    figures = self.measure(side)
                    found.setdefault(side.name, []).append(figures)
                    print(f"round {pair + 1}: {side.name:22} {figures.cpu_s_per_million:7.3f} CPU s per million samples, "
                          f"RSS {figures.rss_mb:7.1f} MB, peak {figures.peak_mb:7.1f} MB"
                          f"{'  VOID: ' + figures.void_because if figures.void_because else ''} ({figures.note})", flush=True)
        return found


def report(found: dict[str, list[Figures]]) -> None:
    ours = found["flink-doctor"]
    counted = [figures for figures in ours if not figures.void_because]
    if counted:
        print(f"\nflink-doctor: {spread([f.cpu_s_per_million for f in counted], 3)} CPU s per million samples, "
              f"{spread([f.rss_mb for f in counted])} MB, peak {spread([100 * (f.peak_mb / f.rss_mb - 1) for f in counted], 0)} % above")
    print("how many times flink-doctor's cost the peers need, min .. median .. max over the rounds")
    for name, theirs in found.items():
        if name == "flink-doctor":
            continue
        pairs = [(a, b) for a, b in zip(ours, theirs) if not a.void_because and not b.void_because and a.cpu_s_per_million > 0]
        if not pairs:
            print(f"{name:22} no valid round")
            continue
        print(f"{name:22} CPU {spread([b.cpu_s_per_million / a.cpu_s_per_million for a, b in pairs])}, "
              f"memory {spread([b.rss_mb / a.rss_mb for a, b in pairs])}, {len(pairs)} rounds")


def tell_growth(sizes: dict[int, list[Figures]]) -> None:
    """How CPU time and memory grow with the series: a line would have one slope throughout."""
    middle = {series: (statistics.median(f.cpu_s_per_million for f in rows) * series / 1e6 / INTERVAL_S,
                       statistics.median(f.rss_mb for f in rows)) for series, rows in sorted(sizes.items()) if rows}
    print("\nhow it grows: percent of a core, and resident MB; what each 100,000 series more cost")
    last = None
    for series, (cores, rss) in middle.items():
        more = ""
        if last is not None:
            steps = (series - last[0]) / 1e5
            more = f", + {100 * (cores - last[1]) / steps:.3f} % and + {(rss - last[2]) / steps:.2f} MB"
        print(f"{series:9,} series: {100 * cores:6.3f} %, {rss:6.1f} MB{more}")
        last = (series, cores, rss)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_binaries(parser)
    for name in ("alertmanager", "victoria-metrics", "vmalert", "vmagent"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--scraper", type=Path, help="doctor_bench_scraper")
    parser.add_argument("--newest", type=Path, help="another Prometheus, such as one of 3.x, to stand beside")
    parser.add_argument("--series", default="1M", help="of all TaskManagers, such as 50k,200k,1M")
    parser.add_argument("--sides", choices=("all", "prometheus", "victoria", "scrapers"), default="all",
                        help="scrapers: no history and no judgement, beside vmagent that forwards to a sink")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--warm-up", type=float, default=60)
    parser.add_argument("--seconds", type=float, default=90, help="in whole scrape intervals")
    parser.add_argument("--gzip", action="store_true")
    args = parser.parse_args()
    for program in (args.doctor, args.prometheus, args.newest, args.alertmanager):
        if program:
            print(f"{program.name}: {version_of(program)}")
    with ExitStack() as stack:
        args.sink = stack.enter_context(Sink())
        args.alertmanager_address = None
        if args.alertmanager:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flink-doctor-alertmanager-")))
            args.alertmanager_address = stack.enter_context(Alertmanager(args.alertmanager, folder))
        return run(args)


def run(args: argparse.Namespace) -> int:
    valid = True
    sizes: dict[int, list[Figures]] = {}
    for text in args.series.split(","):
        print(f"\n{text} series{', gzip bodies' if args.gzip else ''}")
        folder = Path(tempfile.mkdtemp(prefix="flink-doctor-scale-"))
        try:
            found = Bench(args, series_count(text), folder).run()
        finally:
            if "KEEP" not in os.environ:
                shutil.rmtree(folder, ignore_errors=True)
        report(found)
        sizes[series_count(text)] = [figures for figures in found["flink-doctor"] if not figures.void_because]
        valid = valid and not any(figures.void_because for rows in found.values() for figures in rows)
    if len(sizes) > 1:
        tell_growth(sizes)
    return 0 if valid else 1


if __name__ == "__main__":
    sys.exit(main())

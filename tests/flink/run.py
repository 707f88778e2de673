"""The proof: real Flink, real faults beside their healthy twins, and what flink-doctor says of each.

    python3 run.py --doctor PATH [--versions 1.20,2.2] [--form short|full] [--only backpressure,metaspace] [--out DIR]

Exit code 0 when every fault was found in time on the right entity, every twin was left in peace, and nothing else
was reported. --without-doctor only plays the stories and prints what Flink itself shows of them.
"""
from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from alerting import Alertmanager, PartFailed, Prometheus
from blindness import Blindness, matrix_of
from cluster import ClusterFailed
from delivery import Delivery
from doctor import Doctor, DoctorFailed
from findings import Report
from flink_home import FlinkUnavailable, flink_home
from front import Front, reporter_that_answers
from jobs import CompileFailed, churn_jar, jobs_jar
from judge import Judge, table
from processes import Interrupted, raise_on_sigterm, stop_all
from replay import compare, last_documents
from rest import RestError, TimedOut, Unreachable
from scraping_stores import Stores
from stories import STORIES
from story import Story
from survey import Survey
from world import World, now

SURVEY_AFTER_S = 110  # after the submissions: all jobs run, and one was restored, by then
SHORT_LIMIT_S, FULL_LIMIT_S = 12 * 60, 35 * 60
BROKEN = (FlinkUnavailable, CompileFailed, ClusterFailed, DoctorFailed, PartFailed, TimedOut, Unreachable, RestError)


class Run:
    """One version: clusters, stories and doctor, from start to table."""

    def __init__(self, version: str, args: argparse.Namespace, out: Path) -> None:
        self.version, self.args, self.out = version, args, out
        self.short = args.form == "short"
        self.started = now()
        self.world = World(version, out, self.short, self.log)
        self.kinds = [kind for kind in STORIES if self.wanted(kind)]
        self.stories: list[Story] = []
        self.doctor: Doctor | None = None
        self.rest_only: Doctor | None = None  # watches the same without reporters
        self.blindness: Blindness | None = None  # of that one
        self.alertmanager: Alertmanager | None = None
        self.prometheus: Prometheus | None = None
        self.delivery: Delivery | None = None
        self.survey: Survey | None = None
        self.front: Front | None = None
        self.stores: Stores | None = None  # that scrape the cluster whose classes leak

    def wanted(self, kind: type[Story]) -> bool:
        return kind.name in self.args.only if self.args.only else not (self.short and kind.full_form_only)

    def log(self, text: str) -> None:
        elapsed = int(now() - self.started)
        print(f"[{self.version} {elapsed // 60:2}:{elapsed % 60:02}] {text}", flush=True)

    def play(self) -> int:
        """Number of failures."""
        try:
            self.start_clusters()
            self.start_doctor()
            self.begin_stories()
            self.watch()
            return self.finish()
        finally:
            stop_all()

    # ---- setting up

    def start_clusters(self) -> None:
        flink_home(self.version)
        jobs_jar(self.version)
        churn_jar(self.version)
        for kind in self.kinds:
            kind.launch(self.world)
        self.world.wait_up()

    def start_doctor(self) -> None:
        if self.args.without_doctor:
            return
        if self.args.alertmanager_bin:
            self.alertmanager = Alertmanager(self.args.alertmanager_bin, self.args.amtool, self.out / "alertmanager")
            self.alertmanager.wait_up()
        addresses = [(cluster.url, cluster.reporters) for cluster in self.world.clusters.values()]
        self.doctor = Doctor(self.args.doctor, self.out / "doctor", addresses,
                             self.alertmanager.url if self.alertmanager else None, records=True)
        self.doctor.wait_up()
        self.log(f"flink-doctor is up: {self.doctor.url}")
        if self.args.rest_only:
            self.rest_only = Doctor(self.args.doctor, self.out / "doctor-rest", [(url, "") for url, _ in addresses])
            self.rest_only.wait_up()
            self.blindness = Blindness(matrix_of(self.args.doctor))
        if self.args.prometheus_bin:
            self.prometheus = Prometheus(self.args.prometheus_bin, self.args.promtool, self.out / "prometheus",
                                         self.doctor.listen)
            self.prometheus.wait_up()
        if self.args.victoria_metrics_bin and "leak" in self.world.clusters:
            leak = self.world.clusters["leak"]
            self.stores = Stores(self.args.doctor, self.args.prometheus_bin, self.args.victoria_metrics_bin, self.out / "stores",
                                 leak.url, leak.reporters, leak.ports.reporters())

    def begin_stories(self) -> None:
        self.world.started = now()
        for kind in self.kinds:
            story = kind(self.world)
            story.begin()
            self.stories.append(story)
            if story.ends_with_cancel and self.doctor:
                self.delivery = Delivery(self.world, *story.ends_with_cancel, self.alertmanager, self.prometheus)
        self.judge = Judge(self.stories)
        self.rest_judge = Judge(self.stories, second=True)
        for twin in [*self.judge.twins, *self.rest_judge.twins]:
            twin.since = now()
        self.submitted = now()
        self.log("all jobs are submitted")

    # ---- watching

    def watch(self) -> None:
        limit = self.started + (SHORT_LIMIT_S if self.short else FULL_LIMIT_S)
        while not self.all_done() and now() < limit:
            next_second = now() + 1
            for story in self.stories:
                self.step(story)
            for at, report in self.doctor.reports() if self.doctor else []:
                self.absorb(report, at)
            for at, report in self.rest_only.reports() if self.rest_only else []:
                self.blindness.absorb(report)
                for line in self.rest_judge.absorb(report, at):
                    self.log(f"REST alone: {line}")
            if self.stores and any(story.is_plain_to_see(now()) for story in self.stories):
                self.stores.ask()
            if self.doctor and self.survey is None and now() > self.submitted + SURVEY_AFTER_S:
                self.begin_survey()
            time.sleep(max(0.0, next_second - now()))

    def begin_survey(self) -> None:
        name = "main" if "main" in self.world.clusters else next(iter(self.world.clusters))
        cluster = self.world.clusters[name]
        self.survey = Survey(self.version, self.args.doctor, cluster.url, cluster.reporters, self.out / "metrics.json",
                             {story.name for story in self.stories})
        if self.args.nginx_bin:
            self.front = Front(self.args.nginx_bin, self.args.doctor, self.out / "front", cluster.url,
                               reporter_that_answers(cluster.ports.reporters()))

    def step(self, story: Story) -> None:
        try:
            story.step(now())
        except (Unreachable, RestError) as error:
            self.log(f"{story.name}: {error}")  # a cluster under faults may miss an answer; the next look tells

    def absorb(self, report: Report, at: float) -> None:
        for line in self.judge.absorb(report, at):
            self.log(line)
        if self.delivery:
            self.delivery.step(report, now())

    def all_done(self) -> bool:
        played = all(story.played(now()) for story in self.stories)
        if not self.doctor:
            return played
        judges = [self.judge, self.rest_judge] if self.rest_only else [self.judge]
        decided = all(e.decided(now()) for judge in judges for e in judge.expectations)
        watched = all(now() - t.since >= self.judge.twin_must_run(t, self.short) for t in self.judge.twins)
        delivered = self.delivery is None or self.delivery.finished() or self.delivery.expectation.seen is None
        return played and decided and watched and delivered

    # ---- the end

    def finish(self) -> int:
        asides = [part.lines() for part in (self.front, self.survey, self.stores) if part]  # they ask the clusters: first of all
        documents = last_documents(self.doctor) if self.doctor else []
        complaint = self.doctor.stop() if self.doctor else ""
        if self.rest_only and not complaint:
            complaint = self.rest_only.stop()
        print(f"\nFlink {self.world.version}, {self.args.form} form, {now() - self.started:.0f} s")
        if not self.doctor:
            unplayed = [story.name for story in self.stories if not story.played(now())]
            print(f"not played to the end: {', '.join(unplayed)}" if unplayed else "every story was played to its end")
            return len(unplayed)
        print(table(self.judge.rows(now())))
        lines = self.judge.complaints() + ([complaint] if complaint else [])
        failures = self.judge.failures() + bool(complaint)
        passes = self.judge.passes()
        if self.rest_only:
            print("\nthe same through REST alone\n" + table(self.rest_judge.rows(now())) + "\n")
            lines += self.rest_judge.complaints()
            failures += self.rest_judge.failures()
            passes += self.rest_judge.passes()
        if self.delivery:
            print("\n".join(self.delivery.summary()))
            failures += self.delivery.failures()
            passes += len(self.delivery.checks) - self.delivery.failures()
        if self.blindness:
            asides.append(self.blindness.lines())
        asides.append(compare(self.args.doctor, self.doctor.recording, documents))
        for said, good, bad in asides:
            lines = said + lines
            failures, passes = failures + bad, passes + good
        print("\n".join(lines))
        print(f"Flink {self.world.version}: {passes} passed, {failures} failed")
        return failures


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--doctor", type=Path)
    parser.add_argument("--without-doctor", action="store_true")
    parser.add_argument("--versions", default="1.20", type=lambda text: text.split(","))
    parser.add_argument("--form", choices=["short", "full"], default="short")
    parser.add_argument("--rest-only", action="store_true", help="a second flink-doctor watches the same without reporters")
    parser.add_argument("--only", type=lambda text: set(text.split(",")), default=set())
    parser.add_argument("--out", type=Path)
    for name in ("alertmanager-bin", "amtool", "prometheus-bin", "promtool", "victoria-metrics-bin", "nginx-bin"):
        parser.add_argument(f"--{name}", type=Path)
    args = parser.parse_args()
    unknown = args.only - {kind.name for kind in STORIES}
    if unknown:
        parser.error(f"--only: no story {', '.join(sorted(unknown))}; there are "
                     + ", ".join(kind.name for kind in STORIES))
    if not args.without_doctor and not (args.doctor and args.doctor.is_file()):
        parser.error("--doctor must name the flink-doctor program")
    if bool(args.alertmanager_bin) != bool(args.amtool) or bool(args.prometheus_bin) != bool(args.promtool):
        parser.error("--alertmanager-bin goes with --amtool, --prometheus-bin with --promtool")
    if args.victoria_metrics_bin and not args.prometheus_bin:
        parser.error("--victoria-metrics-bin goes with --prometheus-bin")
    return args


def drop_bulk(out: Path) -> None:
    """Logs stay; checkpoints, uploads and RocksDB files of the clusters do not."""
    for bulky in ("state", "tmp", "upload"):
        for folder in out.glob(f"*/*/{bulky}"):
            shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    args = arguments()
    raise_on_sigterm()
    out = args.out or Path(tempfile.mkdtemp(prefix="flink-doctor-proof-"))
    print(f"logs and the timeline of findings: {out}", flush=True)
    failures = 0
    try:
        for version in args.versions:
            shutil.rmtree(out / version, ignore_errors=True)  # what an earlier run left
            failures += Run(version, args, out / version).play()
    except BROKEN as error:
        print(f"run: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Interrupted):
        print("run: interrupted", file=sys.stderr)
        return 130
    finally:
        drop_bulk(out)
    print(f"logs and the timeline of findings: {out}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

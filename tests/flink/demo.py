"""The demonstration: a real Flink with a faulty job beside a healthy one, and the diagnosis as it appears.

    python3 demo.py --doctor PATH [--seconds N] [--version 1.20]

Runs until --seconds have passed or Ctrl-C; ends every process that it started.
"""
from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from alerting import PartFailed
from cluster import Cluster, ClusterFailed
from doctor import Doctor, DoctorFailed
from findings import Finding, Report
from flink_home import FlinkUnavailable, flink_home
from jobs import CompileFailed, jobs_jar
from processes import Interrupted, raise_on_sigterm, stop_all
from rest import RestError, TimedOut, Unreachable

BROKEN = (FlinkUnavailable, CompileFailed, ClusterFailed, DoctorFailed, PartFailed, TimedOut, Unreachable, RestError)
TASK_MANAGER = {"taskmanager.numberOfTaskSlots": "6"}
COMMON = ["--parallelism", "2", "--interval-ms", "10000", "--restarts", "-1"]
JOBS = [
    ("orders-slow", "Backpressure", ["--rate", "2000", "--delay-us", "5000", *COMMON],
     "its vertex `enrich` waits 5 ms per record: should show as backpressure within five minutes"),
    ("payments-looping", "Failing", ["--restarts", "-1", "--fail-after-ms", "15000"],
     "throws 15 s after every start: should show as a restart loop by the fourth restart"),
    ("orders-healthy", "Backpressure", ["--rate", "400", "--delay-us", "1000", *COMMON],
     "the same graph within its capacity: nothing should be said about it"),
]


def say(text: str = "") -> None:
    print(text, flush=True)


class Demo:
    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self.args, self.folder = args, folder
        self.shown: dict[str, tuple[str, str, str]] = {}

    def run(self) -> None:
        say(f"Flink {self.args.version}: looking for it in the cache ...")
        flink_home(self.args.version)
        jar = jobs_jar(self.args.version)
        with Cluster(self.args.version, self.folder, "demo", TASK_MANAGER) as cluster:
            say("starting a JobManager and a TaskManager ...")
            cluster.start_session()
            say(f"Flink runs: {cluster.url}")
            jar_id = cluster.rest.upload(jar)
            for name, entry, arguments, about in JOBS:
                cluster.rest.run(jar_id, f"flinkdoctor.{entry}", ["--name", name, *arguments])
                say(f"  job {name}: {about}")
            doctor = Doctor(self.args.doctor, self.folder / "doctor", [(cluster.url, cluster.reporters)])
            doctor.wait_up()
            self.show_addresses(cluster, doctor)
            self.follow(cluster, doctor)
            complaint = doctor.stop()
            if complaint:
                raise DoctorFailed(complaint)

    def show_addresses(self, cluster: Cluster, doctor: Doctor) -> None:
        say("flink-doctor watches it:")
        for path, what in (("/api/v1/findings", "the diagnosis as JSON"), ("/metrics", "for Prometheus")):
            say(f"  {doctor.url}{path:18} {what}")
        say(f"  {cluster.url + '/':40} Flink's own web interface")
        say("waiting for the diagnosis" + ("" if self.args.seconds else "; Ctrl-C ends everything") + "\n")

    def follow(self, cluster: Cluster, doctor: Doctor) -> None:
        started = time.monotonic()
        while not self.args.seconds or time.monotonic() < started + self.args.seconds:
            cluster.check_alive()
            for at, report in doctor.reports():
                self.show(report, at - started)
            time.sleep(1)
        say(f"\n{self.args.seconds} s are over; {len(self.shown)} findings were shown")

    def show(self, report: Report, elapsed: float) -> None:
        """Each finding when it appears and whenever its weight changes; evidence and advice only then."""
        present = {finding.id: finding for finding in report.findings if finding.state != "pending"}
        for finding in present.values():
            weight = (finding.state, finding.severity, finding.confidence)
            if self.shown.get(finding.id) != weight:
                self.shown[finding.id] = weight
                self.print(finding, elapsed)

    @staticmethod
    def print(finding: Finding, elapsed: float) -> None:
        minutes, seconds = divmod(int(elapsed), 60)
        state = "RESOLVED" if finding.state == "resolved" else finding.severity.upper()
        say(f"[{minutes:02}:{seconds:02}] {state} {finding.detector} ({finding.confidence or 'observed'}): "
            f"{finding.summary}")
        say(f"        about: {finding.about()}")
        if finding.firing:
            for sentence in finding.evidence:
                say(f"        seen:  {sentence}")
            for sentence in finding.remedy:
                say(f"        do:    {sentence}")
        say()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--doctor", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=0, help="end after watching for so many seconds (0: at Ctrl-C)")
    parser.add_argument("--version", default="1.20")
    args = parser.parse_args()
    if not args.doctor.is_file():
        parser.error(f"there is no program {args.doctor}")
    raise_on_sigterm()
    folder = Path(tempfile.mkdtemp(prefix="flink-doctor-demo-"))
    try:
        Demo(args, folder).run()
        return 0
    except BROKEN as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, Interrupted):
        say("\nending everything")
        return 0
    finally:
        stop_all()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

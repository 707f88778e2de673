"""What flink-doctor costs its patient: CPU time of the JobManager and of the TaskManagers with it and without it.

    python3 burden.py --doctor PATH [--version 1.20] [--jobs 20] [--pairs 5] [--seconds 60] [--out DIR]

Interleaved pairs on one real cluster that runs all the time: first without, then with reporters read, then through REST
alone, and again. Only the differences within a round are worth reading. Exit code 1 when the JobManager's median
difference is above --limit percent of a core.
"""
from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from cluster import Cluster
from doctor import Doctor
from flink_home import exact_version
from jobs import jobs_jar
from processes import raise_on_sigterm, stop_all
from rest import until

SETTLE_S = 45  # after the jobs start: the JVM compiles what it needs
DOCTOR_SETTLES_S = 30  # its first questions, once per start, are about everything
MODES = ("reporters", "REST alone")


def cpu_seconds(pid: int) -> float:
    """utime + stime of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Burden:
    def __init__(self, args: argparse.Namespace, out: Path) -> None:
        self.args, self.out = args, out
        settings = {"taskmanager.numberOfTaskSlots": str(args.jobs), "taskmanager.memory.process.size": "2300m",
                    "taskmanager.memory.managed.size": "256m"}
        self.cluster = Cluster(args.version, out, "burden", settings)

    def start(self) -> None:
        jar = jobs_jar(self.args.version)
        self.cluster.start_session(task_managers=2)
        jar_id = self.cluster.rest.upload(jar)
        for number in range(self.args.jobs):
            self.cluster.rest.run(jar_id, "flinkdoctor.Backpressure",
                                  ["--name", f"orders-{number}", "--rate", "20", "--interval-ms", "10000",
                                   "--restarts", "-1", "--parallelism", "2"])
        until("all jobs run", self.all_run, 240)
        print(f"{self.args.jobs} jobs run on Flink {exact_version(self.args.version)}", flush=True)
        time.sleep(SETTLE_S)

    def all_run(self) -> bool:
        jobs = (self.cluster.rest.try_get("/jobs/overview") or {}).get("jobs", [])
        return len(jobs) == self.args.jobs and all(job["tasks"]["running"] == job["tasks"]["total"] for job in jobs)

    def share(self) -> tuple[float, float]:
        """Percent of a core that the JobManager, and all TaskManagers, use from now on."""
        def used() -> tuple[float, float]:
            return (cpu_seconds(self.cluster.job_manager.pid),
                    sum(cpu_seconds(tm.process.pid) for tm in self.cluster.task_managers))
        before, began = used(), time.monotonic()
        time.sleep(self.args.seconds)
        after, took = used(), time.monotonic() - began
        return tuple(100 * (b - a) / took for a, b in zip(before, after))

    def with_doctor(self, mode: str, number: int) -> tuple[float, float, float]:
        reporters = self.cluster.reporters if mode == MODES[0] else ""
        doctor = Doctor(self.args.doctor, self.out / f"doctor-{number}", [(self.cluster.url, reporters)])
        try:
            doctor.wait_up()
            time.sleep(DOCTOR_SETTLES_S)
            own = cpu_seconds(doctor.process.pid)
            job_manager, task_managers = self.share()
            return job_manager, task_managers, 100 * (cpu_seconds(doctor.process.pid) - own) / self.args.seconds
        finally:
            doctor.stop()

    def measure(self) -> dict[str, list[tuple[float, float, float]]]:
        """Per mode: JobManager with − without, TaskManagers with − without, the doctor itself; percent of a core."""
        rounds: dict[str, list[tuple[float, float, float]]] = {mode: [] for mode in MODES}
        for number in range(self.args.pairs):
            for mode in MODES:
                without = self.share()
                found = self.with_doctor(mode, number)
                row = (found[0] - without[0], found[1] - without[1], found[2])
                rounds[mode].append(row)
                print(f"round {number + 1}, {mode}: JobManager {without[0]:.2f} % -> {found[0]:.2f} %, "
                      f"TaskManagers {without[1]:.2f} % -> {found[1]:.2f} %, flink-doctor {found[2]:.2f} % of a core",
                      flush=True)
        return rounds


def spread(values: list[float]) -> str:
    return f"{min(values):+.2f} .. {statistics.median(values):+.2f} .. {max(values):+.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--doctor", type=Path, required=True)
    parser.add_argument("--version", default="1.20")
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--limit", type=float, default=2.0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    raise_on_sigterm()
    burden = Burden(args, args.out or Path(tempfile.mkdtemp(prefix="flink-burden-")))
    try:
        burden.start()
        rounds = burden.measure()
    finally:
        stop_all()
    failed = 0
    print(f"\n{args.pairs} pairs of {args.seconds:.0f} s, percent of a core, min .. median .. max")
    for mode, rows in rounds.items():
        job_manager, task_managers, own = ([row[i] for row in rows] for i in range(3))
        good = statistics.median(job_manager) <= args.limit
        failed += not good
        print(f"{mode:11} JobManager {spread(job_manager)} (limit {args.limit:+.1f}: {'ok' if good else 'MISSED'}), "
              f"TaskManagers {spread(task_managers)}, flink-doctor {spread(own)}")
    print(f"{len(MODES) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(main())

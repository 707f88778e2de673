#!/usr/bin/env python3
"""How soon an agent asks its cluster for the first time when it starts on a full store of seven days, again and again."""
import argparse
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "tests" / name) for name in ("fakes", "flink")]
import flink as fakes  # noqa: E402
from ports import free_block  # noqa: E402

FIRST_WITHIN_S = 60


class Cluster(fakes.JobManager):
    """Notes when it is first asked."""

    def __init__(self):
        super().__init__({"orders": "RUNNING"}, ["tm-0"])
        self.asked = threading.Event()
        self.asked_at = 0.0
        config = self.answers["/config"]

        def answer():
            if not self.asked.is_set():
                self.asked_at = time.monotonic()
                self.asked.set()
            return config

        self.answers["/config"] = answer


def metric(listen, name):
    with urllib.request.urlopen(f"http://{listen}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
    return float("nan")


def known_series(listen):
    """As soon as it tells of any."""
    end = time.monotonic() + FIRST_WITHIN_S
    while time.monotonic() < end:
        if metric(listen, "flink_doctor_series") > 0:
            return metric(listen, "flink_doctor_series")
        time.sleep(0.05)
    raise SystemExit(f"no series known within {FIRST_WITHIN_S} s")


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_once(doctor, folder, data, how):
    """Seconds to the first question, of all its threads' CPU until then, to the past being known, and its series; ends it by the signal."""
    cluster, listen = Cluster(), f"127.0.0.1:{free_block(1)}"
    (folder / "config.yaml").write_text(f"""
listen: "{listen}"
data_dir: {data}
clusters:
  - {{name: bench, flink: ["http://127.0.0.1:{cluster.port}"]}}
""")
    with open(folder / "log", "a") as log:
        began = time.monotonic()
        daemon = subprocess.Popen([doctor, "run", "--config", str(folder / "config.yaml")], stderr=log, stdout=log)
        try:
            if not cluster.asked.wait(FIRST_WITHIN_S):
                raise SystemExit(f"no question within {FIRST_WITHIN_S} s; see {folder / 'log'}")
            cpu = cpu_s(daemon.pid)
            series = known_series(listen)
            known_at = time.monotonic()
        finally:
            daemon.send_signal(how)
            daemon.wait(30)
            cluster.close()
    return cluster.asked_at - began, cpu, known_at - began, series


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--doctor", required=True)
    parser.add_argument("--store", required=True, help="doctor_bench_store")
    parser.add_argument("--task-managers", default="200")
    parser.add_argument("--starts", type=int, default=7)
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the store; not filled again when it is there")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="flink-doctor-restart-"))
    data = arguments.keep or folder / "data"
    try:
        if not (data / "state.db").exists():
            data.mkdir(parents=True, exist_ok=True)
            subprocess.run([arguments.store, str(data), arguments.task_managers], check=True)
        for how in (signal.SIGTERM, signal.SIGKILL):
            starts = [start_once(arguments.doctor, folder, data, how) for _ in range(arguments.starts)]
            times, cpu, known, series = zip(*starts)
            print(f"first question after a start, ended by {how.name}: {min(times):.3f} s at least, median "
                  f"{statistics.median(times):.3f}, most {max(times):.3f}; CPU until then {min(cpu):.2f} s at least, median "
                  f"{statistics.median(cpu):.2f}; {min(series):.0f} series known after {statistics.median(known):.2f} s in the middle")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

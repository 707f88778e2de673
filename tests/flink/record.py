"""Records what a real Flink answers, as fixtures for parsers that are tested without a network.

    python3 record.py 1.20 2.2         rewrites tests/fixtures/flink-1.20 and flink-2.2

Bodies are kept as they came; only folders of this machine are replaced. Every file has a line in index.json:
the request, the status, and what is special about it.
"""
from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from cluster import Cluster
from flink_home import FlinkUnavailable, flink_home, major_minor
from jobs import jobs_jar
from processes import Interrupted, raise_on_sigterm
from rest import TimedOut, Unreachable, until

FIXTURES = Path(__file__).parent.parent / "fixtures"
WARM_UP_S = 100  # PerSecond values are means over 60 s, and RocksDB needs a while to fill something
REST_CACHE_S = 11  # the JobManager asks its TaskManagers every 10 s and answers with what it had
UNKNOWN = "0123456789abcdef0123456789abcdef"
JVM = ["Memory.Metaspace.Used", "Memory.Metaspace.Committed", "Memory.Metaspace.Max", "Memory.Heap.Used",
       "Memory.Heap.Max", "ClassLoader.ClassesLoaded", "ClassLoader.ClassesUnloaded", "CPU.Time", "CPU.Load",
       "Threads.Count", "GarbageCollector.G1_Old_Generation.Count", "GarbageCollector.G1_Young_Generation.Count",
       "GarbageCollector.G1_Young_Generation.Time"]

# name -> entry class and arguments; what each shows is in its class comment and in the README of the fixtures.
CHECKPOINTS = ["--interval-ms", "5000"]
ROCKSDB = ["--backend", "rocksdb", "--incremental", "true"]
JOBS: dict[str, tuple[str, list[str]]] = {
    "orders-slow": ("Backpressure", ["--rate", "2000", "--delay-us", "5000", "--parallelism", "2", *CHECKPOINTS]),
    "orders-healthy": ("Backpressure", ["--rate", "200", "--delay-us", "500", "--parallelism", "2", *CHECKPOINTS]),
    "payments-looping": ("Failing", ["--restarts", "-1", *CHECKPOINTS]),
    "payments-failed": ("Failing", []),
    "payments-finished": ("Failing", ["--count", "300", "--fail-times", "0"]),
    "payments-canceled": ("Failing", ["--fail-times", "0"]),
    "profiles-growing": ("KeyedState", ["--growth-kb", "200", *CHECKPOINTS, *ROCKSDB, "--restarts", "-1"]),
    "sessions-unmanaged": ("ManyStates", ["--states", "6", "--rate", "300", "--unmanaged", "true",
                                          "--write-buffer-mb", "32", "--interval-ms", "60000", *ROCKSDB]),
    "sessions-managed": ("ManyStates", ["--states", "2", "--rate", "300", *CHECKPOINTS, *ROCKSDB]),
    "ledger-absent": ("SlowSnapshot", ["--snapshot-ms", "3600000", "--timeout-ms", "15000", "--tolerable", "1000",
                                       *CHECKPOINTS]),
    "ledger-no-checkpoints": ("SlowSnapshot", []),
}
ENDED = {"payments-failed": "FAILED", "payments-finished": "FINISHED", "payments-canceled": "CANCELED"}


class Recorder:
    """Writes answers of one cluster into one folder."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.index: list[dict[str, object]] = []

    def rest(self, name: str, path: str, note: str = "") -> str:
        status, body = self.cluster.rest.fetch(path)
        self.keep(f"{name}.json", "GET " + path, status, body, note)
        return body

    def keep(self, name: str, request: str, status: int, body: str, note: str = "") -> None:
        body = body.replace(str(self.cluster.folder), "/var/lib/flink").replace(str(self.cluster.home), "/opt/flink")
        (self.folder / name).write_text(body)
        entry: dict[str, object] = {"file": name, "request": request, "status": status}
        self.index.append({**entry, "note": note} if note else entry)

    def metric_ids(self, path: str) -> list[str]:
        return [metric["id"] for metric in self.cluster.rest.get(path)]

    def write_index(self) -> None:
        lines = ",\n".join(json.dumps(entry) for entry in self.index)
        (self.folder / "index.json").write_text(f"[\n{lines}\n]\n")


def record(version: str, scratch: Path) -> Path:
    folder = FIXTURES / "flink-{}.{}".format(*major_minor(version))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    slots = {"taskmanager.numberOfTaskSlots": "6", "taskmanager.memory.process.size": "1700m",
             "taskmanager.memory.managed.size": "600m"}
    with Cluster(version, scratch, f"flink-{version}", slots) as cluster:
        cluster.start_session(task_managers=2)
        recorder = Recorder(cluster, folder)
        recorder.rest("empty-jobs-overview", "/jobs/overview", "no job has run yet")
        recorder.rest("empty-jobmanager-metrics-first", f"/jobmanager/metrics?get={jvm_ids()}",
                      "the very first answer: the JobManager has not asked anybody yet")
        jobs = submit(cluster)
        settle(cluster, jobs)
        record_cluster(recorder)
        for name, job_id in jobs.items():
            record_job(recorder, name, job_id)
        record_reporters(recorder)
        record_errors(recorder, jobs["orders-slow"])
        record_loss(recorder, jobs["orders-healthy"], jobs["profiles-growing"])
        recorder.write_index()
    return folder


def submit(cluster: Cluster) -> dict[str, str]:
    jar = cluster.rest.upload(jobs_jar(cluster.version))
    return {name: cluster.rest.run(jar, f"flinkdoctor.{entry}", ["--name", name, *args])
            for name, (entry, args) in JOBS.items()}


def settle(cluster: Cluster, jobs: dict[str, str]) -> None:
    cluster.rest.wait_running(jobs["payments-canceled"])
    time.sleep(5)
    cluster.rest.cancel(jobs["payments-canceled"])
    until_warm = time.monotonic() + WARM_UP_S
    for name, state in ENDED.items():
        cluster.rest.wait_state(jobs[name], {state})
    time.sleep(max(0.0, until_warm - time.monotonic() - 30))
    cluster.rest.savepoint(jobs["profiles-growing"], cluster.folder / "state" / "savepoints")
    cluster.rest.get(f"/jobmanager/metrics?get={jvm_ids()}")  # starts the fetch whose answers we then read
    time.sleep(max(REST_CACHE_S, until_warm - time.monotonic()))
    for job_id in jobs.values():  # backpressure too is only there after it was asked for once
        for vertex in cluster.rest.get(f"/jobs/{job_id}")["vertices"]:
            cluster.rest.get(f"/jobs/{job_id}/vertices/{vertex['id']}/backpressure")
    time.sleep(REST_CACHE_S)


def jvm_ids() -> str:
    return ",".join(f"Status.JVM.{name}" for name in JVM)


def record_cluster(recorder: Recorder) -> None:
    for name, path in {"overview": "/overview", "config": "/config", "jobmanager-config": "/jobmanager/config",
                       "jobmanager-environment": "/jobmanager/environment", "jobs-overview": "/jobs/overview",
                       "jobs": "/jobs", "taskmanagers": "/taskmanagers",
                       "jobmanager-metric-ids": "/jobmanager/metrics",
                       "taskmanagers-metric-ids": "/taskmanagers/metrics",
                       "jobmanager-metrics": f"/jobmanager/metrics?get={jvm_ids()}",
                       "taskmanagers-metrics": f"/taskmanagers/metrics?get={jvm_ids()}"}.items():
        recorder.rest(name, path)
    recorder.rest("taskmanagers-metrics-one-unknown", f"/taskmanagers/metrics?get={jvm_ids()},No.Such.Metric",
                  "one unknown id empties an aggregated answer")
    for number, tm in enumerate(recorder.cluster.rest.get("/taskmanagers")["taskmanagers"], 1):
        path = "/taskmanagers/" + urllib.parse.quote(tm["id"])
        recorder.rest(f"taskmanager-{number}", path)
        recorder.rest(f"taskmanager-{number}-metrics", f"{path}/metrics?get={jvm_ids()}")
        status = [name for name in recorder.metric_ids(f"{path}/metrics") if name.startswith("Status.")]
        recorder.rest(f"taskmanager-{number}-metrics-status", f"{path}/metrics?get={','.join(status)}")


def record_job(recorder: Recorder, name: str, job_id: str) -> None:
    base = f"/jobs/{job_id}"
    note = f"job {name} {job_id}"
    recorder.rest(f"job-{name}", base, note)
    for part in ("config", "checkpoints", "checkpoints/config", "exceptions"):
        recorder.rest(f"job-{name}-{part.replace('/', '-')}", f"{base}/{part}", note)
    completed = ((recorder.cluster.rest.try_get(f"{base}/checkpoints") or {}).get("latest") or {}).get("completed")
    if completed and name == "orders-healthy":
        recorder.rest("checkpoint-details", f"{base}/checkpoints/details/{completed['id']}", note)
    ids = recorder.metric_ids(f"{base}/metrics")
    recorder.rest(f"job-{name}-metrics", f"{base}/metrics?get={','.join(ids)}", note)
    for number, vertex in enumerate(recorder.cluster.rest.get(base)["vertices"], 1):
        about = f"{note}, vertex {vertex['name']}"
        recorder.rest(f"job-{name}-vertex-{number}", f"{base}/vertices/{vertex['id']}", about)
        recorder.rest(f"job-{name}-vertex-{number}-backpressure", f"{base}/vertices/{vertex['id']}/backpressure", about)
        record_vertex_metrics(recorder, f"job-{name}-vertex-{number}", f"{base}/vertices/{vertex['id']}", about)


def record_vertex_metrics(recorder: Recorder, name: str, path: str, note: str) -> None:
    """Task-level metrics of each vertex; RocksDB's only where there are some, and of one column family per kind."""
    ids = [metric for metric in recorder.metric_ids(f"{path}/metrics") if is_of_interest(metric)]
    if ids:
        recorder.rest(f"{name}-metrics", f"{path}/metrics?get={','.join(ids)}", note)
    rocksdb = sorted({metric.split(".", 1)[1] for metric in ids if "rocksdb" in metric})
    if rocksdb:
        recorder.rest(f"{name}-subtasks-metrics", f"{path}/subtasks/metrics?get={','.join(rocksdb)}", note)


def is_of_interest(metric: str) -> bool:
    if "rocksdb" in metric:
        return any(word in metric for word in ("mem-tables", "block-cache", "table-readers", "is-write-stopped"))
    parts = metric.split(".")
    return len(parts) == 2 and parts[1].startswith(
        ("busy", "idle", "backPressured", "soft", "hard", "num", "accumulate", "isBack", "current"))


def record_reporters(recorder: Recorder) -> None:
    ports = recorder.cluster.ports
    managers = 0
    for port in range(ports.reporter_first, ports.reporter_last + 1):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                text = answer.read().decode()
        except OSError:
            continue  # a port of the range that nobody took
        name = "reporter-jobmanager.txt"
        if "flink_jobmanager_" not in text:
            managers += 1
            name = f"reporter-taskmanager-{managers}.txt"
        recorder.keep(name, f"GET :{port}/metrics", 200, text, "the Prometheus reporter")


def record_errors(recorder: Recorder, job_id: str) -> None:
    recorder.rest("error-unknown-job", f"/jobs/{UNKNOWN}")
    recorder.rest("error-unknown-job-checkpoints", f"/jobs/{UNKNOWN}/checkpoints")
    recorder.rest("error-malformed-job", "/jobs/no-hex-id")
    recorder.rest("error-unknown-vertex", f"/jobs/{job_id}/vertices/{UNKNOWN}")
    recorder.rest("error-unknown-vertex-backpressure", f"/jobs/{job_id}/vertices/{UNKNOWN}/backpressure")
    recorder.rest("error-unknown-taskmanager", "/taskmanagers/127.0.0.1:1-000000")
    recorder.rest("error-unknown-job-metrics", f"/jobs/{UNKNOWN}/metrics?get=numRestarts", "200 and empty")
    recorder.rest("error-unknown-taskmanager-metrics", f"/taskmanagers/127.0.0.1:1-000000/metrics?get={jvm_ids()}",
                  "200 and empty")
    recorder.rest("error-unknown-path", "/no/such/path")
    recorder.keep("error-leader-election.json", "GET /overview", 503, json.dumps({"errors": [
        "Service temporarily unavailable due to an ongoing leader election. Please refresh."]}), "made by hand")


def record_loss(recorder: Recorder, watched: str, restarting: str) -> None:
    """A killed TaskManager: what the list, the exceptions and the vertices say right after and when it is over."""
    cluster = recorder.cluster
    victim = cluster.task_manager_of(restarting)
    if victim is None:
        raise TimedOut("no TaskManager runs the job that should lose its own")
    spare = cluster.launch_task_manager()
    until("a spare TaskManager", lambda: any(spare.owns(tm["id"]) for tm in
                                             cluster.rest.get("/taskmanagers")["taskmanagers"]), 120)
    victim.kill()
    exceptions = f"/jobs/{restarting}/exceptions"
    until("the job notices the loss", lambda: cluster.rest.get(exceptions)["exceptionHistory"]["entries"], 60, 0.2)
    recorder.rest("lost-jobs-overview", "/jobs/overview", "just after a TaskManager was killed")
    cluster.rest.wait_running(restarting)
    time.sleep(20)
    recorder.rest("lost-taskmanagers", "/taskmanagers", "one TaskManager killed, another one new")
    for part in ("", "/exceptions", "/checkpoints"):
        recorder.rest("lost-job-profiles-growing" + part.replace("/", "-"), f"/jobs/{restarting}{part}",
                      "recovered from a killed TaskManager: one restart, restored from a checkpoint")
    recorder.rest("lost-job-orders-healthy-exceptions", f"/jobs/{watched}/exceptions",
                  "no restart strategy: failed if it had a task there")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="+")
    args = parser.parse_args()
    raise_on_sigterm()
    scratch = Path(tempfile.mkdtemp(prefix="flink-record-"))
    try:
        for version in args.versions:
            flink_home(version)
            folder = record(version, scratch)
            files = list(folder.iterdir())
            print(f"{folder}: {len(files)} files, {sum(f.stat().st_size for f in files) >> 10} kB", flush=True)
        return 0
    except (FlinkUnavailable, TimedOut, Unreachable) as error:
        print(f"record: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, Interrupted):
        return 130
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

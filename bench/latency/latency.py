"""How soon an alert follows the answer that completes its evidence: from the last byte of that answer to the first byte of
the alert at Alertmanager.

    python3 latency.py --doctor PATH [--prometheus PATH] [--clusters 20] [--seconds 420]

Scripted JobManagers and reporters, one of each per cluster, in which every few seconds another job fails, and one after the
other sinks become too slow and checkpoints begin to fail; one scripted Alertmanager. The agent polls every 5 s and scrapes every 15 s, as it does by
default; the wait for these is not part of what is measured. What completes the evidence of backpressure is a scrape, the
last one before the alert: the agent hurries or it does not, but it never judges scrapes that have not come. So it is with
failing checkpoints and the last list of them. Beside it, a Prometheus that scrapes the same reporters with a rule for the same
backpressure.
"""
from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path += [str(Path(__file__).resolve().parents[2] / "tests" / "flink"), str(Path(__file__).resolve().parents[1])]

from peers import spread  # noqa: E402
from processes import Process, raise_on_sigterm, stop_all  # noqa: E402

JOBS_THAT_FAIL = 12
FAULT_EVERY_S = 7.3  # no multiple of the poll's period
JOBS_THAT_SLOW_DOWN = 6
SLOW_EVERY_S = 17.3
JOBS_WHOSE_CHECKPOINTS_FAIL = 4
CHECKPOINTS_FAIL_AFTER_S = 90  # by then a job has a past of checkpoints that completed
CHECKPOINTS_FAIL_EVERY_S = 19.7
CHECKPOINT_INTERVAL_MS = 5000
HISTORY = 10  # Flink's web.checkpoints.history
STARTED_MS = 1_700_000_000_000
BY_PROMETHEUS = "backpressure, by Prometheus"
DETECTORS = ("job_down", "backpressure", "checkpoint_failing", BY_PROMETHEUS)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(6, 1, 1)  # TCP_NODELAY: what is measured is the agent

    def answer(self, body: object, status: int = 200) -> None:
        self.say(json.dumps(body).encode(), "application/json", status)

    def say(self, data: bytes, content_type: str, status: int = 200) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n\r\n"
        self.wfile.write(head.encode() + data)

    def log_message(self, *_: object) -> None:
        pass


class SlowSink:
    """A job of a source and a sink, which from some moment on takes all the time there is."""

    def __init__(self, number: int, slow_from: float) -> None:
        self.name, self.id, self.slow_from = f"slow-{number}", f"{1000 + number:032x}", slow_from
        self.began = time.monotonic()

    def page(self) -> dict:
        vertices = [{"id": f"{v + 1:032x}", "name": name, "parallelism": 1, "maxParallelism": 128, "status": "RUNNING",
                     "tasks": {"RUNNING": 1}, "start-time": STARTED_MS, "metrics": {}}
                    for v, name in enumerate(("source", "sink"))]
        nodes = [{"id": vertices[0]["id"]},
                 {"id": vertices[1]["id"], "inputs": [{"num": 0, "id": vertices[0]["id"], "ship_strategy": "HASH"}]}]
        return {"jid": self.id, "name": self.name, "state": "RUNNING", "start-time": STARTED_MS, "end-time": -1, "vertices": vertices,
                "timestamps": {"CREATED": STARTED_MS, "RUNNING": STARTED_MS + 1000}, "plan": {"nodes": nodes}}

    def series(self, now: float) -> dict[str, list[tuple[str, float]]]:
        """Milliseconds of each task, by metric."""
        calm, slow = 1000 * (min(now, self.slow_from) - self.began), 1000 * max(0.0, now - self.slow_from)
        told: dict[str, list[tuple[str, float]]] = {}
        for vertex, (busy, held_up) in enumerate(((.05, .9), (1.0, .0))):
            labels = (f'job_id="{self.id}",job_name="{self.name}",task_id="{vertex + 1:032x}",subtask_index="0",'
                      f'task_attempt_num="0",tm_id="tm",host="h"')
            times = {"Busy": .2 * calm + busy * slow, "BackPressured": held_up * slow}
            times["Idle"] = calm + slow - sum(times.values())
            for kind, ms in times.items():
                told.setdefault(f"flink_taskmanager_job_task_accumulate{kind}TimeMs", []).append((labels, ms))
        return told


class FailingCheckpoints:
    """A job whose checkpoints complete, until some moment after which all are declined."""

    def __init__(self, number: int, began: float, fails_from: float) -> None:
        self.name, self.id = f"declined-{number}", f"{2000 + number:032x}"
        self.began, self.fails_from = began, fails_from
        self.began_ms = round(1000 * (time.time() - time.monotonic() + began))
        self.read: list[float] = []

    def page(self) -> dict:
        vertex = {"id": f"{1:032x}", "name": "all", "parallelism": 1, "maxParallelism": 128, "status": "RUNNING",
                  "tasks": {"RUNNING": 1}, "start-time": STARTED_MS, "metrics": {}}
        return {"jid": self.id, "name": self.name, "state": "RUNNING", "start-time": STARTED_MS, "end-time": -1, "vertices": [vertex],
                "timestamps": {"CREATED": STARTED_MS, "RUNNING": STARTED_MS + 1000}, "plan": {"nodes": [{"id": vertex["id"]}]}}

    @staticmethod
    def config() -> dict:
        return {"mode": "exactly_once", "interval": CHECKPOINT_INTERVAL_MS, "timeout": 60_000, "min_pause": 0, "max_concurrent": 1,
                "externalization": {"enabled": False, "delete_on_cancellation": True}, "state_backend": "HashMapStateBackend",
                "checkpoint_storage": "FileSystemCheckpointStorage", "unaligned_checkpoints": False,
                "tolerable_failed_checkpoints": 1000, "aligned_checkpoint_timeout": 0, "checkpoints_after_tasks_finish": True}

    def checkpoint(self, number: int) -> dict:
        at = self.began_ms + number * CHECKPOINT_INTERVAL_MS
        failed = self.began + number * CHECKPOINT_INTERVAL_MS / 1000 >= self.fails_from
        told = {"className": "failed" if failed else "completed", "id": number, "status": "FAILED" if failed else "COMPLETED",
                "is_savepoint": False, "trigger_timestamp": at, "latest_ack_timestamp": at + 20, "checkpointed_size": 1000,
                "state_size": 1000, "end_to_end_duration": 20, "alignment_buffered": 0, "processed_data": 0, "persisted_data": 0,
                "num_subtasks": 1, "num_acknowledged_subtasks": 0 if failed else 1, "checkpoint_type": "CHECKPOINT", "tasks": {}}
        more = {"failure_timestamp": at + 20, "failure_message": "Checkpoint was declined."} if failed else {
            "external_path": "<checkpoint-not-externally-addressable>", "discarded": False}
        return told | more

    def checkpoints(self) -> dict:
        number = int(1000 * (time.monotonic() - self.began)) // CHECKPOINT_INTERVAL_MS
        history = [self.checkpoint(n) for n in range(number - 1, -1, -1)]
        ended = {status: [c for c in history if c["status"] == status] for status in ("COMPLETED", "FAILED")}
        latest = {status: checkpoints[0] if checkpoints else None for status, checkpoints in ended.items()}
        return {"counts": {"restored": 0, "total": len(history), "in_progress": 0, "completed": len(ended["COMPLETED"]),
                           "failed": len(ended["FAILED"])},
                "summary": {}, "history": history[:HISTORY],
                "latest": {"completed": latest["COMPLETED"], "savepoint": None, "failed": latest["FAILED"], "restored": None}}


class FakeCluster:
    """Jobs fail one after the other; `shown` tells when that was first read. Sinks become slow; `scraped` tells when that
    could be read."""

    def __init__(self, number: int, began: float) -> None:
        self.began = began + FAULT_EVERY_S * number / 20
        self.failed_at: dict[str, float] = {}
        self.shown: dict[str, float] = {}
        self.scraped: list[float] = []
        self.scraped_by_prometheus: list[float] = []
        self.slow = [SlowSink(i, self.began + SLOW_EVERY_S * (i + number / 20)) for i in range(JOBS_THAT_SLOW_DOWN)]
        self.declined = [FailingCheckpoints(i, began, self.began + CHECKPOINTS_FAIL_AFTER_S + CHECKPOINTS_FAIL_EVERY_S * (i + number / 20))
                         for i in range(JOBS_WHOSE_CHECKPOINTS_FAIL)]
        self.pages = {f"/jobs/{job.id}": job.page() for job in self.slow + self.declined}
        self.pages |= {f"/jobs/{job.id}/checkpoints/config": job.config() for job in self.declined}
        cluster = self

        class JobManager(Handler):
            def do_GET(self) -> None:  # noqa: N802
                path = self.path.split("?")[0]
                if path == "/jobs/overview":
                    failed = cluster.failed()
                    self.answer({"jobs": cluster.rows(failed)})
                    now = time.monotonic()
                    for job in failed:
                        cluster.shown.setdefault(f"job-{job}", now)
                elif job := next((job for job in cluster.declined if path == f"/jobs/{job.id}/checkpoints"), None):
                    self.answer(job.checkpoints())
                    job.read.append(time.monotonic())
                else:
                    body = cluster.page(path)
                    self.answer({"errors": ["Not found: " + path]} if body is None else body, 404 if body is None else 200)

        class Reporter(Handler):
            def do_GET(self) -> None:  # noqa: N802
                self.say(cluster.exposition().encode(), "text/plain; version=0.0.4")
                by_prometheus = self.headers.get("User-Agent", "").startswith("Prometheus/")
                (cluster.scraped_by_prometheus if by_prometheus else cluster.scraped).append(time.monotonic())

        self.server, self.reporter = Server(JobManager), Server(Reporter)

    def exposition(self) -> str:
        now = time.monotonic()
        families: dict[str, list[tuple[str, float]]] = {}
        for job in self.slow:
            for family, rows in job.series(now).items():
                families.setdefault(family, []).extend(rows)
        return "".join(f"# TYPE {family} gauge\n" + "".join(f"{family}{{{labels}}} {value:.0f}\n" for labels, value in rows)
                       for family, rows in families.items())

    def failed(self) -> set[int]:
        now = time.monotonic()
        failed = {job for job in range(JOBS_THAT_FAIL) if now >= self.began + FAULT_EVERY_S * (job + 1)}
        for job in failed:
            self.failed_at.setdefault(f"job-{job}", self.began + FAULT_EVERY_S * (job + 1))
        return failed

    def rows(self, failed: set[int]) -> list[dict]:
        running = [{"jid": job.id, "name": job.name, "state": "RUNNING", "start-time": STARTED_MS, "end-time": -1,
                    "last-modification": STARTED_MS + 1000, "tasks": {"total": 2, "running": 2}} for job in self.slow + self.declined]
        return running + [self.row(job, job in failed) for job in range(JOBS_THAT_FAIL)]

    @staticmethod
    def row(job: int, failed: bool) -> dict:
        return {"jid": f"{job:032x}", "name": f"job-{job}", "state": "FAILED" if failed else "RUNNING", "start-time": STARTED_MS,
                "end-time": STARTED_MS + 900_000 if failed else -1, "last-modification": STARTED_MS + (900_000 if failed else 0),
                "tasks": {"total": 1, "running": 0 if failed else 1, "failed": 1 if failed else 0}}

    def page(self, path: str) -> object:
        if path in self.pages:
            return self.pages[path]
        if path == "/config":
            return {"flink-version": "1.20.5"}
        if path == "/taskmanagers":
            return {"taskmanagers": []}
        if path == "/jobmanager/config":
            return []
        if path == "/jobmanager/environment":
            return {"jvm": {"options": []}}
        if path.endswith("/exceptions"):
            return {"exceptionHistory": {"entries": [{"exceptionName": "java.io.IOException", "timestamp": STARTED_MS + 900_000,
                                                      "stacktrace": "java.io.IOException: gone\n\tat a.B.c(B.java:1)"}]}}
        return None


class FakeAlertmanager:
    def __init__(self) -> None:
        self.came: dict[tuple[str, str, str], float] = {}  # detector, cluster, job
        manager = self

        class Api(Handler):
            def do_GET(self) -> None:  # noqa: N802
                self.answer({})

            def do_POST(self) -> None:  # noqa: N802
                now = time.monotonic()
                for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
                    labels = alert["labels"]
                    if labels.get("detector") in DETECTORS:
                        manager.came.setdefault((labels["detector"], labels["cluster"], labels.get("job", "")), now)
                self.answer({})

        self.server = Server(Api)


def start_prometheus(program: Path, clusters: dict[str, FakeCluster], alertmanager: FakeAlertmanager, folder: Path) -> Process:
    """At the same interval, with a rule that asks for as much backpressure for as long; group_wait would come on top for both."""
    rule = {"alert": "backpressure", "expr": "rate(flink_taskmanager_job_task_accumulateBackPressuredTimeMs[1m]) > 100", "for": "4m",
            "labels": {"detector": BY_PROMETHEUS, "job": "{{ $labels.job_name }}"}}
    rules, config = folder / "rules.yaml", folder / "prometheus.yaml"
    rules.write_text(json.dumps({"groups": [{"name": "latency", "rules": [rule]}]}))
    targets = [{"targets": [f"127.0.0.1:{c.reporter.port}"], "labels": {"cluster": name}} for name, c in clusters.items()]
    config.write_text(json.dumps({
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"}, "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "flink", "static_configs": targets}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.server.port}"]}]}]}}))
    return Process("Prometheus", [str(program.resolve()), f"--config.file={config}", "--log.level=warn", "--web.listen-address=127.0.0.1:0",
                                  f"--storage.tsdb.path={folder / 'prometheus'}"], folder / "prometheus.log")


def row(name: str, seconds: list[float]) -> str:
    if not seconds:
        return f"{name:52} n    0"
    ms = sorted(1000 * s for s in seconds)
    at = lambda share: ms[min(len(ms) - 1, int(share * len(ms)))]  # noqa: E731
    return f"{name:52} n {len(ms):4}  min {ms[0]:8.1f}  median {statistics.median(ms):8.1f}  p99 {at(.99):8.1f}  max {ms[-1]:8.1f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--doctor", type=Path, required=True)
    parser.add_argument("--prometheus", type=Path, help="to stand beside it")
    parser.add_argument("--clusters", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=420)
    arguments = parser.parse_args()
    raise_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="doctor-latency-") as temporary:
        folder = Path(temporary)
        clusters = {f"c{i}": FakeCluster(i, time.monotonic() + 8) for i in range(arguments.clusters)}
        alertmanager = FakeAlertmanager()
        config = folder / "config.yaml"  # JSON is YAML
        config.write_text(json.dumps({
            "listen": "127.0.0.1:0", "alertmanagers": [f"http://127.0.0.1:{alertmanager.server.port}"],
            "clusters": [{"name": name, "flink": [f"http://127.0.0.1:{c.server.port}"],
                          "reporters": [f"127.0.0.1:{c.reporter.port}"]} for name, c in clusters.items()]}))
        try:
            doctor = Process("flink-doctor", [str(arguments.doctor.resolve()), "run", "--config", str(config)], folder / "log")
            at_work = [doctor]
            if arguments.prometheus:
                at_work.append(start_prometheus(arguments.prometheus, clusters, alertmanager, folder))
            time.sleep(arguments.seconds)
            for process in at_work:
                if not process.alive():
                    print(f"{process.name} ended:\n{process.tail()}")
                    return 1
        finally:
            stop_all()
    end = time.monotonic() - 7  # what was shown later may still be on its way
    return report(clusters, alertmanager.came, end)


def after_the_last(answers: list[float], alert: float) -> float:
    """Seconds from the last answer before an alert to the alert."""
    return alert - max(answer for answer in answers if answer < alert)


def report(clusters: dict[str, FakeCluster], came: dict[tuple[str, str, str], float], end: float) -> int:
    told, waited, slow, declined, missing = [], [], [], [], 0
    since_slow, since_declined = [], []  # since the fault itself: what hides behind "the last answer" shows here
    for name, cluster in clusters.items():
        for job, shown in cluster.shown.items():
            at = came.get(("job_down", name, job))
            waited.append(shown - cluster.failed_at[job])
            if at is not None:
                told.append(at - shown)
            elif shown < end:
                missing += 1
        judged_by_answers = [("backpressure", sink.name, sink.slow_from, cluster.scraped, slow, since_slow) for sink in cluster.slow]
        judged_by_answers += [("checkpoint_failing", job.name, job.fails_from, job.read, declined, since_declined)
                              for job in cluster.declined]
        for detector, job, began, answered, delays, since in judged_by_answers:
            at = came.get((detector, name, job))
            if at is not None:
                delays.append(after_the_last(answered, at))
                since.append(at - began)
            else:
                missing += 1
    print(row("job_down: fault → answer that shows it (poll: 5 s)", waited))
    print(row("job_down: answer → alert at Alertmanager", told))
    print(row("backpressure: last scrape → alert at Alertmanager", slow))
    print(row("checkpoint_failing: last list → alert at Alertmanager", declined))
    print(row("backpressure: sink becomes slow → alert", since_slow))
    print(row("checkpoint_failing: first that fails → alert", since_declined))
    if any(cluster.scraped_by_prometheus for cluster in clusters.values()):
        report_prometheus(clusters, came)
    print(f"never told: {missing}")
    return 1 if missing else 0


def report_prometheus(clusters: dict[str, FakeCluster], came: dict[tuple[str, str, str], float]) -> None:
    """Of the sinks of which both told."""
    delays, since, delay_ratios, since_ratios = [], [], [], []
    sinks = [(name, cluster, sink) for name, cluster in clusters.items() for sink in cluster.slow]
    for name, cluster, sink in sinks:
        ours, theirs = came.get(("backpressure", name, sink.name)), came.get((BY_PROMETHEUS, name, sink.name))
        if ours is None or theirs is None:
            continue
        delays.append(after_the_last(cluster.scraped_by_prometheus, theirs))
        since.append(theirs - sink.slow_from)
        delay_ratios.append(delays[-1] / after_the_last(cluster.scraped, ours))
        since_ratios.append(since[-1] / (ours - sink.slow_from))
    print(row("Prometheus, backpressure: last scrape → alert", delays))
    print(row("Prometheus, backpressure: sink becomes slow → alert", since))
    if delays:
        print(f"times ours, min .. median .. max over {len(delays)} of {len(sinks)} sinks: last scrape → alert {spread(delay_ratios)}, "
              f"sink becomes slow → alert {spread(since_ratios, 2)}")


if __name__ == "__main__":
    sys.exit(main())

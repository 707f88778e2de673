"""How soon an alert follows the answer that shows the fault: from the last byte of the /jobs/overview in which a job is FAILED
to the first byte of the alert at Alertmanager.

    python3 latency.py --doctor PATH [--clusters 20] [--seconds 90]

Scripted JobManagers, one per cluster, in which every few seconds another job fails; one scripted Alertmanager. The agent polls
as it does by default, every 5 s; the wait for that poll is not part of what is measured, and is printed beside it.
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

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "flink"))

from processes import Process, raise_on_sigterm, stop_all  # noqa: E402

JOBS = 12
FAULT_EVERY_S = 7.3  # no multiple of the poll's period


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
        data = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self.wfile.write(head.encode() + data)

    def log_message(self, *_: object) -> None:
        pass


class FakeCluster:
    """Jobs fail one after the other; `shown` tells when that was first read."""

    def __init__(self, number: int, began: float) -> None:
        self.began = began + FAULT_EVERY_S * number / 20
        self.failed_at: dict[str, float] = {}
        self.shown: dict[str, float] = {}
        cluster = self

        class JobManager(Handler):
            def do_GET(self) -> None:  # noqa: N802
                path = self.path.split("?")[0]
                if path == "/jobs/overview":
                    failed = cluster.failed()
                    self.answer({"jobs": [cluster.row(job, job in failed) for job in range(JOBS)]})
                    now = time.monotonic()
                    for job in failed:
                        cluster.shown.setdefault(f"job-{job}", now)
                else:
                    body = cluster.page(path)
                    self.answer({"errors": ["Not found: " + path]} if body is None else body, 404 if body is None else 200)

        self.server = Server(JobManager)

    def failed(self) -> set[int]:
        now = time.monotonic()
        failed = {job for job in range(JOBS) if now >= self.began + FAULT_EVERY_S * (job + 1)}
        for job in failed:
            self.failed_at.setdefault(f"job-{job}", self.began + FAULT_EVERY_S * (job + 1))
        return failed

    @staticmethod
    def row(job: int, failed: bool) -> dict:
        return {"jid": f"{job:032x}", "name": f"job-{job}", "state": "FAILED" if failed else "RUNNING", "start-time": 1_700_000_000_000,
                "end-time": 1_700_000_900_000 if failed else -1, "last-modification": 1_700_000_000_000 + (900_000 if failed else 0),
                "tasks": {"total": 1, "running": 0 if failed else 1, "failed": 1 if failed else 0}}

    @staticmethod
    def page(path: str) -> object:
        if path == "/config":
            return {"flink-version": "1.20.5"}
        if path == "/taskmanagers":
            return {"taskmanagers": []}
        if path == "/jobmanager/config":
            return []
        if path == "/jobmanager/environment":
            return {"jvm": {"options": []}}
        if path.endswith("/exceptions"):
            return {"exceptionHistory": {"entries": [{"exceptionName": "java.io.IOException", "timestamp": 1_700_000_900_000,
                                                      "stacktrace": "java.io.IOException: gone\n\tat a.B.c(B.java:1)"}]}}
        return None


class FakeAlertmanager:
    def __init__(self) -> None:
        self.came: dict[tuple[str, str], float] = {}
        manager = self

        class Api(Handler):
            def do_GET(self) -> None:  # noqa: N802
                self.answer({})

            def do_POST(self) -> None:  # noqa: N802
                now = time.monotonic()
                for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
                    labels = alert["labels"]
                    if labels.get("detector") == "job_down":
                        manager.came.setdefault((labels["cluster"], labels.get("job", "")), now)
                self.answer({})

        self.server = Server(Api)


def row(name: str, seconds: list[float]) -> str:
    ms = sorted(1000 * s for s in seconds)
    at = lambda share: ms[min(len(ms) - 1, int(share * len(ms)))]  # noqa: E731
    return f"{name:44} n {len(ms):4}  min {ms[0]:8.1f}  median {statistics.median(ms):8.1f}  p99 {at(.99):8.1f}  max {ms[-1]:8.1f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--doctor", type=Path, required=True)
    parser.add_argument("--clusters", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=90)
    arguments = parser.parse_args()
    raise_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="doctor-latency-") as temporary:
        folder = Path(temporary)
        clusters = {f"c{i}": FakeCluster(i, time.monotonic() + 8) for i in range(arguments.clusters)}
        alertmanager = FakeAlertmanager()
        config = folder / "config.yaml"  # JSON is YAML
        config.write_text(json.dumps({
            "listen": "127.0.0.1:0", "alertmanagers": [f"http://127.0.0.1:{alertmanager.server.port}"],
            "clusters": [{"name": name, "flink": [f"http://127.0.0.1:{c.server.port}"]} for name, c in clusters.items()]}))
        try:
            doctor = Process("flink-doctor", [str(arguments.doctor.resolve()), "run", "--config", str(config)], folder / "log")
            time.sleep(arguments.seconds)
            if not doctor.alive():
                print("flink-doctor ended:\n" + doctor.tail())
                return 1
        finally:
            stop_all()
    told, waited, missing = [], [], 0
    end = time.monotonic() - 7  # what was shown later may still be on its way
    for name, cluster in clusters.items():
        for job, shown in cluster.shown.items():
            came = alertmanager.came.get((name, job))
            waited.append(shown - cluster.failed_at[job])
            if came is not None:
                told.append(came - shown)
            elif shown < end:
                missing += 1
    print(row("fault → answer that shows it (poll: 5 s)", waited))
    print(row("answer that shows it → alert at Alertmanager", told))
    print(f"never told: {missing}")
    return 1 if missing or not told else 0


if __name__ == "__main__":
    sys.exit(main())

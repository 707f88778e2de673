"""A Flink cluster that is not there: as much of a JobManager's REST interface as names its jobs and TaskManagers, and
reporters' pages, on loopback.
"""
from __future__ import annotations

import http.server
import json
import threading
import time
from typing import Callable


class Page:
    """One HTTP server that answers GET by path; a value is a text, or a function that makes it."""

    def __init__(self, answers: dict[str, str | Callable[[], str]], content_type: str, port: int = 0) -> None:
        self.answers = answers
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self._handler(content_type))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _handler(self, content_type: str) -> type[http.server.BaseHTTPRequestHandler]:
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer = page.answers.get(self.path.partition("?")[0])
                body = (answer() if callable(answer) else answer or '{"errors":["Not found: unknown path"]}').encode()
                self.send_response(404 if answer is None else 200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class JobManager(Page):
    """Flink 1.20 as REST shows it. `jobs`: name → state."""

    def __init__(self, jobs: dict[str, str], task_managers: list[str], port: int = 0) -> None:
        self.jobs = dict(jobs)
        self.began_ms = int(time.time() * 1000) - 120_000
        super().__init__({
            "/config": json.dumps({"refresh-interval": 3000, "timezone-name": "UTC", "timezone-offset": 0,
                                   "flink-version": "1.20.5", "flink-revision": "0980485",
                                   "features": {"web-submit": True}}),
            "/jobmanager/config": json.dumps([{"key": "taskmanager.numberOfTaskSlots", "value": "2"}]),
            "/taskmanagers": json.dumps({"taskmanagers": [self._task_manager(name) for name in task_managers]}),
            "/jobs/overview": self._overview,
        }, "application/json; charset=UTF-8", port)

    def _overview(self) -> str:
        return json.dumps({"jobs": [self._job(name, state) for name, state in sorted(self.jobs.items())]})

    def _job(self, name: str, state: str) -> dict:
        ended = self.began_ms + 5000 if state == "FAILED" else -1
        return {"jid": name.encode().hex().ljust(32, "0")[:32], "name": name, "start-time": self.began_ms, "end-time": ended,
                "duration": 5000, "state": state, "last-modification": self.began_ms + 5000,
                "tasks": {"total": 1, "running": int(state == "RUNNING"), "failed": int(state == "FAILED")}}

    @staticmethod
    def _task_manager(name: str) -> dict:
        memory = {"frameworkHeap": 134217728, "taskHeap": 939524096, "frameworkOffHeap": 134217728, "taskOffHeap": 0,
                  "networkMemory": 131281717, "managedMemory": 629145600, "jvmMetaspace": 268435456,
                  "jvmOverhead": 201326592, "totalFlinkMemory": 1312817152, "totalProcessMemory": 1782579200}
        return {"id": name, "path": f"pekko.tcp://flink@{name}/user/rpc/taskmanager_0", "dataPort": 1, "jmxPort": -1,
                "timeSinceLastHeartbeat": int(time.time() * 1000), "slotsNumber": 2, "freeSlots": 2,
                "hardware": {"cpuCores": 2, "physicalMemory": 8 << 30, "freeMemory": 1 << 30, "managedMemory": 600 << 20},
                "memoryConfiguration": memory}


def reporter(text: Callable[[], str]) -> Page:
    return Page({"/metrics": text}, "text/plain; version=0.0.4; charset=utf-8")

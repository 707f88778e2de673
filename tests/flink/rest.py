"""Flink's REST interface, as much of it as the harness drives: look, submit, cancel, savepoint."""
from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

TERMINAL = {"FAILED", "CANCELED", "FINISHED"}


class RestError(RuntimeError):
    def __init__(self, status: int, body: str, what: str) -> None:
        super().__init__(f"{what}: HTTP {status}: {body[:300]}")
        self.status, self.body = status, body


class Unreachable(RuntimeError):
    pass


class TimedOut(RuntimeError):
    pass


def until(what: str, condition: Callable[[], Any], timeout_s: float, every_s: float = 0.5) -> Any:
    """First true value of the condition; raises TimedOut with what was waited for."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimedOut(f"{what}: not within {timeout_s:.0f} s")
        time.sleep(every_s)


class Rest:
    def __init__(self, url: str) -> None:
        self.url = url

    def fetch(self, path: str, method: str = "GET", body: bytes | None = None, content_type: str = "application/json",
              timeout_s: float = 30) -> tuple[int, str]:
        """Status and body; an error status is an answer, not an exception."""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        if body is not None:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8", "replace")
        except (OSError, ValueError) as error:
            raise Unreachable(f"{self.url}{path}: {error}") from error

    def call(self, method: str, path: str, document: Any = None, timeout_s: float = 30) -> Any:
        body = None if document is None else json.dumps(document).encode()
        status, text = self.fetch(path, method, body, timeout_s=timeout_s)
        if status >= 300:
            raise RestError(status, text, f"{method} {path}")
        return json.loads(text) if text else None

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def try_get(self, path: str) -> Any | None:
        try:
            return self.get(path)
        except (RestError, Unreachable, ValueError):
            return None

    # ---- jobs

    def jobs(self) -> list[dict[str, Any]]:
        return self.get("/jobs/overview")["jobs"]

    def state(self, job_id: str) -> str:
        return self.get(f"/jobs/{job_id}")["state"]

    def upload(self, jar: Path) -> str:
        """Id of the uploaded jar."""
        boundary = uuid.uuid4().hex
        head = (f'--{boundary}\r\nContent-Disposition: form-data; name="jarfile"; filename="{jar.name}"\r\n'
                "Content-Type: application/x-java-archive\r\n\r\n").encode()
        body = head + jar.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        status, text = self.fetch("/jars/upload", "POST", body, f"multipart/form-data; boundary={boundary}", 120)
        if status >= 300:
            raise RestError(status, text, f"upload of {jar.name}")
        return json.loads(text)["filename"].rsplit("/", 1)[-1]

    def run(self, jar_id: str, entry_class: str, args: list[str], parallelism: int | None = None) -> str:
        """Submits a job and returns its id."""
        document: dict[str, Any] = {"entryClass": entry_class, "programArgsList": args}
        if parallelism:
            document["parallelism"] = parallelism
        return self.call("POST", f"/jars/{jar_id}/run", document, timeout_s=120)["jobid"]

    def cancel(self, job_id: str) -> None:
        self.call("PATCH", f"/jobs/{job_id}?mode=cancel")

    def savepoint(self, job_id: str, directory: Path) -> None:
        """Triggers one and does not wait: it appears in the job's checkpoint history."""
        self.call("POST", f"/jobs/{job_id}/savepoints", {"target-directory": directory.as_uri(), "cancel-job": False})

    def wait_state(self, job_id: str, states: set[str], timeout_s: float = 120) -> str:
        return until(f"job {job_id} {'/'.join(sorted(states))}",
                     lambda: (s := self.state(job_id)) in states and s, timeout_s)

    def wait_running(self, job_id: str, timeout_s: float = 120) -> None:
        """All tasks of the job run: the job's own RUNNING says less."""
        def all_run() -> bool:
            tasks = self.get(f"/jobs/{job_id}")["status-counts"]
            return tasks["RUNNING"] > 0 and tasks["RUNNING"] + tasks["FINISHED"] == sum(tasks.values())

        until(f"all tasks of job {job_id} running", all_run, timeout_s)

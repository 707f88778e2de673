"""The daemon under test: started by its command line, asked over HTTP, its answers kept as a timeline."""
from __future__ import annotations

import json
import queue
import threading
import time
import urllib.request
from pathlib import Path

from findings import Report, parse
from ports import free_block
from processes import Process

START_TIMEOUT_S = 30
STOP_WITHIN_S = 5  # what the daemon promises for SIGTERM


class DoctorFailed(RuntimeError):
    pass


class Doctor:
    def __init__(self, binary: Path, folder: Path, clusters: list[tuple[str, str]],
                 alertmanager: str | None = None, records: bool = False, config: Path | None = None) -> None:
        """`clusters`: REST address and reporter range of each; without reporters everything comes through REST. A `config`
        names more of them, or says more of each."""
        self.folder = folder
        self.listen = f"127.0.0.1:{free_block(1)}"
        self.url = f"http://{self.listen}"
        folder.mkdir(parents=True, exist_ok=True)
        command = [str(binary), "run", "--listen", self.listen, "--data-dir", str(folder / "data")]
        for url, reporters in clusters:
            command += ["--flink", url] + (["--reporter", reporters] if reporters else [])
        if config:
            command += ["--config", str(config)]
        self.recording = folder / "stream"
        if records:
            command += ["--record", str(self.recording), "--bytes-max", "1GiB"]
        if alertmanager:
            command += ["--alertmanager", alertmanager]
        self.timeline = open(folder / "findings.jsonl", "w")
        self.last_line = ""
        self.answers: queue.Queue[tuple[float, str]] = queue.Queue()
        self.ended = threading.Event()
        self.process = Process("flink-doctor", command, folder / "flink-doctor.log")

    def wait_up(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.get("/-/healthy") is None:
            self.check_alive()
            if time.monotonic() > deadline:
                raise DoctorFailed(f"flink-doctor does not answer on {self.url}/-/healthy after {START_TIMEOUT_S} s")
            time.sleep(0.2)
        threading.Thread(target=self.poll, daemon=True).start()

    def poll(self) -> None:
        """Asks once a second, whatever the harness is busy with: what counts is when the doctor said something."""
        while not self.ended.wait(1):
            text = self.get("/api/v1/findings")
            if text is not None:
                self.answers.put((time.monotonic(), text))

    def check_alive(self) -> None:
        if not self.process.alive():
            raise DoctorFailed(f"flink-doctor ended with code {self.process.child.returncode}; its last lines:\n"
                               + self.process.tail())

    def get(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.read().decode()
        except (OSError, ValueError):
            return None

    def reports(self) -> list[tuple[float, Report]]:
        """The answers since the last call, each with the moment at which it was given."""
        self.check_alive()
        reports = []
        while not self.answers.empty():
            at, text = self.answers.get()
            try:
                document = json.loads(text)
            except ValueError as error:
                raise DoctorFailed(f"/api/v1/findings is not JSON: {error}") from error
            self.keep(document)
            reports.append((at, parse(document)))
        return reports

    def keep(self, document: dict) -> None:
        """One line per change, so that the timeline stays readable."""
        line = json.dumps({key: document.get(key) for key in ("clusters", "findings")})
        if line != self.last_line:
            self.timeline.write(f'{{"at":{time.time():.1f},{line[1:]}\n')
            self.timeline.flush()
            self.last_line = line

    def stop(self) -> str:
        """Ends it as systemd would; empty when it kept its promise, else what was wrong."""
        self.ended.set()
        started = time.monotonic()
        code = self.process.stop(grace_s=STOP_WITHIN_S + 1)
        took = time.monotonic() - started
        self.timeline.close()
        if code != 0:
            return f"flink-doctor ended with code {code} on SIGTERM"
        return f"flink-doctor took {took:.1f} s to end on SIGTERM" if took > STOP_WITHIN_S else ""

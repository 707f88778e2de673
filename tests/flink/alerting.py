"""The real Alertmanager and the real Prometheus beside the doctor, asked with their own tools."""
from __future__ import annotations

import json
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

from ports import free_block
from processes import Process

READY_TIMEOUT_S = 30


class PartFailed(RuntimeError):
    pass


def wait_ready(process: Process, url: str) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        if not process.alive():
            raise PartFailed(f"{process.name} ended with code {process.child.returncode}:\n{process.tail()}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise PartFailed(f"{process.name} does not answer on {url}:\n{process.tail()}") from None
        time.sleep(0.2)


class Alertmanager:
    CONFIG = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n"

    def __init__(self, binary: Path, amtool: Path, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.amtool = amtool
        self.url = f"http://127.0.0.1:{free_block(1)}"
        config = folder / "alertmanager.yml"
        config.write_text(self.CONFIG)
        # An empty cluster address: alone, it would otherwise wait for peers to gossip with.
        self.process = Process("alertmanager", [
            str(binary), f"--config.file={config}", f"--storage.path={folder / 'data'}", "--cluster.listen-address=",
            f"--web.listen-address={self.url.removeprefix('http://')}"], folder / "alertmanager.log")

    def wait_up(self) -> None:
        wait_ready(self.process, self.url + "/-/ready")

    def active(self, text: str) -> bool:
        """An alert that names this text in a label is active, says amtool."""
        command = [str(self.amtool), f"--alertmanager.url={self.url}", "alert", "query", "-o", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise PartFailed(f"amtool: {done.stderr.strip()}")
        return any(text in json.dumps(alert.get("labels", {})) for alert in json.loads(done.stdout or "[]"))


class Prometheus:
    def __init__(self, binary: Path, promtool: Path, folder: Path, target: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.promtool, self.target = promtool, target
        self.url = f"http://127.0.0.1:{free_block(1)}"
        config = folder / "prometheus.yml"
        config.write_text("global:\n  scrape_interval: 5s\nscrape_configs:\n  - job_name: flink-doctor\n"
                          f"    static_configs:\n      - targets: ['{target}']\n")
        self.process = Process("prometheus", [
            str(binary), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}"], folder / "prometheus.log")

    def wait_up(self) -> None:
        wait_ready(self.process, self.url + "/-/ready")

    def query(self, expression: str) -> list[dict]:
        path = "/api/v1/query?query=" + urllib.parse.quote(expression)
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)["data"]["result"]

    def up(self) -> bool:
        result = self.query('up{job="flink-doctor"}')
        return bool(result) and result[0]["value"][1] == "1"

    def series_with(self, text: str) -> bool:
        """A series of the doctor names this text in a label or in its name."""
        return any(text in json.dumps(series["metric"]) for series in self.query('{job="flink-doctor"}'))

    def lint(self) -> str:
        """What promtool finds wrong with the doctor's own page; empty when clean."""
        with urllib.request.urlopen(f"http://{self.target}/metrics", timeout=10) as answer:
            page = answer.read()
        done = subprocess.run([str(self.promtool), "check", "metrics"], input=page, capture_output=True, timeout=30)
        said = (done.stdout + done.stderr).decode().strip()
        return said or ("" if done.returncode == 0 else f"promtool ended with code {done.returncode}")

"""A real Prometheus and a real VictoriaMetrics that scrape the reporters of a real Flink, and what `check --history` makes of them.

A leak that is judged over many submissions shows at one look only to who knows the past. Its jobs are over before a store has seen
them: Flink's list tells when they were submitted.
"""
from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path

from alerting import wait_ready
from ports import free_block
from processes import Process

CHECK_TIMEOUT_S = 90
SCRAPE_EVERY_S = 5
LOOKS_MAX, LOOK_AGAIN_S = 4, 15
DETECTOR = "metaspace_leak"


class Store:
    def __init__(self, name: str, command: list[str], url: str, ready: str, folder: Path) -> None:
        self.name, self.url, self.ready = name, url, ready
        self.process = Process(name, command, folder / f"{name}.log")


def grave(said: list[dict] | str | None) -> list[dict]:
    return [finding for finding in said if finding["severity"] != "info"] if isinstance(said, list) else []


class Stores:
    """Both, from the first submission on; asked once, in a thread, so that nobody waits for them."""

    def __init__(self, doctor: Path, prometheus: Path, victoria: Path, folder: Path, url: str, reporters: str, ports: list[int]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.command = [str(doctor), "check", url, "--reporter", reporters, "--wait", "1", "--format", "json", "--quiet"]
        config = folder / "scrape.yml"
        targets = ", ".join(f"'127.0.0.1:{port}'" for port in ports)
        config.write_text(f"global:\n  scrape_interval: {SCRAPE_EVERY_S}s\nscrape_configs:\n  - job_name: flink\n"
                          f"    static_configs:\n      - targets: [{targets}]\n        labels: {{cluster: scraped}}\n")
        first, second = (f"127.0.0.1:{free_block(1)}" for _ in range(2))
        self.stores = [
            Store("past-prometheus", [str(prometheus), f"--config.file={config}", f"--storage.tsdb.path={folder / 'prometheus'}",
                                      f"--web.listen-address={first}"], f"http://{first}", "/-/ready", folder),
            Store("past-victoria-metrics", [str(victoria), f"-promscrape.config={config}", f"-storageDataPath={folder / 'victoria'}",
                                            "-retentionPeriod=1", f"-httpListenAddr={second}"], f"http://{second}", "/health", folder)]
        for store in self.stores:
            wait_ready(store.process, store.url + store.ready)
        self.thread: threading.Thread | None = None
        self.said: dict[str, list[dict] | str] = {}

    def ask(self) -> None:
        """Once: what one look makes of the cluster without a past, and with that of each store."""
        if self.thread is None:
            self.thread = threading.Thread(target=self.look, daemon=True)
            self.thread.start()

    def look(self) -> None:
        self.said["no store"] = self.findings()
        for _ in range(LOOKS_MAX):  # stores show a scrape only after a while
            for store in self.stores:
                if not grave(self.said.get(store.name)):
                    self.said[store.name] = self.findings("--history", store.url, "--match", "cluster=scraped", "--window", "1h",
                                                          "--step", "10s")
            if all(grave(self.said[store.name]) for store in self.stores):
                return
            time.sleep(LOOK_AGAIN_S)

    def findings(self, *more: str) -> list[dict] | str:
        """Those of the detector, or what is wrong."""
        try:
            done = subprocess.run([*self.command, *more], capture_output=True, text=True, timeout=CHECK_TIMEOUT_S)
            document = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, json.JSONDecodeError) as error:
            return str(error)
        return [finding for finding in document.get("findings", []) if finding["detector"] == DETECTOR]

    def lines(self) -> tuple[list[str], int, int]:
        """What to print, how many checks passed, how many failed."""
        if self.thread is None:
            return ["missed: no store was asked: the leak was never suspected"], 0, 1
        self.thread.join(3 * CHECK_TIMEOUT_S)
        lines, passed, failed = [], 0, 0
        for name in ("no store", *(store.name for store in self.stores)):
            said = self.said.get(name, "not asked in time")
            fits = said == [] if name == "no store" else bool(grave(said))
            what = said if isinstance(said, str) else grave(said)[0]["summary"][:140] if grave(said) else "no leak"
            lines.append(f"{'' if fits else 'missed: '}one look with {name}: {what}")
            passed, failed = passed + fits, failed + (not fits)
        return lines, passed, failed

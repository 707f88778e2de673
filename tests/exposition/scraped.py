"""A real Prometheus that scrapes each body as a target of its own, and what it then has of each."""
from __future__ import annotations

import http.server
import json
import sys
import threading
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flink"))
from alerting import wait_ready  # noqa: E402
from ports import free_block  # noqa: E402
from processes import Process  # noqa: E402

PATIENCE_S = 120
JOB, BODY = "exposition", "doctor_body"  # labels that Prometheus adds
OF_PROMETHEUS = {"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling",
                 "scrape_series_added"}
Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass
class Reading:
    """What was made of one body: of a series that comes twice the first, as Prometheus does."""
    series: dict[Series, str]  # to the value as its 64 bits in hex
    samples: int
    refused: str  # why, or empty


class Server:
    """/0, /1, …: the bodies, as a reporter would answer."""

    def __init__(self, bodies: list[bytes]) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = bodies[int(self.path[1:])]
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # Prometheus ends in the middle of a scrape; what it missed it says itself
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Prometheus:
    """Has scraped every body once it is there. Timestamps are read but not kept: our reader does not keep them either."""

    def __init__(self, binary: Path, folder: Path, bodies: list[bytes]) -> None:
        folder.mkdir(parents=True)
        self.server = Server(bodies)
        targets = [{"targets": [self.server.address], "labels": {"__metrics_path__": f"/{number}", BODY: str(number)}}
                   for number in range(len(bodies))]
        config = folder / "prometheus.yml"  # JSON is YAML
        config.write_text(json.dumps({"scrape_configs": [{
            "job_name": JOB, "scrape_interval": "4s", "scrape_timeout": "4s", "honor_labels": True, "honor_timestamps": False,
            "static_configs": targets}]}))
        self.url = f"http://127.0.0.1:{free_block(1)}"
        self.process = Process("prometheus", [
            str(binary), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}"], folder / "prometheus.log")
        wait_ready(self.process, self.url + "/-/ready")
        deadline = time.monotonic() + PATIENCE_S
        while len(self.query("up")) < len(bodies):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.query('up'))} of {len(bodies)} bodies are scraped:\n{self.process.tail()}")
            time.sleep(.3)
        targets = self.get("/api/v1/targets")["data"]["activeTargets"]
        self.faults = {target["labels"][BODY]: target["lastError"] for target in targets}

    def close(self) -> None:
        self.process.stop()
        self.server.close()

    def target_labels(self, number: int) -> dict[str, str]:
        return {"job": JOB, "instance": self.server.address, BODY: str(number)}

    def get(self, path: str, **parameters: str) -> dict:
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(parameters)}", timeout=60) as answer:
            return json.load(answer)

    def query(self, expression: str) -> list[dict]:
        return self.get("/api/v1/query", query=expression)["data"]["result"]

    def reading(self, number: int, bits: object) -> Reading:
        """`bits`: of a value as Prometheus writes it."""
        series: dict[Series, str] = {}
        of_scrape: dict[str, str] = {}
        for result in self.query(f'{{{BODY}="{number}"}}'):
            name, value = result["metric"].pop("__name__"), result["value"][1]
            if name in OF_PROMETHEUS:
                of_scrape[name] = value
            else:
                series[name, frozenset(result["metric"].items())] = bits(value)
        refused = "" if of_scrape["up"] == "1" else self.faults[str(number)]
        return Reading(series, int(of_scrape["scrape_samples_scraped"]) if not refused else 0, refused)

    def federated(self, number: int) -> bytes:
        """As it writes it itself."""
        query = urllib.parse.urlencode({"match[]": f'{{{BODY}="{number}",__name__!~"{"|".join(sorted(OF_PROMETHEUS))}"}}'})
        with urllib.request.urlopen(f"{self.url}/federate?{query}", timeout=60) as answer:
            return answer.read()

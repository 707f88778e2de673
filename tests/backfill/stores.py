"""The real Prometheus and the real VictoriaMetrics, with two days in them before they have run for a second."""
from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flink"))
from alerting import wait_ready  # noqa: E402
from ports import free_block  # noqa: E402
from processes import Process  # noqa: E402

import past  # noqa: E402


class Prometheus:
    def __init__(self, binary: Path, promtool: Path, folder: Path, until_s: int) -> None:
        folder.mkdir(parents=True)
        text = folder / "past.txt"
        with open(text, "w") as file:
            file.writelines(past.lines(until_s, 1))
            file.write("# EOF\n")
        subprocess.run([str(promtool), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=72h", str(text),
                        str(folder / "data")], check=True, stdout=subprocess.DEVNULL, timeout=120)
        text.unlink()
        config = folder / "prometheus.yml"
        config.write_text("global: {scrape_interval: 1m}\n")
        self.url = f"http://127.0.0.1:{free_block(1)}"
        self.process = Process("prometheus", [
            str(binary), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}"], folder / "prometheus.log")

    def wait_up(self) -> None:
        wait_ready(self.process, self.url + "/-/ready")


class VictoriaMetrics:
    def __init__(self, binary: Path, folder: Path, until_s: int) -> None:
        self.until_s = until_s
        self.url = f"http://127.0.0.1:{free_block(1)}"
        self.process = Process("victoria-metrics", [
            str(binary), f"-storageDataPath={folder / 'data'}", "-retentionPeriod=1",
            f"-httpListenAddr={self.url.removeprefix('http://')}"], folder / "victoria-metrics.log")

    def wait_up(self) -> None:
        wait_ready(self.process, self.url + "/health")
        body = "".join(past.lines(self.until_s, 1000)).encode()
        request = urllib.request.Request(self.url + "/api/v1/import/prometheus", data=body, method="POST")
        urllib.request.urlopen(request, timeout=60).close()
        urllib.request.urlopen(self.url + "/internal/force_flush", timeout=60).close()


# As Thanos says it when a store behind it does not answer and partial responses are allowed.
PARTIAL = "fetch series from store-1:10901: rpc error: code = Unavailable desc = connection refused"


def as_replicas(body: bytes) -> bytes:
    """A matrix as Thanos and Mimir tell it that two Prometheus' have scraped, without deduplication: each series twice, by a
    label of its own, the second with every third sample missing; and with what they say beside the data."""
    answer = json.loads(body)
    if answer.get("data", {}).get("resultType") != "matrix":
        return body
    result = []
    for series in answer["data"]["result"]:
        for replica, values in (("a", series["values"]), ("b", [v for i, v in enumerate(series["values"]) if i % 3])):
            result.append({"metric": dict(sorted({**series["metric"], "prometheus_replica": replica}.items())), "values": values})
    answer["data"] = {"resultType": "matrix", "result": result, "analysis": {"name": "[storesGatherer]", "children": []}}
    return json.dumps({**answer, "warnings": [PARTIAL], "infos": ["some info"]}).encode()


class TenantFront:
    """Before a store, as Mimir is: who does not say which tenant he is of is refused, in Mimir's words; and replicas."""

    def __init__(self, store_url: str, tenant: str) -> None:
        self.refused = 0
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.headers.get("X-Scope-OrgID") != tenant:
                    front.refused += 1
                    return self.answer(401, b"no org id\n")
                try:
                    with urllib.request.urlopen(store_url + self.path, timeout=60) as answer:
                        self.answer(answer.status, as_replicas(answer.read()))
                except urllib.error.HTTPError as fault:
                    self.answer(fault.code, fault.read())

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

"""flink-doctor beside the API server, and what it says."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path

from api_server import ApiServer
from chart import Chart
from cluster import NAMESPACE, Cluster
from fake_kubelet import FakeKubelet
from ports import free_block
from processes import Process

# Who watches: an account that may read pods and nothing else; the same one, whose files nobody ever replaces; one that may
# nothing; the one that the chart makes.
ORDERS, STALE, BLIND, CHART = "orders", "stale", "blind", "chart"


class Doctor:
    """Four clusters of one namespace; `run`, once started, and `check` of the same configuration."""

    def __init__(self, program: Path, folder: Path, api: ApiServer, cluster: Cluster, chart: Chart, reporter_port: int,
                 kubelet: FakeKubelet) -> None:
        port = free_block(2)
        self.program, self.folder = program, folder
        self.url, self.log = f"http://127.0.0.1:{port}", folder / "flink-doctor.log"
        self.config = folder / "config.yaml"  # JSON is YAML
        self.process: Process | None = None
        clusters = []
        tokens = {ORDERS: cluster.token("doctor", "first-token"), BLIND: cluster.token("stranger"), CHART: cluster.token(chart.account)}
        tokens[STALE] = tokens[ORDERS]
        for name, token in tokens.items():
            self.replace(self.token_file(name), token)
            shutil.copy(api.ca_file, self.ca_file(name))
            auth = {"bearer_token_file": str(self.token_file(name))}
            clusters.append({"name": name, "flink": [f"http://127.0.0.1:{port + 1}"], "reporters": [f"kubernetes:{reporter_port}"],
                             "kubernetes": {"namespace": NAMESPACE, "selector": "app=orders", "api_server": api.url,
                                            "tls": {"ca_file": str(self.ca_file(name))}, "auth": auth},
                             "containers": [f"nodes:{kubelet.port}"], "container_tls": {"ca_file": str(kubelet.ca_file)},
                             "container_auth": auth})
        self.config.write_text(json.dumps({"listen": f"127.0.0.1:{port}", "scrape_interval": "1s", "clusters": clusters}))

    def start(self) -> None:
        self.process = Process("flink-doctor", [str(self.program), "run", "--config", str(self.config)], self.log)

    def token_file(self, cluster: str) -> Path:
        return self.folder / f"{cluster}.token"

    def ca_file(self, cluster: str) -> Path:
        return self.folder / f"{cluster}.ca"

    @staticmethod
    def replace(file: Path, text: str) -> None:
        """As a kubelet does it: never half a file."""
        file.with_suffix(".new").write_text(text)
        os.replace(file.with_suffix(".new"), file)

    def check(self, cluster: str) -> str:
        """The report of one look."""
        return subprocess.run([str(self.program), "check", "--config", str(self.config), "--cluster", cluster],
                              capture_output=True, text=True, check=False, timeout=60).stdout

    def clusters(self) -> dict[str, dict]:
        if not self.process.alive():
            raise RuntimeError(f"flink-doctor ended with {self.process.child.returncode}:\n" + self.process.tail())
        try:
            with urllib.request.urlopen(self.url + "/api/v1/findings", timeout=5) as answer:
                return {c["name"]: c for c in json.load(answer)["clusters"]}
        except (OSError, ValueError, KeyError):
            return {}

    def report(self, cluster: str) -> str:
        """What it says of this one."""
        with urllib.request.urlopen(self.url + "/", timeout=5) as answer:
            text = answer.read().decode()
        part, ours = [], False
        for line in text.splitlines():
            if any(line.startswith(name + "  ") for name in (ORDERS, STALE, BLIND, CHART)):
                ours = line.startswith(cluster + "  ")
            if ours:
                part.append(line)
        return "\n".join(part)

    def sources(self, cluster: str, kind: str) -> list[dict]:
        return [s for s in self.clusters().get(cluster, {}).get("sources", []) if s["kind"] == kind]

    def watch(self, cluster: str) -> dict:
        return next(iter(self.sources(cluster, "kubernetes")), {})

    def reporters(self) -> set[str]:
        return {s["address"] for s in self.sources(ORDERS, "reporter") if s["up"]}

    def usage(self, cluster: str) -> list[float]:
        """Of its containers, as re-exported."""
        with urllib.request.urlopen(self.url + "/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return [float(line.rsplit(" ", 1)[1]) for line in lines
                if line.startswith("flink_doctor_flink_cgroup_usage") and f'cluster="{cluster}"' in line]

    def pod_ends(self) -> list[dict]:
        return self.clusters().get(ORDERS, {}).get("pod_ends", [])

    def findings(self) -> set[tuple[str, str]]:
        """By cluster and detector. Flink itself is not there, so that there is one at least."""
        with urllib.request.urlopen(self.url + "/api/v1/findings", timeout=5) as answer:
            document = json.load(answer)
        return {(f["entity"]["cluster"], f["detector"]) for f in document["findings"]}

#!/usr/bin/env python3
"""flink-doctor against a real kube-apiserver: pods and their reporters found, an OOM kill caught though its pod is deleted at
once, a missing right named, a restart of the API server survived; the chart installed, its rights enough and its pod within the
profile "restricted".

    run.py --doctor PATH --etcd PATH --kube-apiserver PATH --helm PATH [--keep FOLDER]

The last line is "N passed, N failed".
"""
from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
import urllib.request
from pathlib import Path
from typing import Callable

sys.path.append(str(Path(__file__).resolve().parents[1] / "flink"))  # after our own folder: both have a cluster.py

from api_server import ApiServer  # noqa: E402
from chart import Chart  # noqa: E402
from cluster import NAMESPACE, Cluster  # noqa: E402
from fake_kubelet import USAGE, FakeKubelet  # noqa: E402
from fake_reporter import FakeReporters  # noqa: E402
from ports import free_block  # noqa: E402
from processes import Process, raise_on_sigterm, stop_all  # noqa: E402

WITHIN_S = 60  # of anything; the machine may be busy
IPS = ["127.0.0.11", "127.0.0.12", "127.0.0.13"]


class Doctor:
    """Three clusters of one namespace: one whose account may read pods, one whose account may not, one with what the chart gives."""

    def __init__(self, program: Path, folder: Path, api: ApiServer, cluster: Cluster, chart: Chart, reporter_port: int,
                 kubelet: FakeKubelet) -> None:
        port = free_block(2)
        self.url, self.log = f"http://127.0.0.1:{port}", folder / "flink-doctor.log"
        clusters = []
        for name, account in (("orders", "doctor"), ("blind", "stranger"), ("chart", chart.account)):
            token = folder / f"{account}.token"
            token.write_text(cluster.token(account))
            clusters.append({"name": name, "flink": [f"http://127.0.0.1:{port + 1}"], "reporters": [f"kubernetes:{reporter_port}"],
                             "kubernetes": {"namespace": NAMESPACE, "selector": "app=orders", "api_server": api.url,
                                            "tls": {"ca_file": str(api.ca_file)},
                                            "auth": {"bearer_token_file": str(token)}},
                             "containers": [f"nodes:{kubelet.port}"], "container_tls": {"ca_file": str(kubelet.ca_file)},
                             "container_auth": {"bearer_token_file": str(token)}})
        config = folder / "config.yaml"  # JSON is YAML
        config.write_text(json.dumps({"listen": f"127.0.0.1:{port}", "scrape_interval": "1s", "clusters": clusters}))
        self.process = Process("flink-doctor", [str(program), "run", "--config", str(config)], self.log)

    def clusters(self) -> dict[str, dict]:
        if not self.process.alive():
            raise RuntimeError("flink-doctor ended:\n" + self.process.tail())
        try:
            with urllib.request.urlopen(self.url + "/api/v1/findings", timeout=5) as answer:
                return {c["name"]: c for c in json.load(answer)["clusters"]}
        except (OSError, ValueError, KeyError):
            return {}

    def report(self) -> str:
        with urllib.request.urlopen(self.url + "/", timeout=5) as answer:
            return answer.read().decode()

    def sources(self, cluster: str, kind: str) -> list[dict]:
        return [s for s in self.clusters().get(cluster, {}).get("sources", []) if s["kind"] == kind]

    def watch(self, cluster: str) -> dict:
        return next(iter(self.sources(cluster, "kubernetes")), {})

    def reporters(self) -> set[str]:
        return {s["address"] for s in self.sources("orders", "reporter") if s["up"]}

    def usage(self, cluster: str) -> list[float]:
        """Of its containers, as re-exported."""
        with urllib.request.urlopen(self.url + "/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return [float(line.rsplit(" ", 1)[1]) for line in lines
                if line.startswith("flink_doctor_flink_cgroup_usage") and f'cluster="{cluster}"' in line]

    def pod_ends(self) -> list[dict]:
        return self.clusters().get("orders", {}).get("pod_ends", [])


class Checks:
    def __init__(self) -> None:
        self.passed = self.failed = 0

    def eventually(self, what: str, truth: Callable[[], object], shown: Callable[[], object]) -> None:
        started = time.monotonic()
        while not (well := truth()) and time.monotonic() - started < WITHIN_S:
            time.sleep(0.2)
        print(f"{'ok    ' if well else 'FAILED'} {what} ({time.monotonic() - started:.1f} s)", flush=True)
        if well:
            self.passed += 1
        else:
            self.failed += 1
            print(f"       seen: {json.dumps(shown(), default=str)[:1500]}", flush=True)


def play_chart(cluster: Cluster, chart: Chart, doctor: Doctor, checks: Checks) -> None:
    checks.eventually("the API server takes what the chart renders", lambda: chart.deployment()["metadata"]["name"] == chart.account,
                      chart.deployment)
    checks.eventually("its pod is within the profile \"restricted\"", lambda: chart.pod_is_refused() == "", chart.pod_is_refused)
    checks.eventually("its rights are enough to watch pods", lambda: doctor.watch("chart").get("up"), lambda: doctor.watch("chart"))
    checks.eventually("and to read the kubelet's page: what the JobManager's container takes, and nobody else's",
                      lambda: doctor.usage("chart") == [USAGE], lambda: [doctor.usage("chart"), doctor.sources("chart", "containers")])
    checks.eventually("a kubelet that refuses whom the API server does not know for it is told",
                      lambda: "403" in next(iter(doctor.sources("orders", "containers")), {}).get("message", ""),
                      lambda: doctor.sources("orders", "containers"))
    checks.eventually("a warning that Kubernetes keeps about a pod is in the report",
                      lambda: "FailedScheduling: 0/3 nodes are available" in doctor.report(), doctor.report)
    checks.eventually("and one about a pod of others is not", lambda: "payments-taskmanager" not in doctor.report(), doctor.report)


def play(api: ApiServer, cluster: Cluster, doctor: Doctor, port: int, checks: Checks) -> None:
    watch = lambda: doctor.watch("orders")  # noqa: E731
    addresses = lambda *ips: {f"{ip}:{port}" for ip in ips}  # noqa: E731
    checks.eventually("the pods of the selector are found, with pods get, list, watch alone",
                      lambda: watch().get("up") and watch().get("pods") == 3, watch)
    checks.eventually("their reporters are scraped", lambda: doctor.reporters() == addresses(*IPS[:2]), doctor.reporters)
    checks.eventually("who may not list pods is told the right that is missing",
                      lambda: f"the right to list pods in namespace {NAMESPACE} is missing" in doctor.watch("blind").get("message", ""),
                      lambda: doctor.watch("blind"))
    cluster.kill_out_of_memory("orders-taskmanager-1-2")
    oom = lambda: [e for e in doctor.pod_ends() if e["reason"] == "OOMKilled" and e["exit_code"] == 137 and "pod_gone" in e]  # noqa: E731
    checks.eventually("an OOM kill is caught though the pod was deleted right after it", oom, doctor.pod_ends)
    checks.eventually("and is in the log, with its limit", lambda: "OOMKilled, exit code 137 (SIGKILL), memory limit 1.7 GiB"
                      in doctor.log.read_text(), doctor.process.tail)
    checks.eventually("the reporter of the pod that is gone is retired", lambda: doctor.reporters() == addresses(IPS[0]),
                      doctor.reporters)
    cluster.create_pod("orders-taskmanager-1-3", "taskmanager", IPS[2])
    checks.eventually("a new pod's reporter is scraped", lambda: doctor.reporters() == addresses(IPS[0], IPS[2]), doctor.reporters)
    cluster.bind("stranger")
    checks.eventually("a right that is granted is used", lambda: doctor.watch("blind").get("up"), lambda: doctor.watch("blind"))

    api.stop()
    checks.eventually("an API server that is away is told", lambda: watch().get("up") is False, watch)
    checks.eventually("and the reporters known before stay", lambda: doctor.reporters() == addresses(IPS[0], IPS[2]),
                      doctor.reporters)
    api.start()
    cluster.create_pod("orders-taskmanager-2-1", "taskmanager", IPS[1])
    checks.eventually("an API server that is back is watched again",
                      lambda: watch().get("up") and watch().get("pods") == 4 and doctor.reporters() == addresses(*IPS), watch)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("doctor", "etcd", "kube-apiserver", "helm"):
        parser.add_argument("--" + name, type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="folder for logs, kept")
    arguments = parser.parse_args()
    raise_on_sigterm()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="doctor-kubernetes-") as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        port = free_block(1)
        reporters = FakeReporters(port, IPS)
        try:
            api = ApiServer(arguments.etcd, arguments.kube_apiserver, folder)
            cluster = Cluster(api)
            cluster.create_pod("orders-7c9f", "jobmanager", "127.0.0.10")
            for number in (1, 2):
                cluster.create_pod(f"orders-taskmanager-1-{number}", "taskmanager", IPS[number - 1])
            cluster.create_pod("payments-taskmanager-1-1", "taskmanager", "127.0.0.14", app="payments")
            for name, reason in (("orders-taskmanager-1-1", "FailedScheduling"), ("payments-taskmanager-1-1", "BackOff")):
                cluster.warn(name, reason, "0/3 nodes are available: 3 Insufficient memory.")
            chart = Chart(arguments.helm, api, folder, NAMESPACE)
            kubelet = FakeKubelet(free_block(1), api, folder)
            doctor = Doctor(arguments.doctor.resolve(), folder, api, cluster, chart, port, kubelet)
            play_chart(cluster, chart, doctor, checks)
            play(api, cluster, doctor, port, checks)
        except Exception:  # noqa: BLE001: the last line must be the count all the same
            traceback.print_exc()
            checks.failed += 1
        finally:
            stop_all()
            reporters.close()
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())

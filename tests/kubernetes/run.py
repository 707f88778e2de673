#!/usr/bin/env python3
"""flink-doctor against a real kube-apiserver: pods and their reporters found, an OOM kill caught though its pod is deleted at
once, a missing right named, what the Flink operator says repeated; restarts of the API server survived, with another token, from
a place that it has forgotten, with a certificate of another authority; the chart installed, its rights enough and its pod within
the profile "restricted".

    run.py --doctor PATH --etcd PATH --kube-apiserver PATH --helm PATH [--keep FOLDER]

The last line is "N passed, N failed".
"""
from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Callable

sys.path.append(str(Path(__file__).resolve().parents[1] / "flink"))  # after our own folder: both have a cluster.py

from api_server import ApiServer  # noqa: E402
from chart import Chart  # noqa: E402
from checks import Checks  # noqa: E402
from cluster import IPS, NAMESPACE, Cluster  # noqa: E402
from doctor import BLIND, CHART, ORDERS, Doctor  # noqa: E402
from fake_kubelet import USAGE, FakeKubelet  # noqa: E402
from fake_reporter import FakeReporters  # noqa: E402
from flink_operator import Operator, play_follows, play_operator, play_without_operator  # noqa: E402
from ports import free_block  # noqa: E402
from processes import raise_on_sigterm, stop_all  # noqa: E402
from rotation import play_authority, play_token  # noqa: E402


def play_chart(cluster: Cluster, chart: Chart, doctor: Doctor, checks: Checks) -> None:
    checks.eventually("the API server takes what the chart renders", lambda: chart.deployment()["metadata"]["name"] == chart.account,
                      chart.deployment)
    checks.eventually("its pod is within the profile \"restricted\"", lambda: chart.pod_is_refused() == "", chart.pod_is_refused)
    checks.eventually("its rights are enough to watch pods", lambda: doctor.watch(CHART).get("up"), lambda: doctor.watch(CHART))
    checks.eventually("and to read the kubelet's page: what the JobManager's container takes, and nobody else's",
                      lambda: doctor.usage(CHART) == [USAGE], lambda: [doctor.usage(CHART), doctor.sources(CHART, "containers")])
    checks.eventually("a kubelet that refuses whom the API server does not know for it is told",
                      lambda: "403" in next(iter(doctor.sources(ORDERS, "containers")), {}).get("message", ""),
                      lambda: doctor.sources(ORDERS, "containers"))
    checks.eventually("a warning that Kubernetes keeps about a pod is in the report",
                      lambda: "FailedScheduling: 0/3 nodes are available" in doctor.report(CHART), lambda: doctor.report(CHART))
    checks.eventually("and one about a pod of others is not", lambda: "payments-taskmanager" not in doctor.report(CHART),
                      lambda: doctor.report(CHART))


def play(cluster: Cluster, doctor: Doctor, addresses: Callable[..., set[str]], checks: Checks) -> None:
    watch = lambda: doctor.watch(ORDERS)  # noqa: E731
    checks.eventually("the pods of the selector are found, with pods get, list, watch alone",
                      lambda: watch().get("up") and watch().get("pods") == 3, watch)
    checks.eventually("their reporters are scraped", lambda: doctor.reporters() == addresses(*IPS[:2]), doctor.reporters)
    checks.eventually("who may not list pods is told the right that is missing",
                      lambda: f"the right to list pods in namespace {NAMESPACE} is missing" in doctor.watch(BLIND).get("message", ""),
                      lambda: doctor.watch(BLIND))
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
    checks.eventually("a right that is granted is used", lambda: doctor.watch(BLIND).get("up"), lambda: doctor.watch(BLIND))


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
        addresses = lambda *ips: {f"{ip}:{port}" for ip in ips}  # noqa: E731
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
            play_without_operator(doctor, checks)
            operator = Operator(api)
            play_operator(operator, doctor, checks)
            doctor.start()
            play_chart(cluster, chart, doctor, checks)
            play(cluster, doctor, addresses, checks)
            play_token(api, cluster, doctor, addresses, checks)
            play_follows(operator, doctor, checks, lambda: play_authority(api, cluster, doctor, addresses, checks))
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

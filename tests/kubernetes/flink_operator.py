"""The Flink operator, which is not there either: its definition of FlinkDeployment, such objects, and what it would write into
their status."""
from __future__ import annotations

import json
import time
from typing import Callable

from api_server import ApiServer, ApiServerFailed
from checks import WITHIN_S, Checks
from cluster import NAMESPACE
from doctor import CHART, ORDERS, Doctor

GROUP = "flink.apache.org"
DEPLOYMENTS = f"/apis/{GROUP}/v1beta1/namespaces/{NAMESPACE}/flinkdeployments"
KEPT = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
DEFINITION = {
    "metadata": {"name": f"flinkdeployments.{GROUP}"},
    "spec": {"group": GROUP, "scope": "Namespaced",
             "names": {"kind": "FlinkDeployment", "plural": "flinkdeployments", "singular": "flinkdeployment", "shortNames": ["flinkdep"]},
             "versions": [{"name": "v1beta1", "served": True, "storage": True, "subresources": {"status": {}},
                           "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": KEPT, "status": KEPT}}}}]}}
ERROR = json.dumps({"type": "org.apache.flink.kubernetes.operator.exception.DeploymentFailedException",
                    "message": 'pods "orders-" is forbidden: exceeded quota: flink', "additionalMetadata": {}, "throwableList": []})
FAILED = {"lifecycleState": "FAILED", "error": ERROR, "jobManagerDeploymentStatus": "ERROR",
          "jobStatus": {"jobId": "0f1e", "jobName": "orders", "state": "RECONCILING"}}
STABLE = {"lifecycleState": "STABLE", "error": None, "jobManagerDeploymentStatus": "READY",
          "jobStatus": {"jobId": "0f1e", "jobName": "orders", "state": "RUNNING"}}
SAID = "FlinkDeployment flink/orders  FAILED, job RECONCILING: "
RIGHT = "list flinkdeployments (states and errors"


class Operator:
    def __init__(self, api: ApiServer) -> None:
        self.api = api
        api.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", DEFINITION)
        deadline = time.monotonic() + WITHIN_S
        while not self.known():
            if time.monotonic() > deadline:
                raise RuntimeError("the API server does not serve flinkdeployments")
            time.sleep(0.2)
        for name in ("orders", "payments", "fresh"):
            api.call("POST", DEPLOYMENTS, {"apiVersion": f"{GROUP}/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": name},
                                           "spec": {"flinkVersion": "v1_20", "job": {"parallelism": 2, "state": "running"}}})

    def known(self) -> bool:
        try:
            return self.api.call("GET", DEPLOYMENTS)["items"] == []
        except ApiServerFailed:
            return False

    def says(self, name: str, status: dict) -> None:
        self.api.call("PATCH", f"{DEPLOYMENTS}/{name}/status", {"status": status}, "application/merge-patch+json")


def play_without_operator(doctor: Doctor, checks: Checks) -> None:
    """Nobody has defined a FlinkDeployment, and the API server refuses who may not list them before it looks for them."""
    for cluster, rights in ((CHART, "with"), (ORDERS, "without")):
        checks.eventually(f"no operator: nothing is said of FlinkDeployments, {rights} the right to list them",
                          lambda: says_nothing(doctor.check(cluster)), lambda: doctor.check(cluster))


def says_nothing(report: str) -> bool:
    return "pods flink/app=orders" in report and "flinkdeployment" not in report.lower()


def play_operator(operator: Operator, doctor: Doctor, checks: Checks) -> None:
    look = lambda: doctor.check(CHART)  # noqa: E731
    checks.eventually("a FlinkDeployment that its operator has not looked at yet is no trouble", lambda: says_nothing(look()), look)
    for name in ("orders", "payments"):
        operator.says(name, FAILED)
    flat = lambda text: " ".join(text.split())  # noqa: E731: a report is wrapped
    checks.eventually("what the operator says of a FlinkDeployment that failed is in the report",
                      lambda: flat(SAID) in flat(look()) and "exceeded quota" in flat(look()), look)
    checks.eventually("and not what it says of others in the namespace", lambda: "payments" not in look(), look)
    operator.says("orders", {"lifecycleState": "DEPLOYED", "error": None, "jobStatus": {"state": "FAILING"}})
    checks.eventually("nor of one without an error", lambda: says_nothing(look()), look)
    operator.says("orders", FAILED)
    missing = lambda: flat(doctor.check(ORDERS))  # noqa: E731
    checks.eventually("an optional right that is missing is named: flinkdeployments", lambda: RIGHT in missing(), missing)
    checks.eventually("and events", lambda: "list events" in missing(), missing)
    checks.eventually("nothing optional is missing with what the chart gives",
                      lambda: "optional rights" not in look(), look)


def play_follows(operator: Operator, doctor: Doctor, checks: Checks, meanwhile: Callable[[], None]) -> None:
    """The daemon looks once a minute."""
    said = lambda: " ".join(doctor.report(CHART).split())  # noqa: E731
    checks.eventually("the daemon says what the operator says", lambda: " ".join(SAID.split()) in said(), said)
    operator.says("orders", STABLE)
    meanwhile()
    checks.eventually("and no longer, when the operator is content", lambda: "FlinkDeployment" not in said(), said)

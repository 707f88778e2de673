"""What the tests put into Kubernetes: a namespace, accounts with and without rights, the pods of a Flink cluster."""
from __future__ import annotations

import json
from datetime import datetime, timezone

from api_server import ApiServer, ApiServerFailed
from fake_kubelet import IP as KUBELET_IP

NAMESPACE = "flink"
IN_NAMESPACE = f"/api/v1/namespaces/{NAMESPACE}"
RBAC = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
CONTAINER = "flink-main-container"
IPS = ["127.0.0.11", "127.0.0.12", "127.0.0.13"]  # of TaskManagers


class Cluster:
    def __init__(self, api: ApiServer) -> None:
        self.api = api
        api.call("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        for account in ("default", "doctor", "stranger"):
            api.call("POST", f"{IN_NAMESPACE}/serviceaccounts", {"metadata": {"name": account}})
        rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
        api.call("POST", f"{RBAC}/roles", {"metadata": {"name": "pods"}, "rules": [rule]})
        self.bind("doctor")

    def bind(self, account: str) -> None:
        self.api.call("POST", f"{RBAC}/rolebindings", {
            "metadata": {"name": account},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pods"},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}]})

    def token(self, account: str, secret: str | None = None) -> str:
        """With a secret: as long as that is there."""
        spec = {}
        if secret:
            self.api.call("POST", f"{IN_NAMESPACE}/secrets", {"metadata": {"name": secret}})
            spec = {"boundObjectRef": {"apiVersion": "v1", "kind": "Secret", "name": secret}}
        answer = self.api.call("POST", f"{IN_NAMESPACE}/serviceaccounts/{account}/token", {"spec": spec})
        return answer["status"]["token"]

    def revoke(self, secret: str) -> None:
        self.api.call("DELETE", f"{IN_NAMESPACE}/secrets/{secret}")

    def lets_in(self, token: str) -> bool:
        try:
            self.api.call("GET", f"{IN_NAMESPACE}/pods", token=token)
        except ApiServerFailed as refusal:
            if ": 401: " in str(refusal):
                return False
            raise
        return True

    def version(self) -> str:
        """Where a watch of pods would go on now."""
        return self.api.call("GET", f"{IN_NAMESPACE}/pods")["metadata"]["resourceVersion"]

    def has_forgotten(self, version: str) -> bool:
        """Whether a watch cannot go on there any more."""
        answer = self.api.call("GET", f"{IN_NAMESPACE}/pods?watch=true&timeoutSeconds=1&resourceVersion={version}")
        first = answer if isinstance(answer, dict) else json.loads(answer.partition("\n")[0] or "{}")
        return first.get("type") == "ERROR" and first["object"]["code"] == 410

    def create_pod(self, name: str, component: str, ip: str, app: str = "orders") -> None:
        """As native Kubernetes makes them; what a kubelet would report is put in by hand."""
        self.api.call("POST", f"{IN_NAMESPACE}/pods", {
            "metadata": {"name": name, "labels": {"app": app, "component": component, "type": "flink-native-kubernetes"}},
            "spec": {"nodeName": "node-1", "restartPolicy": "Never", "containers": [{
                "name": CONTAINER, "image": "flink:1.20",
                "resources": {"limits": {"memory": "1728Mi", "cpu": "1500m"}, "requests": {"memory": "1728Mi", "cpu": "1"}}}]}})
        self.report(name, {"phase": "Running", "hostIP": KUBELET_IP, "podIP": ip, "podIPs": [{"ip": ip}], "containerStatuses": [
            self.container({"running": {"startedAt": "2026-11-21T08:00:00Z"}}, ready=True)]})

    def kill_out_of_memory(self, name: str) -> None:
        """And the JobManager deletes the pod at once, as native Kubernetes does."""
        ended = {"exitCode": 137, "reason": "OOMKilled", "startedAt": "2026-11-21T08:00:00Z", "finishedAt": "2026-11-21T09:15:00Z"}
        self.report(name, {"phase": "Failed", "containerStatuses": [self.container({"terminated": ended}, ready=False)]})
        self.delete_pod(name)

    def delete_pod(self, name: str) -> None:
        self.api.call("DELETE", f"{IN_NAMESPACE}/pods/{name}", {"gracePeriodSeconds": 0})

    def warn(self, pod: str, reason: str, message: str) -> None:
        """As the scheduler and the kubelet write them."""
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.api.call("POST", f"{IN_NAMESPACE}/events", {
            "metadata": {"generateName": pod + "."}, "type": "Warning", "reason": reason, "message": message, "count": 3,
            "firstTimestamp": now, "lastTimestamp": now, "source": {"component": "default-scheduler"},
            "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": pod, "apiVersion": "v1"}})

    def report(self, name: str, status: dict) -> None:
        self.api.call("PATCH", f"{IN_NAMESPACE}/pods/{name}/status", {"status": status}, "application/strategic-merge-patch+json")

    @staticmethod
    def container(state: dict, ready: bool) -> dict:
        return {"name": CONTAINER, "state": state, "lastState": {}, "ready": ready, "restartCount": 0, "image": "flink:1.20",
                "imageID": "sha256:1", "containerID": "containerd://c1"}

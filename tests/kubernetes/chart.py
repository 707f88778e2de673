"""The chart, installed by helm into the API server: checked there against the server's own schemas and its pod security."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path

from api_server import ADMIN_TOKEN, ApiServer, ApiServerFailed

CHART = Path(__file__).resolve().parents[2] / "helm" / "flink-doctor"
RESTRICTED = "restricted-only"  # a namespace that takes nothing else


class Chart:
    def __init__(self, helm: Path, api: ApiServer, folder: Path, namespace: str) -> None:
        self.api, self.namespace = api, namespace
        self.account = "orders-flink-doctor"  # release and chart
        values = folder / "values.yaml"  # JSON is YAML
        values.write_text(json.dumps({
            "config": {"clusters": [{"name": "orders", "flink": ["http://orders-rest:8081"], "kubernetes": {"selector": "app=orders"}}]},
            "kubernetes": {"enabled": True, "events": True, "flinkDeployments": True, "kubelets": True}, "networkPolicy": {"enabled": True}, "persistence": {"enabled": True}}))
        done = subprocess.run(
            [str(helm), "install", "orders", str(CHART), "--namespace", namespace, "--values", str(values), "--kube-apiserver", api.url,
             "--kube-token", ADMIN_TOKEN, "--kube-ca-file", str(api.ca_file)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError("helm install failed:\n" + done.stderr[-2000:])
        api.call("POST", "/api/v1/namespaces", {"metadata": {"name": RESTRICTED, "labels": {
            "pod-security.kubernetes.io/enforce": "restricted"}}})
        api.call("POST", f"/api/v1/namespaces/{RESTRICTED}/serviceaccounts", {"metadata": {"name": self.account}})

    def deployment(self) -> dict:
        return self.api.call("GET", f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{self.account}")

    def pod_is_refused(self) -> str:
        """What the API server says against a pod of the Deployment's template; empty: nothing."""
        template = self.deployment()["spec"]["template"]
        pod = {"metadata": {"name": "as-the-deployment-makes-it", "labels": template["metadata"]["labels"]}, "spec": template["spec"]}
        try:
            self.api.call("POST", f"/api/v1/namespaces/{RESTRICTED}/pods?dryRun=All", pod)
        except ApiServerFailed as refusal:
            return str(refusal)
        return ""

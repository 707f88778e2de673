"""What the chart renders: the restricted profile of Pod Security Standards, probes, and parts that fit together.

    check_chart.py DEPLOYMENT.yaml SIDECAR.yaml FOLDER

Writes the configurations and the rules it found to FOLDER, for the programs that will read them.
"""
from __future__ import annotations

import sys
from pathlib import Path

import yaml

PROBES = {"startupProbe": "/-/healthy", "livenessProbe": "/-/healthy", "readinessProbe": "/-/ready"}
VOLUME_KINDS = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}  # a part of what "restricted" allows
EVERYTHING = {"ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "PrometheusRule", "Role",
              "RoleBinding", "Service", "ServiceAccount", "ServiceMonitor"}
RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules.yaml"
complaints: list[str] = []


def expect(truth: object, complaint: str) -> None:
    if not truth:
        complaints.append(complaint)


def load(path: str) -> dict[tuple[str, str], dict]:
    documents = [d for d in yaml.safe_load_all(Path(path).read_text()) if d]
    named = {(d["kind"], d["metadata"]["name"]): d for d in documents}
    expect(len(named) == len(documents), f"{path}: two objects of one kind and name")
    return named


def one(objects: dict, kind: str) -> dict:
    found = [document for (k, _), document in objects.items() if k == kind]
    expect(len(found) == 1, f"{len(found)} objects of kind {kind} instead of 1")
    return found[0] if found else {}


def check_container(container: dict, volumes: list[dict], where: str) -> None:
    security = container["securityContext"]
    expect(security["allowPrivilegeEscalation"] is False, f"{where}: privilege escalation")
    expect(security["readOnlyRootFilesystem"] is True, f"{where}: writable root file system")
    expect(security["runAsNonRoot"] is True, f"{where}: may run as root")
    expect(security["capabilities"] == {"drop": ["ALL"]}, f"{where}: capabilities {security['capabilities']}")
    expect(security["seccompProfile"] == {"type": "RuntimeDefault"}, f"{where}: seccomp")
    expect("memory" in container["resources"]["limits"], f"{where}: no memory limit")
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for probe, path in PROBES.items():
        expect(container[probe]["httpGet"]["path"] == path, f"{where}: {probe} asks {container[probe]['httpGet']}")
        expect(container[probe]["httpGet"]["port"] in ports, f"{where}: {probe} asks a port that is not there")
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    expect(mounted == {v["name"] for v in volumes}, f"{where}: mounts {mounted} are not the volumes")
    for volume in volumes:
        expect(set(volume) - {"name"} <= VOLUME_KINDS, f"{where}: volume {volume}")


def check_config(text: str, container: dict, where: str) -> None:
    config = yaml.safe_load(text)
    port = container["ports"][0]["containerPort"]
    expect(config["listen"] == f"0.0.0.0:{port}", f"{where}: listens on {config['listen']}, probed at {port}")
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    expect(config["data_dir"] in mounts, f"{where}: writes to {config['data_dir']}, mounted are {mounts}")
    expect(config["clusters"] and all(c["name"] and c["flink"] for c in config["clusters"]), f"{where}: {config['clusters']}")


def check_deployment(objects: dict, folder: Path) -> None:
    expect({kind for kind, _ in objects} == EVERYTHING, f"rendered kinds: {sorted({kind for kind, _ in objects})}")
    deployment, service = one(objects, "Deployment"), one(objects, "Service")
    pod = deployment["spec"]["template"]
    spec = pod["spec"]
    expect(deployment["spec"]["replicas"] == 1, "more than one judge on one data directory")
    expect(spec["automountServiceAccountToken"] is True, "no token for the API server is mounted")
    check_rights(one(objects, "Role"), one(objects, "RoleBinding"), spec["serviceAccountName"])
    expect(spec["securityContext"]["runAsNonRoot"] is True and spec["securityContext"]["runAsUser"] > 0, "the pod runs as root")
    labels = pod["metadata"]["labels"]
    for name, selector in (("Deployment", deployment["spec"]["selector"]["matchLabels"]), ("Service", service["spec"]["selector"]),
                           ("NetworkPolicy", one(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"])):
        expect(selector.items() <= labels.items(), f"{name} selects {selector}, the pod has {labels}")
    monitor = one(objects, "ServiceMonitor")["spec"]
    expect(monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items(), "ServiceMonitor selects no Service")
    expect(monitor["endpoints"][0]["port"] in {p["name"] for p in service["spec"]["ports"]}, "ServiceMonitor names no port")
    expect((("ServiceAccount", spec["serviceAccountName"])) in objects, "the ServiceAccount is not the pod's")
    container = spec["containers"][0]
    check_container(container, spec["volumes"], "Deployment")
    claim = next(v["persistentVolumeClaim"]["claimName"] for v in spec["volumes"] if "persistentVolumeClaim" in v)
    expect(("PersistentVolumeClaim", claim) in objects, f"nobody claims {claim}")
    source = next(v["configMap"]["name"] for v in spec["volumes"] if "configMap" in v)
    text = objects["ConfigMap", source]["data"]["config.yaml"]
    check_config(text, container, "Deployment")
    expect(yaml.safe_load(text)["detectors"] == {"backpressure": {"enabled": False}}, "the given configuration is lost")
    (folder / "deployment-config.yaml").write_text(text)
    check_rules(one(objects, "PrometheusRule"), {"flink-doctor-findings", "flink-doctor-health"}, folder)


def check_rights(role: dict, binding: dict, account: str) -> None:
    rights = {(rule["apiGroups"][0], rule["resources"][0]): rule["verbs"] for rule in role["rules"]}
    listing = ["get", "list"]
    expect(rights == {("", "pods"): [*listing, "watch"], ("", "events"): listing,
                      ("flink.apache.org", "flinkdeployments"): listing},
           f"the Role gives {rights}")
    expect(binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role["metadata"]["name"]},
           f"the RoleBinding is of {binding['roleRef']}")
    expect([s["name"] for s in binding["subjects"]] == [account], f"the rights go to {binding['subjects']}")
    expect(role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "streaming", "the Role is in another namespace")


def check_sidecar(objects: dict, folder: Path) -> None:
    expect({kind for kind, _ in objects} == {"ConfigMap", "PrometheusRule"}, f"the sidecar needs no {sorted(objects)}")
    data = one(objects, "ConfigMap")["data"]
    spec = yaml.safe_load(data["sidecar.yaml"])["spec"]
    container = spec["containers"][0]
    check_container(container, spec["volumes"], "sidecar")
    source = next(v["configMap"]["name"] for v in spec["volumes"] if "configMap" in v)
    expect(("ConfigMap", source) in objects, f"the sidecar mounts {source}, which is not rendered")
    check_config(data["config.yaml"], container, "sidecar")
    clusters = yaml.safe_load(data["config.yaml"])["clusters"]
    expect([c["flink"] for c in clusters] == [["http://localhost:8081"]], f"the sidecar watches {clusters}")
    (folder / "sidecar-config.yaml").write_text(data["config.yaml"])
    check_rules(one(objects, "PrometheusRule"), {"flink-doctor-health"}, None)


def check_rules(rule: dict, wanted: set[str], folder: Path | None) -> None:
    groups = {group["name"]: group for group in rule["spec"]["groups"]}
    expect(set(groups) == wanted, f"rule groups {sorted(groups)} instead of {sorted(wanted)}")
    shipped = {group["name"]: group for group in yaml.safe_load(RULES.read_text())["groups"]}
    for name, group in groups.items():
        expect(group == shipped[name], f"the chart's group {name} is not the one in {RULES.name}")
    if folder:
        (folder / "rules.yaml").write_text(yaml.safe_dump(rule["spec"]))


def main() -> int:
    deployment, sidecar, folder = sys.argv[1:]
    check_deployment(load(deployment), Path(folder))
    check_sidecar(load(sidecar), Path(folder))
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

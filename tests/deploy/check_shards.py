"""The chart with `shards`: one StatefulSet whose pods take their shard from their names, and claim a directory each.

    check_shards.py RENDERED.yaml COUNT
"""
from __future__ import annotations

import sys
from pathlib import Path

import yaml


def main() -> int:
    count = int(sys.argv[2])
    documents = [d for d in yaml.safe_load_all(Path(sys.argv[1]).read_text()) if d]
    kinds = [d["kind"] for d in documents]
    assert "Deployment" not in kinds and "PersistentVolumeClaim" not in kinds, kinds
    shards = next(d for d in documents if d["kind"] == "StatefulSet")["spec"]
    assert shards["replicas"] == count and "strategy" not in shards, shards
    assert shards["serviceName"] in {d["metadata"]["name"] for d in documents if d["kind"] == "Service"}, shards["serviceName"]
    container = shards["template"]["spec"]["containers"][0]
    assert container["args"][-2:] == ["--shard", f"auto/{count}"], container["args"]
    volumes = {v["name"] for v in shards["template"]["spec"]["volumes"]}
    claims = {c["metadata"]["name"] for c in shards["volumeClaimTemplates"]}
    assert not volumes & claims, volumes & claims
    assert {m["name"] for m in container["volumeMounts"]} == volumes | claims, container["volumeMounts"]
    sidecars = [d["data"]["sidecar.yaml"] for d in documents if d["kind"] == "ConfigMap" and "sidecar.yaml" in d["data"]]
    assert sidecars and all("--shard" not in text for text in sidecars), "a sidecar watches its own cluster, whatever its name"
    return 0


if __name__ == "__main__":
    sys.exit(main())

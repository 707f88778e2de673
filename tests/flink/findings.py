"""What the doctor says, read from its JSON document: findings, their weight, and what they are about."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

SEVERITIES = ["info", "warning", "critical"]
CONFIDENCES = ["suspected", "confirmed", "imminent"]


@dataclass(frozen=True)
class Finding:
    id: str
    detector: str
    severity: str
    state: str
    confidence: str
    summary: str
    entity: dict[str, Any]
    evidence: list[str]
    remedy: list[str]
    cluster_url: str = ""

    @property
    def firing(self) -> bool:
        return self.state == "firing"

    def at_least(self, severity: str) -> bool:
        return self.severity in SEVERITIES and SEVERITIES.index(self.severity) >= SEVERITIES.index(severity)

    def about(self) -> str:
        """The entity in one line, the most telling members only."""
        members = ("job_name", "vertex", "task_manager", "process")
        parts = [f"{name} {self.entity[name]}" for name in members if self.entity.get(name)]
        return ", ".join(parts) or f"cluster {self.entity.get('cluster', '?')}"


@dataclass(frozen=True)
class Target:
    """What a finding should be about; members that are None do not matter."""
    job: str | None = None
    vertex: str | None = None
    task_manager_port: int | None = None
    cluster_url: str | None = None
    process: str | None = None

    def matches(self, finding: Finding) -> bool:
        entity = finding.entity
        return all((
            self.job is None or self.job_matches(entity),
            self.vertex is None or self.vertex in str(entity.get("vertex", "")),
            self.task_manager_port is None or self.runs_on(entity),
            self.cluster_url is None or self.address() in finding.cluster_url,
            self.process is None or entity.get("process") == self.process,
        ))

    def text(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in vars(self).items() if value is not None)

    def address(self) -> str:
        """HOST:PORT: a cluster that is gone may be left with its name only, which holds at least that."""
        return str(self.cluster_url).split("//")[-1]

    def job_matches(self, entity: dict[str, Any]) -> bool:
        return same_name(entity.get("job_name"), self.job)

    def runs_on(self, entity: dict[str, Any]) -> bool:
        """TaskManager ids are 127.0.0.1:PORT-random in REST and have other punctuation in reporters' labels."""
        given = plain(str(entity.get("task_manager", "")))
        return given.startswith(f"127_0_0_1_{self.task_manager_port}_")


def same_name(given: Any, wanted: str | None) -> bool:
    return plain(str(given)) == plain(str(wanted))


def plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", text)


@dataclass
class Report:
    """One answer of /api/v1/findings."""
    findings: list[Finding] = field(default_factory=list)
    clusters: list[dict[str, Any]] = field(default_factory=list)

    def firing(self, severity: str = "info") -> list[Finding]:
        return [f for f in self.findings if f.firing and f.at_least(severity)]


def parse(document: dict[str, Any]) -> Report:
    clusters = document.get("clusters", [])
    urls = {cluster.get("name", ""): cluster.get("url", "") for cluster in clusters}
    return Report([parse_finding(entry, urls) for entry in document.get("findings", [])], clusters)


def parse_finding(entry: dict[str, Any], urls: dict[str, str]) -> Finding:
    entity = entry.get("entity", {})
    return Finding(
        id=entry.get("id", ""), detector=entry.get("detector", ""), severity=entry.get("severity", ""),
        state=entry.get("state", ""), confidence=entry.get("confidence", ""), summary=entry.get("summary", ""),
        entity=entity, evidence=sentences(entry.get("evidence")), remedy=sentences(entry.get("remedy")),
        cluster_url=urls.get(entity.get("cluster", ""), entity.get("cluster", "")))


def sentences(items: Any) -> list[str]:
    texts = []
    for item in items or []:
        text = item.get("sentence", "") if isinstance(item, dict) else str(item)
        if isinstance(item, dict) and item.get("option"):
            text += f"  [{item['option']}: {item.get('current', 'not set')} -> {item.get('value', '?')}]"
        texts.append(text)
    return texts

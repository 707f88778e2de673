"""Beyond detection: a fault's cause is removed and its finding has to end, here and wherever it was delivered."""
from __future__ import annotations

from dataclasses import dataclass

from alerting import Alertmanager, Prometheus
from findings import Report
from story import Every, Expectation
from world import World

SHOWN_S = 45  # how long the finding stands before its cause is removed: time to be delivered and scraped
RESOLVED_WITHIN_S = 240


@dataclass
class Check:
    name: str
    good: bool | None = None
    detail: str = ""


class Delivery:
    """Follows one expected finding through its life; looks outside only while something is still open."""

    def __init__(self, world: World, expectation: Expectation, job_id: str, alertmanager: Alertmanager | None,
                 prometheus: Prometheus | None) -> None:
        self.world, self.expectation, self.job_id = world, expectation, job_id
        self.alertmanager, self.prometheus = alertmanager, prometheus
        self.job = expectation.target.job or ""
        self.removed_at: float | None = None
        self.look = Every(3)
        self.resolves = Check("finding ends after its job is cancelled")
        self.checks = [self.resolves]
        if alertmanager:
            self.delivered = Check("Alertmanager has the alert")
            self.cleared = Check("Alertmanager has it no more after the end")
            self.checks += [self.delivered, self.cleared]
        if prometheus:
            self.scraped = Check("Prometheus scrapes the doctor: up is 1")
            self.series = Check("Prometheus has a series of the finding")
            self.clean = Check("promtool finds nothing wrong with /metrics")
            self.checks += [self.scraped, self.series, self.clean]

    def step(self, report: Report, now: float) -> None:
        if self.expectation.seen_at is None or not self.look.due():
            return
        self.look_outside()
        if self.removed_at is None and now - self.expectation.seen_at > SHOWN_S:
            self.world.clusters["main"].rest.cancel(self.job_id)
            self.removed_at = now
            self.world.log(f"{self.job} cancelled: its finding has to end")
        elif self.removed_at is not None:
            self.look_for_the_end(report, now)

    def look_outside(self) -> None:
        if self.removed_at is not None:
            return
        if self.alertmanager and not self.delivered.good:
            self.delivered.good = self.alertmanager.active(self.job) or None
        if self.prometheus:
            self.scraped.good = self.scraped.good or self.prometheus.up() or None
            self.series.good = self.series.good or self.prometheus.series_with(self.job) or None
            if self.clean.good is None:
                self.clean.detail = self.prometheus.lint()
                self.clean.good = not self.clean.detail

    def look_for_the_end(self, report: Report, now: float) -> None:
        late = now - self.removed_at > RESOLVED_WITHIN_S
        if self.resolves.good is None:
            still = any(self.expectation.met_by(f) for f in report.findings)
            self.resolves.good = True if report.clusters and not still else False if late else None
        if self.alertmanager and self.cleared.good is None:
            self.cleared.good = True if not self.alertmanager.active(self.job) else False if late else None

    def finished(self) -> bool:
        return all(check.good is not None for check in self.checks)

    def summary(self) -> list[str]:
        return [f"{'ok' if c.good else 'FAILED':7} {c.name}" + (f": {c.detail}" if c.detail else "")
                for c in self.checks]

    def failures(self) -> int:
        return sum(not check.good for check in self.checks)

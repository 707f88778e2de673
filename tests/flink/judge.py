"""Compares what the doctor says with what the stories expect; every finding counts for, against or not at all."""
from __future__ import annotations

from dataclasses import replace

from findings import Finding, Report
from story import Expectation, Explained, Story, Twin

TWIN_MINIMUM_S = 600  # the silence that the full form demands, and twice the fault's detection time if that is more


class Judge:
    def __init__(self, stories: list[Story], second: bool = False) -> None:
        """`second`: of another doctor that watches the same stories; keeps its own account of what was seen."""
        self.expectations: list[Expectation] = [e for story in stories for e in story.expectations]
        self.twins: list[Twin] = [twin for story in stories for twin in story.twins]
        self.originals = list(self.expectations) if second else []
        if second:
            self.expectations = [replace(e) for e in self.expectations]
            self.twins = [replace(twin, offences=[]) for twin in self.twins]
        self.explained: list[Explained] = [x for story in stories for x in story.explained]
        self.unexplained: dict[str, Finding] = {}

    def absorb(self, report: Report, now: float) -> list[str]:
        """Judges one answer and returns what is new in it, as lines to print."""
        for mine, original in zip(self.expectations, self.originals):
            mine.onset, mine.deadline, mine.note = original.onset, original.deadline, original.note
        news = self.meet(report, now)
        for finding in report.firing("warning"):
            news += self.weigh(finding)
        return news

    def meet(self, report: Report, now: float) -> list[str]:
        news = []
        for expectation in self.expectations:
            finding = next((f for f in report.findings if expectation.met_by(f)), None)
            if finding and expectation.seen is None:
                expectation.seen, expectation.seen_at = finding, now
                news.append(f"seen: {expectation.fault}: {finding.severity} {finding.confidence}: {finding.summary}")
        return news

    def weigh(self, finding: Finding) -> list[str]:
        """A finding of warning or above is a fault's, a twin's offence, a known side effect, or unexplained."""
        twin = next((t for t in self.twins if t.target.matches(finding)), None)
        if twin:
            return self.offence(twin, finding)
        if any(e.detector == finding.detector and e.target.matches(finding) for e in self.expectations):
            return []
        if any(finding.detector in x.detectors and x.target.matches(finding) for x in self.explained):
            return []
        if finding.id in self.unexplained:
            return []
        self.unexplained[finding.id] = finding
        return [f"UNEXPLAINED {describe(finding)}"]

    @staticmethod
    def offence(twin: Twin, finding: Finding) -> list[str]:
        if twin.tolerated(finding) or any(known.id == finding.id for known in twin.offences):
            return []
        twin.offences.append(finding)
        return [f"TWIN DISTURBED ({twin.name}) {describe(finding)}"]

    # ---- the end

    def twin_must_run(self, twin: Twin, short: bool) -> float:
        """How long a twin has to stay silent, in seconds; the short form takes what the run lasts."""
        if short:
            return 0
        took = [e.seen_at - e.onset for e in self.expectations
                if e.detector == twin.of and e.seen_at is not None and e.onset is not None]
        return max([TWIN_MINIMUM_S, *(2 * seconds for seconds in took)])

    def rows(self, now: float) -> list[list[str]]:
        return [fault_row(e) for e in self.expectations] + [self.twin_row(twin, now) for twin in self.twins]

    @staticmethod
    def twin_row(twin: Twin, now: float) -> list[str]:
        quiet = f"{now - twin.since:.0f} s" if twin.since is not None else "-"
        said = twin.offences[0].detector + " " + twin.offences[0].severity if twin.offences else "silent"
        return [f"  twin: {twin.name}", twin.of, "silence", quiet, said, verdict(not twin.offences)]

    def failures(self) -> int:
        return (sum(not passed(e) for e in self.expectations) + sum(bool(t.offences) for t in self.twins)
                + len(self.unexplained))

    def passes(self) -> int:
        return sum(passed(e) for e in self.expectations) + sum(not t.offences for t in self.twins)

    def complaints(self) -> list[str]:
        """Everything that needs reading, with the doctor's own words."""
        lines = [f"missed: {e.fault}: no {e.detector} on {e.target.text()} within {e.within}"
                 + (f" ({e.note})" if e.note else "")
                 for e in self.expectations if not passed(e)]
        for twin in self.twins:
            lines += [f"twin disturbed: {twin.name}: {describe(f)}" for f in twin.offences]
        return lines + [f"unexplained: {describe(f)}" for f in self.unexplained.values()]


def passed(expectation: Expectation) -> bool:
    in_time = expectation.deadline is None or (expectation.seen_at or 0) <= expectation.deadline
    return expectation.seen is not None and in_time


def fault_row(expectation: Expectation) -> list[str]:
    if expectation.seen is None or expectation.seen_at is None:
        seen, about = "not seen", expectation.note
    else:
        onset = expectation.onset if expectation.onset is not None else expectation.seen_at
        seen, about = f"{max(0, expectation.seen_at - onset):.0f} s", expectation.seen.about()
    return [expectation.fault, expectation.detector, expectation.within, seen, about, verdict(passed(expectation))]


def verdict(good: bool) -> str:
    return "ok" if good else "FAILED"


def describe(finding: Finding) -> str:
    lines = [f"{finding.detector} {finding.severity} {finding.confidence} on {finding.about()}: {finding.summary}"]
    return "\n    ".join(lines + finding.evidence)


def table(rows: list[list[str]]) -> str:
    head = ["fault", "detector", "expected within", "seen after", "entity", "verdict"]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [head, *rows]]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])

"""What the capability matrix says of REST alone, held against what a doctor without any other source says of itself."""
from __future__ import annotations

import subprocess
from pathlib import Path

from findings import Report

OUTAGE = "the cluster does not answer"  # then all are blind, and nothing opens their eyes


def blind_through_rest(matrix: str) -> set[str]:
    """The detectors whose first column after the name, REST alone, says blind."""
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in matrix.splitlines()]
    return {row[0] for row in rows if len(row) > 1 and row[1] == "blind"}


def matrix_of(doctor: Path) -> str:
    return subprocess.run([str(doctor), "detectors", "--matrix"], check=True, capture_output=True, text=True).stdout


class Blindness:
    """The last word of each cluster's detectors while it answered."""

    def __init__(self, matrix: str) -> None:
        self.blind = blind_through_rest(matrix)
        self.last: dict[str, list[dict]] = {}

    def absorb(self, report: Report) -> None:
        for cluster in report.clusters:
            detectors = cluster.get("detectors", [])
            outage = any(d.get("why", "").startswith(OUTAGE) for d in detectors)
            if detectors and not outage and cluster.get("status") in ("ok", "partial"):
                self.last[cluster.get("name", "?")] = detectors

    def lines(self) -> tuple[list[str], int, int]:
        """What to print, how many checks passed, how many failed."""
        if not self.blind or not self.last:
            return ["missed: blindness through REST alone: no detector is blind, or no cluster answered"], 0, 1
        said, passed = [], 0
        for cluster, detectors in self.last.items():
            wrong = self.wrong(detectors)
            said += [f"missed: {cluster}, through REST alone: {text}" for text in wrong]
            passed += not wrong
        said.append(f"through REST alone {', '.join(sorted(self.blind))} said so, with the lines that help, "
                    f"in {passed} of {len(self.last)} clusters")
        return said, passed, len(self.last) - passed

    def wrong(self, detectors: list[dict]) -> list[str]:
        told = {d["detector"]: d for d in detectors}
        wrong = [f"{name} is {told.get(name, {}).get('state', 'not there')}, but the matrix calls it blind"
                 for name in sorted(self.blind) if told.get(name, {}).get("state") != "blind"]
        for name, detector in told.items():
            if detector["state"] == "blind" and not detector.get("why"):
                wrong.append(f"{name} does not say why it is blind")
            limited = name in self.blind or detector.get("sight") == "suspects"
            if limited and not detector.get("enable"):
                wrong.append(f"{name} does not say what would help")
        return wrong

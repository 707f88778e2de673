"""Numbers straight from a Flink process's Prometheus reporter: the harness's own eyes, seconds fresher than REST."""
from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Page:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self.text = text

    def samples(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """Labels and value of each series whose name ends in `name`."""
        for line in self.text.splitlines():
            found = SAMPLE.match(line) if name in line else None  # pages have thousands of lines
            if found and found[1].endswith(name):
                yield dict(LABEL.findall(found[2] or "")), float(found[3])

    def value(self, name: str, **labels: str) -> float | None:
        """Value of the first series with these labels."""
        for given, value in self.samples(name):
            if all(given.get(key) == wanted for key, wanted in labels.items()):
                return value
        return None

    def total(self, name: str, **labels: str) -> float:
        return sum(value for given, value in self.samples(name)
                   if all(given.get(key) == wanted for key, wanted in labels.items()))


def scrape(port: int, timeout_s: float = 10) -> Page | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=timeout_s) as answer:
            return Page(answer.read().decode("utf-8", "replace"))
    except (OSError, ValueError):
        return None


class Reporters:
    """The reporters of one cluster. Ports and roles are not tied, so a page is known by its content, and its port is
    remembered only as the place to look first."""

    def __init__(self, ports: range) -> None:
        self.ports = ports
        self.last_port: dict[str, int] = {}

    def job_manager(self) -> Page | None:
        return self.page("flink_jobmanager_")

    def task_manager(self, rpc_port: int) -> Page | None:
        return self.page(f'tm_id="127_0_0_1:{rpc_port}_')

    def page(self, mark: str) -> Page | None:
        first = self.last_port.get(mark)
        for port in ([first] if first else []) + list(self.ports):
            page = scrape(port)
            if page and mark in page.text:
                self.last_port[mark] = port
                return page
        return None

"""A story: a fault and its healthy twins, played on real clusters, and what the doctor must and must not say.

A story only drives and measures; judge.py compares what it expects with what the doctor found.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from findings import Finding, Target

if TYPE_CHECKING:
    from world import World


@dataclass
class Expectation:
    """A finding that must come. `deadline` is set by the story once it can be told."""
    fault: str
    detector: str
    target: Target
    within: str  # the promise, in words
    severity: str = "info"  # at least
    confidence: str | None = None
    onset: float | None = None
    deadline: float | None = None
    seen: Finding | None = None
    seen_at: float | None = None
    note: str = ""

    def due(self, onset: float, deadline: float) -> None:
        self.onset, self.deadline = onset, deadline

    def met_by(self, finding: Finding) -> bool:
        return (finding.firing and finding.detector == self.detector and finding.at_least(self.severity)
                and (self.confidence is None or finding.confidence == self.confidence)
                and self.target.matches(finding))

    def decided(self, now: float) -> bool:
        return self.seen is not None or (self.deadline is not None and now > self.deadline)


@dataclass
class Twin:
    """A healthy relative of which nothing of warning or above may be said, but for what is tolerated."""
    name: str
    of: str  # the detector whose fault it resembles
    target: Target
    tolerated: Callable[[Finding], bool] = lambda finding: False
    since: float | None = None
    offences: list[Finding] = field(default_factory=list)


@dataclass
class Explained:
    """A fault's known side effects: findings that are true as well and count neither way."""
    detectors: set[str]
    target: Target


class Story:
    name = ""
    full_form_only = False

    def __init__(self, world: "World") -> None:
        self.world = world
        self.expectations: list[Expectation] = []
        self.twins: list[Twin] = []
        self.explained: list[Explained] = []
        self.ends_with_cancel: tuple[Expectation, str] | None = None  # a finding, and the job whose end must end it

    @staticmethod
    def launch(world: "World") -> None:
        """Starts the clusters it plays on, without waiting for them."""
        world.launch_main()

    def begin(self) -> None:
        """Submits its jobs."""

    def step(self, now: float) -> None:
        """Called about once a second; must not block for long."""

    def played(self, now: float) -> bool:
        """Nothing more will happen by itself."""
        return all(expectation.onset is not None for expectation in self.expectations)

    def is_plain_to_see(self, now: float) -> bool:
        """Whoever knows the past of the cluster of its own sees its fault at one look."""
        return False

    def log(self, text: str) -> None:
        self.world.log(f"{self.name}: {text}")


class Every:
    """True once per period: for looks that cost Flink something."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.last = seconds, 0.0

    def due(self) -> bool:
        now = time.monotonic()
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True

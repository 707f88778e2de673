"""One slow vertex in the middle of five; the twin is the same graph, 20 % busy there.

Not more: on a machine under load a sleep of 4 ms may well last 10, and then 60 % would be a fault too.
"""
from __future__ import annotations

from findings import Target
from story import Every, Expectation, Story, Twin

WITHIN_S = 300
SLOW, HEALTHY = "orders-slow", "orders-healthy"


class BackpressureStory(Story):
    name = "backpressure"

    def begin(self) -> None:
        common = ["--parallelism", "2", "--interval-ms", "10000", "--restarts", "-1"]
        self.slow = self.world.submit(
            "main", "Backpressure", SLOW, ["--rate", "2000", "--delay-us", "5000", *common])
        self.healthy = self.world.submit(
            "main", "Backpressure", HEALTHY, ["--rate", "100", "--delay-us", "4000", *common])
        self.expectation = Expectation("one slow vertex in the middle", "backpressure",
                                       Target(job=SLOW, vertex="enrich"), "5 min", severity="warning")
        self.expectations = [self.expectation]
        self.twins = [Twin("the same graph below its capacity", "backpressure", Target(job=HEALTHY))]
        self.look = Every(10)

    def step(self, now: float) -> None:
        if self.expectation.onset is None and self.world.all_tasks_run("main", self.slow):
            self.expectation.due(now, now + WITHIN_S)
            self.log(f"all tasks of {SLOW} run")
        elif self.expectation.onset and not self.expectation.note and self.look.due():
            self.note_pressure(now)

    def note_pressure(self, now: float) -> None:
        """When the source is held up for more than half of its time, and what Flink says of the others then."""
        rest = self.world.clusters["main"].rest
        vertices = rest.get(f"/jobs/{self.slow}")["vertices"]
        answers = [rest.try_get(f"/jobs/{self.slow}/vertices/{v['id']}/backpressure") or {} for v in vertices]
        held_up = [max((s["ratio"] for s in answer.get("subtasks", [])), default=0) for answer in answers]
        if held_up[0] > 0.5:
            busy = [max((s["busyRatio"] for s in answer.get("subtasks", [])), default=0) for answer in answers]
            self.expectation.note = f"source held up after {now - self.expectation.onset:.0f} s"
            shown = ", ".join(f"{v['name']} {b}/{h}" for v, b, h in zip(vertices, busy, held_up))
            self.log(f"{self.expectation.note}; busy/backpressured: {shown}")

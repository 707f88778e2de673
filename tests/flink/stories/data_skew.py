"""One hot key in a keyed vertex; the twin has a thousand even ones.

Three quarters of 400 records a second with one key, each worth 4 ms: the hot subtask has 1.3 times what it can do.
"""
from __future__ import annotations

from findings import Target
from story import Expectation, Explained, Story, Twin

WITHIN_S = 19 * 60  # three windows of five minutes, begun in whole minutes
HOT, EVEN = "payments-hot-key", "payments-even"


class DataSkewStory(Story):
    name = "data_skew"
    full_form_only = True  # it takes a quarter of an hour

    def begin(self) -> None:
        common = ["--parallelism", "4", "--interval-ms", "10000", "--restarts", "-1", "--delay-us", "4000"]
        self.hot = self.world.submit(
            "main", "HotKey", HOT, ["--rate", "400", "--hot-percent", "75", *common])
        self.world.submit("main", "HotKey", EVEN, ["--rate", "200", *common])
        self.expectation = Expectation("one key gets three quarters of the records", "data_skew",
                                       Target(job=HOT, vertex="work"), "19 min", severity="warning")
        self.expectations = [self.expectation]
        self.twins = [Twin("the same with a thousand even keys", "data_skew", Target(job=EVEN))]
        self.explained = [Explained({"backpressure"}, Target(job=HOT, vertex="work"))]

    def step(self, now: float) -> None:
        if self.expectation.onset is None and self.world.all_tasks_run("main", self.hot):
            self.expectation.due(now, now + WITHIN_S)
            self.log(f"all tasks of {HOT} run")

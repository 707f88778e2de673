"""Half of a source's splits fall silent. The twin marks idle splits, so that event time goes on."""
from __future__ import annotations

from findings import Target
from story import Expectation, Story, Twin

SILENT_AFTER_S = 120  # so that there is a past in which they moved
WITHIN_S = 300
STUCK, MARKED = "clicks-stuck", "clicks-marked-idle"


class WatermarkStalledStory(Story):
    name = "watermark_stalled"

    def begin(self) -> None:
        common = ["--parallelism", "2", "--rate", "100", "--interval-ms", "10000", "--restarts", "-1",
                  "--silent-after-s", str(SILENT_AFTER_S)]
        self.stuck = self.world.submit("main", "EventTime", STUCK, common)
        self.world.submit("main", "EventTime", MARKED, ["--idle-ms", "5000", *common])
        self.expectation = Expectation("an idle split holds the watermark", "watermark_stalled",
                                       Target(job=STUCK), "5 min", severity="warning")
        self.expectations = [self.expectation]
        self.twins = [Twin("the same splits, marked idle", "watermark_stalled", Target(job=MARKED))]

    def step(self, now: float) -> None:
        if self.expectation.onset is None and self.world.all_tasks_run("main", self.stuck):
            silent = now + SILENT_AFTER_S
            self.expectation.due(silent, silent + WITHIN_S)
            self.log(f"all tasks of {STUCK} run; half of its splits fall silent in {SILENT_AFTER_S} s")

"""Checkpoints that all expire, and some that complete just in time; twins: slow ones that complete, and a job that wants none."""
from __future__ import annotations

from findings import Target
from story import Every, Expectation, Story, Twin

INTERVAL_S, TIMEOUT_S, POLLING_S = 5, 15, 30
TOLERABLE_CAPPED = 3  # the job tolerates 1000; the rule counts at most three
CLOCK_S = max(INTERVAL_S, TIMEOUT_S) * (TOLERABLE_CAPPED + 2)
ABSENT, NEARLY, SLOW, NONE = "ledger-absent", "ledger-nearly", "ledger-slow", "ledger-none"
NEARLY_S, NEARLY_TIMEOUT_S, NEARLY_ROW = 34, 40, 3  # so many in a row are told
NEARLY_CLOCK_S = (NEARLY_ROW + 1) * (NEARLY_S + INTERVAL_S)


class CheckpointAbsentStory(Story):
    name = "checkpoint_absent"

    def begin(self) -> None:
        interval = ["--interval-ms", str(INTERVAL_S * 1000), "--tolerable", "1000"]
        self.absent = self.world.submit("main", "SlowSnapshot", ABSENT, [
            *interval, "--snapshot-ms", "3600000", "--timeout-ms", str(TIMEOUT_S * 1000)])
        self.world.submit("main", "SlowSnapshot", SLOW, [*interval, "--snapshot-ms", "8000", "--timeout-ms", "60000"])
        self.nearly = self.world.submit("main", "SlowSnapshot", NEARLY, [
            *interval, "--snapshot-ms", str(NEARLY_S * 1000), "--timeout-ms", str(NEARLY_TIMEOUT_S * 1000)])
        self.world.submit("main", "SlowSnapshot", NONE, [])
        self.expectation = Expectation("no checkpoint ever completes", "checkpoint_absent", Target(job=ABSENT),
                                       f"its clock, {CLOCK_S} s (+ {POLLING_S} s)", severity="warning")
        self.late = Expectation("checkpoints take nearly as long as they may", "checkpoint_slow", Target(job=NEARLY),
                                f"{NEARLY_ROW} of them (+ {POLLING_S} s)", severity="warning")
        self.expectations = [self.expectation, self.late]
        self.ends_with_cancel = (self.expectation, self.absent)  # the first to be seen, so there is time for its end
        self.twins = [Twin("slow checkpoints that complete", "checkpoint_absent", Target(job=SLOW)),
                      Twin("slow checkpoints far from their timeout", "checkpoint_slow", Target(job=SLOW)),
                      Twin("checkpointing switched off", "checkpoint_absent", Target(job=NONE))]
        self.look = Every(20)

    def step(self, now: float) -> None:
        if self.late.onset is None and self.world.all_tasks_run("main", self.nearly):
            self.late.due(now, now + NEARLY_CLOCK_S + POLLING_S)
        if self.expectation.onset is None:
            if self.world.all_tasks_run("main", self.absent):
                self.expectation.due(now, now + CLOCK_S + POLLING_S)
                self.log(f"all tasks of {ABSENT} run")
        elif now - self.expectation.onset > CLOCK_S - 5 and not self.expectation.note and self.look.due():
            counts = self.world.clusters["main"].rest.get(f"/jobs/{self.absent}/checkpoints")["counts"]
            self.expectation.note = f"{counts['completed']} completed, {counts['failed']} failed"
            self.log(f"after {now - self.expectation.onset:.0f} s: {self.expectation.note}")

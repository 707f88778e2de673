"""Every third checkpoint is refused, or expires; the twin differs in nothing but that."""
from __future__ import annotations

from findings import Target
from story import Every, Expectation, Story, Twin

INTERVAL_S, TIMEOUT_S, SNAPSHOT_S, POLLING_S = 3, 6, 8, 30
EVERY, FAILURES = 3, 4  # three are told; the first may be one that was seen too late
REFUSED, EXPIRED, WELL = "invoices-refused", "invoices-expired", "invoices-well"


class CheckpointFailingStory(Story):
    name = "checkpoint_failing"
    full_form_only = True

    def begin(self) -> None:
        common = ["--interval-ms", str(INTERVAL_S * 1000), "--tolerable", "1000", "--every", str(EVERY)]
        timeout = ["--timeout-ms", str(TIMEOUT_S * 1000)]
        self.jobs = [self.submit(REFUSED, [*common, "--snapshot-ms", "-1"]),
                     self.submit(EXPIRED, [*common, *timeout, "--snapshot-ms", str(SNAPSHOT_S * 1000)])]
        self.submit(WELL, [*common, *timeout])
        self.expectations = [self.expect("every third checkpoint is refused", REFUSED, EVERY * INTERVAL_S),
                             self.expect("every third checkpoint expires", EXPIRED, EVERY * INTERVAL_S + TIMEOUT_S)]
        self.twins = [Twin("checkpoints that complete", "checkpoint_failing", Target(job=WELL))]
        self.look = Every(10)

    def submit(self, name: str, args: list[str]) -> str:
        return self.world.submit("main", "SlowSnapshot", name, args)

    @staticmethod
    def expect(fault: str, job: str, cycle_s: int) -> Expectation:
        return Expectation(fault, "checkpoint_failing", Target(job=job), f"{FAILURES * cycle_s} s (+ {POLLING_S} s)",
                           severity="warning")

    def step(self, now: float) -> None:
        for job, expectation in zip(self.jobs, self.expectations):
            if expectation.onset is None and self.world.all_tasks_run("main", job):
                cycle_s = EVERY * INTERVAL_S + (TIMEOUT_S if expectation is self.expectations[1] else 0)
                expectation.due(now, now + FAILURES * cycle_s + POLLING_S)
        if self.look.due():
            for job, expectation in zip(self.jobs, self.expectations):
                if expectation.onset is not None and expectation.seen is None:
                    counts = self.world.clusters["main"].rest.get(f"/jobs/{job}/checkpoints")["counts"]
                    expectation.note = f"{counts['completed']} completed, {counts['failed']} failed"

"""Every third checkpoint is refused, or expires; the twin differs in nothing but that."""
from __future__ import annotations

from findings import Target
from story import Every, Expectation, Story, Twin

INTERVAL_S, TIMEOUT_S, SNAPSHOT_S, POLLING_S = 3, 6, 8, 45  # polling through REST alone
EVERY, FAILURES = 3, 6
REFUSED, EXPIRED, WELL = "invoices-refused", "invoices-expired", "invoices-well"


class CheckpointFailingStory(Story):
    name = "checkpoint_failing"
    full_form_only = True

    def begin(self) -> None:
        timeout = ["--timeout-ms", str(TIMEOUT_S * 1000)]
        self.jobs = [self.submit(REFUSED, ["--snapshot-ms", "-1"]),
                     self.submit(EXPIRED, [*timeout, "--snapshot-ms", str(SNAPSHOT_S * 1000)])]
        self.submit(WELL, timeout)
        self.expectations = [self.expect("every third checkpoint is refused", REFUSED),
                             self.expect("every third checkpoint expires", EXPIRED)]
        self.twins = [Twin("checkpoints that complete", "checkpoint_failing", Target(job=WELL))]
        self.look = Every(2)
        self.failed: dict[str, set[int]] = {}

    def submit(self, name: str, args: list[str]) -> str:
        return self.world.submit("main", "SlowSnapshot", name, [
            "--interval-ms", str(INTERVAL_S * 1000), "--tolerable", "1000", "--every", str(EVERY), *args])

    @staticmethod
    def expect(fault: str, job: str) -> Expectation:
        return Expectation(fault, "checkpoint_failing", Target(job=job), f"{FAILURES} failures (+ {POLLING_S} s)",
                           severity="warning")

    def step(self, now: float) -> None:
        if self.look.due():
            for job, expectation in zip(self.jobs, self.expectations):
                self.watch(job, expectation, now)

    def watch(self, job: str, expectation: Expectation, now: float) -> None:
        """Due once enough of those that ended by themselves have failed, however fast the machine is."""
        if expectation.deadline is not None:
            return
        if expectation.onset is None:
            expectation.onset = now if self.world.all_tasks_run("main", job) else None
        answer = self.world.clusters["main"].rest.try_get(f"/jobs/{job}/checkpoints") or {}
        failed = self.failed.setdefault(job, set())
        failed.update(c["id"] for c in answer.get("history", []) if c["status"] == "FAILED")
        if len(failed) >= FAILURES and expectation.onset is not None:
            expectation.deadline = now + POLLING_S
            expectation.note = f"{len(failed)} of the first {max(failed)} failed"
            self.log(f"{expectation.target.job}: {expectation.note}")

    def played(self, now: float) -> bool:
        return all(expectation.deadline is not None for expectation in self.expectations)

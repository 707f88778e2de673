"""The same exception a few seconds after every start; the twin fails twice and then runs."""
from __future__ import annotations

from findings import Target
from story import Every, Expectation, Explained, Story, Twin

FAIL_AFTER_S, RESTARTS_ALLOWED, POLLING_S = 8, 4, 20
LOOPING, RECOVERING = "payments-looping", "payments-recovering"


class RestartLoopStory(Story):
    name = "restart_loop"

    def begin(self) -> None:
        # No checkpoint completes within a life of 8 s: the job makes no progress at all.
        common = ["--fail-after-ms", str(FAIL_AFTER_S * 1000), "--interval-ms", "60000"]
        self.world.submit("main", "Failing", LOOPING, ["--restarts", "-1", *common])
        self.world.submit("main", "Failing", RECOVERING, ["--restarts", "5", "--fail-times", "2", *common])
        self.expectation = Expectation("the same exception again and again", "restart_loop", Target(job=LOOPING),
                                       f"restart {RESTARTS_ALLOWED}", severity="warning")
        self.expectations = [self.expectation]
        self.explained = [Explained({"checkpoint_absent"}, Target(job=LOOPING))]
        self.twins = [Twin("two failures, then well", "restart_loop", Target(job=RECOVERING))]
        self.look = Every(2)
        self.restarts = 0

    def step(self, now: float) -> None:
        if self.expectation.deadline is not None or not self.look.due():
            return
        page = self.world.job_manager_page("main")
        restarts = int(page.value("job_numRestarts", job_name=LOOPING.replace("-", "_")) or 0) if page else 0
        if restarts == self.restarts:
            return
        self.restarts = restarts
        self.log(f"{LOOPING} has restarted {restarts} times")
        if self.expectation.onset is None:
            self.expectation.onset = now
        if restarts >= RESTARTS_ALLOWED:
            self.expectation.deadline = now + POLLING_S

    def played(self, now: float) -> bool:
        return self.expectation.deadline is not None

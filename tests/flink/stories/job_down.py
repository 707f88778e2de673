"""Jobs that are down though they should run, in a session and as an application; twins end as intended."""
from __future__ import annotations

from findings import Target
from story import Every, Expectation, Story, Twin
from world import World

SESSION_WITHIN_S, APPLICATION_WITHIN_S = 60, 240
FAIL_AFTER_S, CANCEL_AFTER_S = 60, 60
FAILED, FINISHED, CANCELED = "payments-failed", "payments-finished", "payments-canceled"
# The application starts with its cluster, and the doctor has to have seen it before it ends.
APPLICATION_LIFE_S = 150
APPLICATION_RATE = 50
FAILING_CLUSTER, FINISHING_CLUSTER = "application-failing", "application-finishing"


class JobDownStory(Story):
    name = "job_down"

    def begin(self) -> None:
        self.failed = self.world.submit("main", "Failing", FAILED, ["--fail-after-ms", str(FAIL_AFTER_S * 1000)])
        self.world.submit("main", "Failing", FINISHED, ["--fail-times", "0", "--rate", "100", "--count", "5000"])
        self.canceled = self.world.submit("main", "Failing", CANCELED, ["--fail-times", "0"])
        self.expectation = Expectation("job FAILED, in a session", "job_down", Target(job=FAILED), "1 min",
                                       severity="warning")
        self.expectations = [self.expectation]
        self.twins = [Twin("job FINISHED", "job_down", Target(job=FINISHED)),
                      Twin("job CANCELED by its user", "job_down", Target(job=CANCELED))]
        self.look = Every(2)
        self.began: float | None = None
        self.cancelled = False

    def step(self, now: float) -> None:
        if not self.look.due():
            return
        if self.expectation.onset is None and self.world.job_state("main", self.failed) == "FAILED":
            self.expectation.due(now, now + SESSION_WITHIN_S)
            self.log(f"{FAILED} is FAILED")
        if self.began is None:
            self.began = now if self.world.all_tasks_run("main", self.canceled) else None
        elif not self.cancelled and now - self.began > CANCEL_AFTER_S:
            self.world.clusters["main"].rest.cancel(self.canceled)
            self.cancelled = True
            self.log(f"{CANCELED} cancelled")


class ApplicationDownStory(Story):
    """The JobManager ends with its job, so what remains to be seen is a cluster that does not answer."""
    name = "application_down"

    @staticmethod
    def launch(world: World) -> None:
        world.launch_application(FAILING_CLUSTER, "Failing", [
            "--name", "billing-failing", "--fail-after-ms", str(APPLICATION_LIFE_S * 1000)])
        world.launch_application(FINISHING_CLUSTER, "Failing", [
            "--name", "billing-finishing", "--fail-times", "0", "--rate", str(APPLICATION_RATE),
            "--count", str(APPLICATION_RATE * APPLICATION_LIFE_S), "--finish-ms", "30000"])

    def begin(self) -> None:
        failing, finishing = (self.world.clusters[name] for name in (FAILING_CLUSTER, FINISHING_CLUSTER))
        self.failing, self.finishing = failing, finishing
        self.expectation = Expectation("application fails, its cluster is gone", "job_down",
                                       Target(cluster_url=failing.url), "4 min", severity="warning")
        self.expectations = [self.expectation]
        self.twins = [Twin("application that finished", "job_down", Target(cluster_url=finishing.url))]
        self.finished_at: float | None = None

    def step(self, now: float) -> None:
        if self.expectation.onset is None and not self.failing.job_manager.alive():
            self.expectation.due(now, now + APPLICATION_WITHIN_S)
            self.log(f"the failing application's JobManager has ended, code "
                     f"{self.failing.job_manager.child.returncode}")
        if self.finished_at is None and not self.finishing.job_manager.alive():
            self.finished_at = now
            self.log(f"the finished application's JobManager has ended, code "
                     f"{self.finishing.job_manager.child.returncode}")

    def played(self, now: float) -> bool:
        return self.expectation.onset is not None and self.finished_at is not None

"""A node goes away and comes back, once: the job restarts, recovers, and nobody has to be woken."""
from __future__ import annotations

from findings import Target
from story import Story, Twin
from world import SMALL, World

KILL_AFTER_S = 90
CLUSTER, JOB = "failover", "shipping-failover"


class TaskManagerLossStory(Story):
    name = "task_manager_loss"
    full_form_only = True

    @staticmethod
    def launch(world: World) -> None:
        world.launch(CLUSTER, SMALL, task_managers=2)  # one to lose, one to go on with

    def begin(self) -> None:
        self.job = self.world.submit(CLUSTER, "Failing", JOB, ["--fail-times", "0", "--restarts", "-1",
                                                               "--interval-ms", "5000"])
        self.twins = [Twin("a TaskManager lost and replaced", "restart_loop",
                           Target(cluster_url=self.world.clusters[CLUSTER].url))]
        self.began: float | None = None
        self.replaced_at: float | None = None
        self.recovered = False

    def step(self, now: float) -> None:
        if self.began is None:
            self.began = now if self.world.all_tasks_run(CLUSTER, self.job) else None
        elif self.replaced_at is None and now - self.began > KILL_AFTER_S:
            self.replace(now)
        elif self.replaced_at is not None and not self.recovered and now - self.replaced_at > 20:
            self.recovered = self.world.all_tasks_run(CLUSTER, self.job)
            if self.recovered:
                self.log(f"{JOB} runs again")

    def replace(self, now: float) -> None:
        cluster = self.world.clusters[CLUSTER]
        (cluster.task_manager_of(self.job) or cluster.task_managers[0]).kill()
        cluster.launch_task_manager()
        self.replaced_at = now
        self.log("TaskManager killed, another one started")

    def played(self, now: float) -> bool:
        return self.recovered

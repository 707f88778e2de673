"""A job submitted again and again: one cluster's leaks its classes, the other's loads the same and keeps none.

Until the first full collection both look alike. The twin gets two of them in the middle; the leaking TaskManager is
left alone until it dies.
"""
from __future__ import annotations

from findings import Finding, Target
from reporter import Page
from story import Expectation, Explained, Story, Twin
from world import World, now

SUBMIT_EVERY_S = 20
# Small in metaspace, so that a leak of 5 MB per submission is a story of minutes.
CLUSTER = {"taskmanager.numberOfTaskSlots": "1", "taskmanager.memory.process.size": "900m",
           "taskmanager.memory.managed.size": "16m", "taskmanager.memory.jvm-metaspace.size": "120m"}
GROWING_BY, LEFT_AT_SUSPICION = 8, 10
COLLECT_AFTER = (12, 13)  # submissions of the twin
TWIN_SUBMISSIONS = 18  # in the short form; else as long as the run lasts, through the JVM's own collections
# The finding is kept for two minutes after what it saw has gone, which is seen at the next scrape (15 s) at the earliest.
QUIET_AFTER_COLLECTION_S = 180
STORES_SETTLE_S = 10
GIVE_UP_AFTER = 60
JOB = "rules-batch"
MB = 1 << 20


class Churn:
    """One cluster's submissions and what its TaskManager's metaspace makes of them."""

    def __init__(self, story: "MetaspaceStory", cluster: str, leak: bool, first_at: float) -> None:
        self.story, self.cluster, self.leak = story, cluster, leak
        self.next_at = first_at
        self.levels_mb: list[float] = []
        self.limit_mb = 0.0
        self.task_manager = story.world.clusters[cluster].task_managers[0]

    def submit_if_due(self, at: float) -> bool:
        if at < self.next_at or not self.task_manager.process.alive():
            return False
        self.measure()
        self.story.world.submit(self.cluster, "ClassChurn", JOB, [
            "--count", "150", "--rate", "100", "--leak", str(self.leak).lower()])
        # There is one slot: on a machine that is slow to submit, the next one waits for its job's end.
        self.next_at = max(at, now() - SUBMIT_EVERY_S / 2) + SUBMIT_EVERY_S
        return True

    def measure(self) -> None:
        """The level that the submissions so far have left: taken just before the next one."""
        page = self.story.world.task_manager_page(self.cluster, self.task_manager)
        if page is None:
            return
        self.limit_mb = metaspace_mb(page, "Max")
        self.levels_mb.append(metaspace_mb(page, "Used"))
        self.story.log(f"{self.cluster}: {len(self.levels_mb) - 1} submissions, {self.levels_mb[-1]:.1f} of "
                       f"{self.limit_mb:.0f} MB, {page.value('ClassLoader_ClassesUnloaded') or 0:.0f} classes unloaded")

    @property
    def submissions(self) -> int:
        return max(0, len(self.levels_mb) - 1)

    def half_used(self) -> bool:
        """Half of the headroom above the first job's level is gone, or ten more submissions fill it."""
        if self.submissions < 3:
            return False
        base, level = self.levels_mb[1], self.levels_mb[-1]
        step = (level - base) / (self.submissions - 1)
        return level - base >= (self.limit_mb - base) / 2 or (self.limit_mb - level) / step <= LEFT_AT_SUSPICION


class MetaspaceStory(Story):
    name = "metaspace"

    @staticmethod
    def launch(world: World) -> None:
        world.launch("leak", CLUSTER)
        world.launch("churn", CLUSTER)

    def begin(self) -> None:
        leak, churn = self.world.clusters["leak"], self.world.clusters["churn"]
        start = self.world.started
        self.leak = Churn(self, "leak", True, start)
        self.churn = Churn(self, "churn", False, start + SUBMIT_EVERY_S / 2)  # not both at once on two cores
        target = Target(cluster_url=leak.url, task_manager_port=self.leak.task_manager.port)
        self.growing = Expectation("classes leak: growing", "metaspace_leak", target, f"submission {GROWING_BY}")
        self.suspected = Expectation("classes leak: suspected", "metaspace_leak", target,
                                     "half the headroom or 10 left", severity="warning")
        self.imminent = Expectation("classes leak: imminent", "metaspace_leak", target, "before the process dies",
                                    severity="critical", confidence="imminent")
        self.expectations = [self.growing, self.suspected, self.imminent]
        self.explained = [Explained({"job_down"}, Target(cluster_url=leak.url))]  # once its only TaskManager is dead
        self.collected_at: float | None = None
        self.twins = [Twin("the same classes, none kept", "metaspace_leak", Target(cluster_url=churn.url),
                           tolerated=self.may_be_said_of_twin)]

    def may_be_said_of_twin(self, finding: Finding) -> bool:
        """Suspected, both hypotheses named, until full collections have shown which one holds."""
        in_doubt = self.collected_at is None or now() < self.collected_at + QUIET_AFTER_COLLECTION_S
        return finding.detector == "metaspace_leak" and finding.confidence == "suspected" and in_doubt

    def step(self, now: float) -> None:
        if self.imminent.deadline is None and self.leak.submit_if_due(now):
            self.after_leak(now)
        if (self.churn.submissions < TWIN_SUBMISSIONS or not self.world.short) and self.churn.submit_if_due(now):
            self.after_churn(now)
        if self.imminent.deadline is None and not self.leak.task_manager.process.alive():
            self.imminent.due(self.suspected.onset or now, now)
            self.log(f"the leaking TaskManager died after {self.leak.submissions} measured submissions, "
                     f"code {self.leak.task_manager.process.child.returncode}")

    def after_leak(self, now: float) -> None:
        first = self.growing.onset is None
        if first:
            self.growing.onset = self.suspected.onset = self.imminent.onset = now
        if self.growing.deadline is None and self.leak.submissions >= GROWING_BY:
            self.growing.deadline = now + SUBMIT_EVERY_S  # the eighth has just left its step
        if self.suspected.deadline is None and self.leak.half_used():
            self.suspected.deadline = now + SUBMIT_EVERY_S
            self.suspected.note = f"at submission {self.leak.submissions}"
            self.log(f"half of the headroom is used, or ten submissions are left, after {self.leak.submissions}")

    def after_churn(self, now: float) -> None:
        if self.churn.submissions in COLLECT_AFTER:
            self.churn.task_manager.full_gc()
            self.collected_at = now
            self.log("full collection in the twin's TaskManager")

    def is_plain_to_see(self, now: float) -> bool:
        """Suspected is due, and stores have shown what they scraped by then."""
        return self.suspected.deadline is not None and now > self.suspected.deadline + STORES_SETTLE_S

    def played(self, now: float) -> bool:
        quiet_shown = self.collected_at is not None and now > self.collected_at + QUIET_AFTER_COLLECTION_S
        gave_up = self.leak.submissions >= GIVE_UP_AFTER
        return quiet_shown and (self.imminent.deadline is not None or gave_up)


def metaspace_mb(page: Page, member: str) -> float:
    return (page.value(f"Status_JVM_Memory_Metaspace_{member}") or 0) / MB

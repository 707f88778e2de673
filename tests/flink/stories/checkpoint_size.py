"""State that jumps to many times its size and stays; the twin grows steadily and has a savepoint in the middle."""
from __future__ import annotations

from statistics import median
from typing import Any

from findings import Target
from story import Every, Expectation, Story, Twin

JUMP_AFTER_S, SAVEPOINT_AFTER_S = 120, 150
# Seventeen jobs share thirty looks at checkpoints a minute: each has its turn every 34 s.
CHECKPOINTS_ALLOWED, POLLING_S = 4, 34
JUMP, STEADY = "profiles-jump", "profiles-steady"


class CheckpointSizeStory(Story):
    name = "checkpoint_size"

    def begin(self) -> None:
        common = ["--backend", "rocksdb", "--incremental", "true", "--interval-ms", "5000", "--restarts", "-1",
                  "--entry-kb", "100", "--rate", "200"]
        self.jump = self.world.submit("main", "KeyedState", JUMP, [
            *common, "--jump-kb", "180000", "--jump-after-ms", str(JUMP_AFTER_S * 1000)])
        self.steady = self.world.submit("main", "KeyedState", STEADY, [*common, "--growth-kb", "60"])
        self.expectation = Expectation("state jumps to tenfold and stays", "checkpoint_size_outlier", Target(job=JUMP),
                                       f"{CHECKPOINTS_ALLOWED} checkpoints", severity="warning")
        self.expectations = [self.expectation]
        self.twins = [Twin("slow growth, and a savepoint", "checkpoint_size_outlier", Target(job=STEADY))]
        self.look = Every(2)
        self.began: float | None = None
        self.sizes: dict[int, int] = {}
        self.savepoint_taken = False

    def step(self, now: float) -> None:
        if self.began is None:
            self.began = now if self.world.all_tasks_run("main", self.jump) else None
            return
        if not self.savepoint_taken and now - self.began > SAVEPOINT_AFTER_S:
            self.take_savepoint()
        if self.expectation.deadline is None and self.look.due():
            self.watch(now)

    def take_savepoint(self) -> None:
        cluster = self.world.clusters["main"]
        cluster.rest.savepoint(self.steady, cluster.folder / "state" / "savepoints")
        self.savepoint_taken = True
        self.log(f"savepoint of {STEADY} triggered")

    def watch(self, now: float) -> None:
        for checkpoint in self.completed():
            self.sizes[checkpoint["id"]] = checkpoint["state_size"]
        past = median(list(self.sizes.values())[:8]) if len(self.sizes) >= 8 else 0
        large = [size for size in self.sizes.values() if past and size > 4 * past]
        if large and self.expectation.onset is None:
            self.expectation.onset = now
            shown = ", ".join(f"{size / 1e6:.0f}" for size in list(self.sizes.values())[-6:])
            self.expectation.note = f"from {past / 1e6:.0f} MB"
            self.log(f"first large one after {len(self.sizes) - len(large)} others; the last six in MB: {shown}")
        if len(large) >= CHECKPOINTS_ALLOWED:
            self.expectation.deadline = now + POLLING_S
            self.log(f"{CHECKPOINTS_ALLOWED} large checkpoints, the last {large[-1] / 1e6:.0f} MB")

    def completed(self) -> list[dict[str, Any]]:
        answer = self.world.clusters["main"].rest.try_get(f"/jobs/{self.jump}/checkpoints") or {}
        good = [c for c in answer.get("history", []) if c["status"] == "COMPLETED" and not c["is_savepoint"]]
        return sorted(good, key=lambda checkpoint: checkpoint["id"])

    def played(self, now: float) -> bool:
        return self.expectation.deadline is not None and self.savepoint_taken

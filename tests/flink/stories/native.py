"""RocksDB outside of managed memory, past what its slot was given; the twin stays inside with the same work."""
from __future__ import annotations

from findings import Target
from reporter import Page
from story import Every, Expectation, Story, Twin

WITHIN_S = 600
UNMANAGED, MANAGED = "sessions-unmanaged", "sessions-managed"
MEMORY = ("rocksdb_size_all_mem_tables", "rocksdb_block_cache_usage", "rocksdb_estimate_table_readers_mem")


class NativeStory(Story):
    name = "native"

    def begin(self) -> None:
        # A flush at a checkpoint empties memtables; ten minutes apart, they fill to their own limits.
        common = ["--backend", "rocksdb", "--incremental", "true", "--interval-ms", "600000", "--restarts", "-1",
                  "--keys", "10000"]
        self.unmanaged = self.world.submit("main", "ManyStates", UNMANAGED, [
            *common, "--states", "20", "--rate", "60", "--value-bytes", "2000", "--unmanaged", "true",
            "--write-buffer-mb", "32"])
        self.managed = self.world.submit("main", "ManyStates", MANAGED, [
            *common, "--states", "3", "--rate", "100", "--value-bytes", "4000"])
        self.expectation = Expectation("RocksDB past its slot's share", "native_overrun", Target(job=UNMANAGED),
                                       "10 min after passing it", severity="warning")
        self.expectations = [self.expectation]
        self.twins = [Twin("managed mode at its limit", "native_overrun", Target(job=MANAGED))]
        self.look, self.show = Every(5), Every(60)
        self.task_manager = None

    def step(self, now: float) -> None:
        if not self.look.due():
            return
        if self.task_manager is None:
            if self.world.all_tasks_run("main", self.unmanaged):
                self.task_manager = self.world.clusters["main"].task_manager_of(self.unmanaged)
            return
        page = self.world.task_manager_page("main", self.task_manager)
        if page is None:
            return
        used, share = self.used_mb(page), slot_share_mb(page, self.world.slots_of_main)
        if used > share and self.expectation.onset is None:
            self.expectation.due(now, now + WITHIN_S)
            self.expectation.note = f"share {share:.0f} MB"
            self.log(f"{used:.0f} MB in use, above the slot's share of {share:.0f} MB")
        elif self.show.due():
            resident = self.task_manager.process.resident_mb()
            self.log(f"{used:.0f} MB in use, share {share:.0f} MB, process {resident} MB")

    def used_mb(self, page: Page) -> float:
        """Unmanaged: each column family has its own block cache, so the sum is right."""
        return sum(page.total(f"_{name}", job_name=self.label) for name in MEMORY) / (1 << 20)

    @property
    def label(self) -> str:
        return UNMANAGED.replace("-", "_")


def slot_share_mb(page: Page, slots: int) -> float:
    return (page.value("Status_Flink_Memory_Managed_Total") or 0) / slots / (1 << 20)

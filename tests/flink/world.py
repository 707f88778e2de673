"""The clusters on which the stories play, and submitting to them."""
from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from cluster import Cluster, TaskManager
from jobs import churn_jar, jobs_jar
from reporter import Page, Reporters

# A slot's managed memory, which is RocksDB's share, is the same in both forms: 100 MB.
MAIN_SHORT = {"taskmanager.numberOfTaskSlots": "9", "taskmanager.memory.process.size": "2300m",
              "taskmanager.memory.managed.size": "900m"}
MAIN_FULL = {"taskmanager.numberOfTaskSlots": "16", "taskmanager.memory.process.size": "3200m",
             "taskmanager.memory.managed.size": "1600m"}
MAIN_TASK_MANAGERS = 2
# For clusters with one job.
SMALL = {"taskmanager.numberOfTaskSlots": "1", "taskmanager.memory.process.size": "1000m",
         "taskmanager.memory.managed.size": "32m"}


class World:
    def __init__(self, version: str, folder: Path, short: bool, log: Callable[[str], None]) -> None:
        self.version, self.folder, self.short, self.log = version, folder, short, log
        self.main_settings = MAIN_SHORT if short else MAIN_FULL
        self.clusters: dict[str, Cluster] = {}
        self.reporters: dict[str, Reporters] = {}
        self.jar_ids: dict[tuple[str, str], str] = {}
        self.started = now()

    @property
    def slots_of_main(self) -> int:
        return int(self.main_settings["taskmanager.numberOfTaskSlots"])

    def launch_main(self) -> None:
        """The session cluster on which most stories play, side by side."""
        if "main" not in self.clusters:
            self.launch("main", self.main_settings, MAIN_TASK_MANAGERS)

    def launch(self, name: str, settings: dict[str, str], task_managers: int = 1) -> None:
        self.add(name, settings).launch_session(task_managers)

    def launch_application(self, name: str, entry: str, args: list[str]) -> None:
        self.add(name, SMALL).launch_application(jobs_jar(self.version), f"flinkdoctor.{entry}", args)

    def add(self, name: str, settings: dict[str, str]) -> Cluster:
        self.clusters[name] = Cluster(self.version, self.folder, name, settings)
        self.reporters[name] = Reporters(self.clusters[name].ports.reporters())
        return self.clusters[name]

    def wait_up(self) -> None:
        for name, cluster in self.clusters.items():
            cluster.wait_up()
            self.log(f"cluster {name} is up: {cluster.url}, reporters {cluster.reporters}")

    def submit(self, cluster: str, entry: str, name: str, args: list[str]) -> str:
        """Starts flinkdoctor.<entry> under a name and returns the job id."""
        rest = self.clusters[cluster].rest
        kind = "churn" if entry == "ClassChurn" else "jobs"
        if (cluster, kind) not in self.jar_ids:
            jar = churn_jar(self.version) if kind == "churn" else jobs_jar(self.version)
            self.jar_ids[cluster, kind] = rest.upload(jar)
        return rest.run(self.jar_ids[cluster, kind], f"flinkdoctor.{entry}", ["--name", name, *args])

    # ---- looking

    def job_manager_page(self, cluster: str) -> Page | None:
        return self.reporters[cluster].job_manager()

    def task_manager_page(self, cluster: str, task_manager: TaskManager) -> Page | None:
        return self.reporters[cluster].task_manager(task_manager.port)

    def job_state(self, cluster: str, job_id: str) -> str:
        """State of a job, empty when Flink gave no answer."""
        answer = self.clusters[cluster].rest.try_get("/jobs/overview") or {}
        return next((job["state"] for job in answer.get("jobs", []) if job["jid"] == job_id), "")

    def all_tasks_run(self, cluster: str, job_id: str) -> bool:
        answer = self.clusters[cluster].rest.try_get("/jobs/overview") or {}
        tasks = next((job["tasks"] for job in answer.get("jobs", []) if job["jid"] == job_id), None)
        return bool(tasks) and tasks["total"] > 0 and tasks["running"] + tasks["finished"] == tasks["total"]


def now() -> float:
    return time.monotonic()

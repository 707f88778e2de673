"""A Flink cluster that outlives its JobManager: ZooKeeper, two JobManagers and TaskManagers, all on 127.0.0.1.

ZooKeeper is the one inside Flink's own jar.
"""
from __future__ import annotations

from pathlib import Path

from cluster import Cluster, java_home
from ports import free_block
from processes import Process, stop_all
from rest import Rest

SESSION_TIMEOUT_MS = 6000  # Flink's own 60 s make a failover too slow for a short test
ZOOKEEPER_MAIN = "org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.ZooKeeperServerMain"
SIZES = {"taskmanager.numberOfTaskSlots": "1", "taskmanager.memory.process.size": "1000m",
         "taskmanager.memory.managed.size": "32m"}


class JobManager:
    """One of the two. `process` is None while it is down."""

    def __init__(self, number: int) -> None:
        self.name = f"jobmanager-{number}"
        first = free_block(3)
        self.rest_port, self.rpc_port, self.blob_port = first, first + 1, first + 2
        self.url = f"http://127.0.0.1:{self.rest_port}"
        self.rest = Rest(self.url)
        self.process: Process | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.rest_port}"

    def settings(self) -> dict[str, str]:
        return {"rest.port": str(self.rest_port), "rest.bind-port": str(self.rest_port),
                "high-availability.jobmanager.port": str(self.rpc_port), "blob.server.port": str(self.blob_port)}


class HaCluster(Cluster):
    def __init__(self, version: str, folder: Path, name: str = "ha") -> None:
        self.zookeeper_port = free_block(1)
        super().__init__(version, folder, name, {
            **SIZES,
            "high-availability.type": "zookeeper", "high-availability.cluster-id": f"/{name}",
            "high-availability.zookeeper.quorum": f"127.0.0.1:{self.zookeeper_port}",
            "high-availability.storageDir": (folder / name / "state" / "ha").as_uri(),
            "high-availability.zookeeper.client.session-timeout": str(SESSION_TIMEOUT_MS),
        })
        self.managers = [JobManager(number) for number in (1, 2)]
        self.zookeeper: Process | None = None
        self.lives = 0

    # ---- starting

    def launch(self, task_managers: int) -> None:
        self.zookeeper = self.start_zookeeper()
        for manager in self.managers:
            self.launch_job_manager(manager)
        for _ in range(task_managers):
            self.launch_task_manager()

    def start_zookeeper(self) -> Process:
        folder = self.folder / "zookeeper"
        folder.mkdir(parents=True)
        conf = folder / "zoo.cfg"
        conf.write_text(f"tickTime=1000\ndataDir={folder / 'data'}\nclientPort={self.zookeeper_port}\n"
                        "clientPortAddress=127.0.0.1\nadmin.enableServer=false\n")
        classes = ":".join(str(jar) for jar in (self.home / "lib").glob("*.jar")
                           if jar.name.startswith(("flink-dist", "log4j")))
        return Process("zookeeper", [
            str(Path(java_home()) / "bin" / "java"), "-Xmx128m", "-XX:TieredStopAtLevel=1",
            f"-Dlog4j.configurationFile={self.home / 'conf' / 'log4j-console.properties'}",
            f"-Dlog.file={folder / 'zookeeper.log'}", "-cp", classes, ZOOKEEPER_MAIN, str(conf)], folder / "zookeeper.out")

    def launch_job_manager(self, manager: JobManager) -> None:
        self.lives += 1
        manager.process = self.start_process(f"{manager.name}-life-{self.lives}", ["jobmanager.sh", "start-foreground"],
                                             manager.settings())

    def kill_job_manager(self, manager: JobManager) -> None:
        manager.process.kill()
        manager.process = None

    # ---- looking

    def alive(self) -> list[JobManager]:
        return [manager for manager in self.managers if manager.process and manager.process.alive()]

    def leader(self) -> JobManager | None:
        """By its own log's word. Whoever loses it ends, or was killed."""
        return next((m for m in self.alive() if "was granted leadership" in m.process.log.read_text(errors="replace")), None)

    def standby(self) -> JobManager | None:
        return next((manager for manager in self.alive() if manager is not self.leader()), None)

    def wait_up(self, task_managers: int | None = None) -> None:
        """Any JobManager will do: a standby answers with what the leader says."""
        self.rest = self.managers[0].rest
        super().wait_up(task_managers)

    def check_alive(self) -> None:
        pass  # JobManagers are killed on purpose

    def stop(self) -> None:
        processes = [tm.process for tm in self.task_managers] + [m.process for m in self.managers if m.process]
        stop_all([*processes, *([self.zookeeper] if self.zookeeper else [])])


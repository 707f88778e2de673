"""A real Flink cluster on 127.0.0.1: session or application mode, TaskManagers that come and go.

    with Cluster("1.20", folder) as cluster:
        cluster.start_session(task_managers=2)
        cluster.rest.jobs()
"""
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from flink_conf import Ports, common_settings, write_conf
from flink_home import exact_version, flink_home
from ports import free_block
from processes import Process, stop_all
from rest import Rest, until

START_TIMEOUT_S = 180


class ClusterFailed(RuntimeError):
    pass


class TaskManager:
    """One TaskManager process. Its port is ours to choose, so its Flink id can be told: 127.0.0.1:PORT-random."""

    def __init__(self, process: Process, port: int) -> None:
        self.process, self.port = process, port

    def owns(self, flink_id: str) -> bool:
        return flink_id.startswith(f"127.0.0.1:{self.port}-")

    def kill(self) -> None:
        self.process.kill()

    def full_gc(self) -> bool:
        """A full collection now: the only moment at which Java lets go of unused classes for certain."""
        done = subprocess.run(["jcmd", str(self.process.pid), "GC.run"], capture_output=True, timeout=60)
        return done.returncode == 0


class Cluster:
    def __init__(self, version: str, folder: Path, name: str = "flink", settings: dict[str, str] | None = None) -> None:
        self.version, self.name = exact_version(version), name
        self.home = flink_home(version)
        self.folder = folder / name
        self.ports = Ports(free_block(Ports.SIZE))
        self.url = f"http://127.0.0.1:{self.ports.rest}"
        self.rest = Rest(self.url)
        self.reporters = f"127.0.0.1:{self.ports.reporter_first}-{self.ports.reporter_last}"
        self.settings = {**common_settings(self.version, self.ports, self.folder), **(settings or {})}
        self.job_manager: Process | None = None
        self.task_managers: list[TaskManager] = []
        for part in ("tmp", "upload", "state"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- starting: `launch_*` return at once, so that clusters can come up side by side; `wait_up` waits

    def start_session(self, task_managers: int = 1, task_manager_settings: dict[str, str] | None = None) -> None:
        self.launch_session(task_managers, task_manager_settings)
        self.wait_up()

    def launch_session(self, task_managers: int = 1, task_manager_settings: dict[str, str] | None = None) -> None:
        self.job_manager = self.start_process("jobmanager", ["jobmanager.sh", "start-foreground"], {})
        for _ in range(task_managers):
            self.launch_task_manager(task_manager_settings)

    def launch_application(self, jar: Path, entry_class: str, args: list[str], task_managers: int = 1,
                           settings: dict[str, str] | None = None) -> None:
        """The job is started by the JobManager itself, and the JobManager ends with it."""
        command = ["standalone-job.sh", "start-foreground", "--job-classname", entry_class, *args]
        self.job_manager = self.start_process("jobmanager", command, settings or {},
                                              {"FLINK_LIB_DIR": self.lib_beside_usrlib(jar)})
        for _ in range(task_managers):
            self.launch_task_manager()

    def lib_beside_usrlib(self, jar: Path) -> str:
        """Flink looks for the job's jar in usrlib next to its lib; the real lib is shared, so this one is a link."""
        (self.folder / "home" / "usrlib").mkdir(parents=True)
        shutil.copy(jar, self.folder / "home" / "usrlib")
        (self.folder / "home" / "lib").symlink_to(self.home / "lib")
        return str(self.folder / "home" / "lib") + "/"  # with the slash, find(1) follows the link

    def launch_task_manager(self, settings: dict[str, str] | None = None) -> TaskManager:
        rpc, data = self.ports.task_manager()
        own = {"taskmanager.rpc.port": str(rpc), "taskmanager.data.port": str(data), **(settings or {})}
        name = f"taskmanager-{len(self.task_managers) + 1}"
        process = self.start_process(name, ["taskmanager.sh", "start-foreground"], own)
        self.task_managers.append(TaskManager(process, rpc))
        return self.task_managers[-1]

    def start_process(self, name: str, command: list[str], settings: dict[str, str],
                      env: dict[str, str] | None = None) -> Process:
        conf = self.folder / "conf" / name
        write_conf(self.home, self.version, conf, {**self.settings, **settings})
        environment = {"FLINK_CONF_DIR": str(conf), "FLINK_LOG_DIR": str(self.folder / "log"),
                       "FLINK_PID_DIR": str(self.folder / "pid"),
                       "JAVA_HOME": java_home(), **(env or {})}
        script = [str(self.home / "bin" / command[0]), *command[1:]]
        return Process(f"{self.name} {name}", script, self.folder / "log" / f"{name}.out", environment)

    def wait_up(self, task_managers: int | None = None) -> None:
        """REST answers and the TaskManagers have registered."""
        expected = len(self.task_managers) if task_managers is None else task_managers

        def up() -> bool:
            self.check_alive()
            known = (self.rest.try_get("/taskmanagers") or {}).get("taskmanagers", [])
            return self.rest.try_get("/overview") is not None and sum(tm["slotsNumber"] > 0 for tm in known) >= expected

        until(f"cluster {self.name} with {expected} TaskManagers up", up, START_TIMEOUT_S)

    def check_alive(self) -> None:
        for process in [self.job_manager, *(tm.process for tm in self.task_managers)]:
            if process and not process.alive():
                raise ClusterFailed(f"{process.name} ended with code {process.child.returncode}; its last lines:\n"
                                    + process.tail())

    # ---- looking

    def task_manager_of(self, job_id: str) -> TaskManager | None:
        """The TaskManager that runs the first task of a job."""
        vertex = self.rest.get(f"/jobs/{job_id}")["vertices"][0]["id"]
        subtasks = self.rest.get(f"/jobs/{job_id}/vertices/{vertex}")["subtasks"]
        flink_id = subtasks[0].get("taskmanager-id", "")
        return next((tm for tm in self.task_managers if tm.owns(flink_id)), None)

    # ---- ending

    def stop(self) -> None:
        processes = [tm.process for tm in self.task_managers]
        if self.job_manager:
            processes.append(self.job_manager)
        stop_all(processes)


def java_home() -> str:
    """JAVA_HOME, or the folder above the java on the path."""
    explicit = os.environ.get("JAVA_HOME")
    if explicit:
        return explicit
    java = shutil.which("java")
    if not java:
        raise ClusterFailed("no java on the path and JAVA_HOME is not set")
    return str(Path(java).resolve().parent.parent)

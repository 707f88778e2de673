"""`flink-doctor probe` beside a real Flink, held against what the machine itself says; and what the judge makes of the probe,
over HTTP and inside itself.

    run.py --doctor PATH --promtool PATH [--version 1.20] [--keep FOLDER]

One JobManager, two TaskManagers, a job with its state in RocksDB. Last line: "N passed, N failed".
"""
from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "flink"), str(HERE.parent / "fakes")]
import kernel  # noqa: E402
from cases import expect, main_with_flink  # noqa: E402
from cluster import Cluster, TaskManager  # noqa: E402
from doctor import Doctor  # noqa: E402
from jobs import jobs_jar  # noqa: E402
from ports import free_block  # noqa: E402
from processes import Process  # noqa: E402
from reporter import Page, scrape  # noqa: E402
from rest import until  # noqa: E402

NAME, JOB = "plant", "profiles"
PREFIX = "flink_doctor_probe_"
INTERVAL_S, SCRAPE_S = 1, 5
HELD = 3  # connections at the blob server
# Of what moves while two look at it: this part of it, or so much in bytes or in number.
SHARE, BYTES, COUNT = 0.02, 4 << 20, 4
NEEDS_PROBE = {"native_leak": "blind", "resource_leak": "suspects"}  # what they are without one


class World:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        rocksdb = folder / "rocksdb"
        rocksdb.mkdir()
        self.cluster = Cluster(options.version, folder, NAME, {
            "taskmanager.numberOfTaskSlots": "1", "taskmanager.memory.process.size": "1000m",
            "taskmanager.memory.managed.size": "64m", "state.backend.rocksdb.localdir": str(rocksdb)})
        self.cluster.start_session(task_managers=2)
        jar = self.cluster.rest.upload(jobs_jar(options.version))
        self.job = self.cluster.rest.run(jar, "flinkdoctor.KeyedState", [
            "--name", JOB, "--restarts", "-1", "--interval-ms", "2000", "--backend", "rocksdb", "--rate", "100"])
        self.cluster.rest.wait_running(self.job)
        for process in self.processes():
            self.name_output(process)
        self.directories = {"tmp": self.cluster.folder / "tmp", "rocksdb": rocksdb, "log": self.cluster.folder / "log",
                            "checkpoint": self.cluster.folder / "state" / "checkpoints"}
        self.port = free_block(1)
        self.probe = Process("probe", [str(options.doctor), "probe", "--listen", f"127.0.0.1:{self.port}",
                                       "--interval", f"{INTERVAL_S}s"], folder / "probe.log")
        until("a round of the probe", lambda: (page := scrape(self.port)) and page.value("_rounds_total"), 20)
        self.doctors: dict[str, Doctor] = {}

    def name_output(self, process: Process) -> None:
        """Flink's own scripts would put it beside the log, under this name."""
        os.link(process.log, kernel.log_file(process.pid).with_suffix(".out"))

    def processes(self) -> list[Process]:
        return [self.cluster.job_manager, *(tm.process for tm in self.cluster.task_managers)]

    def idle(self) -> TaskManager:
        """The TaskManager on which the job does not run."""
        busy = self.cluster.task_manager_of(self.job)
        return next(tm for tm in self.cluster.task_managers if tm is not busy and tm.process.alive())

    def id_of(self, task_manager: TaskManager) -> str:
        known = self.cluster.rest.get("/taskmanagers")["taskmanagers"]
        return next(tm["id"] for tm in known if task_manager.owns(tm["id"]))

    def page(self) -> Page:
        """Of a round that began after this was asked for."""
        rounds = scrape(self.port).value(PREFIX + "rounds_total")
        return until("a newer round", lambda: (page := scrape(self.port)).value(PREFIX + "rounds_total") > rounds + 1 and page,
                     15, 0.2)

    def compare(self, process: Process, ask: Callable[[], dict[str, float]], **labels: str) -> int:
        """What the probe says lies between what the machine says before and after; returns how many numbers did."""
        before, page, after = ask(), self.page(), ask()
        for name in before.keys() & after.keys():
            told = page.value(PREFIX + name, pid=str(process.pid), **labels)
            low, high = sorted((before[name], after[name]))
            room = 0.0 if name.endswith("_max_bytes") else max(SHARE * high, BYTES if name.endswith("_bytes") else COUNT)
            expect(told is not None, f"{process.name}: no {name}")
            expect(low - room <= told <= high + room, f"{process.name}: {name} is {told:.0f}, the machine says {low:.0f} to {high:.0f}")
        return len(before.keys() & after.keys())

    def check(self, *more: str) -> dict:
        """The cluster in the document of one look."""
        done = subprocess.run([str(self.options.doctor), "check", self.cluster.url, "--reporter", self.cluster.reporters,
                               "--format", "json", *more], capture_output=True, text=True, timeout=120)
        expect(done.returncode in (0, 1), f"check {' '.join(more)} ended with {done.returncode}: {done.stderr[-300:]}")
        return json.loads(done.stdout)["clusters"][0]


# ---- the probe, and what the machine says

def it_sees_the_flink_processes_of_the_machine(world: World) -> None:
    page = world.page()
    told = {int(labels["pid"]): labels for labels, _ in page.samples(PREFIX + "process_info")}
    expect(set(told) == kernel.flink_pids(), f"told: {sorted(told)}, there are {sorted(kernel.flink_pids())}")
    roles = [told[process.pid]["process"] for process in world.processes()]
    expect(roles == ["jobmanager", "taskmanager", "taskmanager"], f"they are said to be {roles}")
    for task_manager in world.cluster.task_managers:
        expect(told[task_manager.process.pid]["tm_id"] == world.id_of(task_manager),
               f"{told[task_manager.process.pid]['tm_id']} is {world.id_of(task_manager)} to Flink")


def memory_threads_and_descriptors(world: World) -> None:
    for process in world.processes():
        expect(world.compare(process, lambda: kernel.numbers(process.pid)) == 10, "not all was compared")
        sizes = kernel.allowed(process.pid)
        expect(len(sizes) >= 2, f"the flags of {process.name} name {sizes}")
        world.compare(process, lambda: sizes)


def the_control_group_or_that_there_is_none(world: World) -> None:
    for process in world.processes():
        path, numbers = kernel.cgroup_memory(process.pid)
        if numbers:
            compared = world.compare(process, lambda: kernel.cgroup_memory(process.pid)[1])
            limited = "cgroup_memory_limit_bytes" in numbers
            if not limited:
                told = world.page().value(PREFIX + "cgroup_memory_limit_bytes", pid=str(process.pid))
                expect(told is None, f"a limit of {told} is told, and there is none")
            print(f"         {process.name}: {compared} numbers of {path}, {'with a' if limited else 'without'} limit")
        else:
            unread = [labels for labels, _ in world.page().samples(PREFIX + "unreadable") if labels["what"] == "cgroup"]
            expect(unread, "there is no cgroup of memory, and it does not say so")
            print(f"         no cgroup of memory on this machine; the probe says {unread[0]['reason']}")


def disks_of_its_directories(world: World) -> None:
    page = world.page()
    for process in world.processes():
        for role, path in world.directories.items():
            if role == "rocksdb" and process is world.cluster.job_manager:
                continue
            labels = {"pid": str(process.pid), "role": role, "path": str(path)}
            expect(page.value(PREFIX + "directory_present", **labels) == 1, f"{process.name}: {role} {path} is not told")
            expect(world.compare(process, lambda: kernel.disk(path), role=role, path=str(path)) == 4, "not all was compared")
            expect(page.value(PREFIX + "directory_network", **labels, fstype=kernel.file_system(path)) == 0,
                   f"{role}: not told as {kernel.file_system(path)}, and local")


def logs_as_they_grow(world: World) -> None:
    for process in world.processes():
        log = kernel.log_file(process.pid)
        files = {"log": log, "out": log.with_suffix(".out")}
        before = {name: path.stat().st_size for name, path in files.items()}
        if process is world.cluster.job_manager:
            until("the log grows", lambda: all(path.stat().st_size > before[name] for name, path in files.items()), 20)
        low = {name: path.stat().st_size for name, path in files.items()}
        page = world.page()
        for name, path in files.items():
            told = page.value(PREFIX + "log_bytes", pid=str(process.pid), file=name)
            expect(told is not None and low[name] <= told <= path.stat().st_size,
                   f"{process.name}: {path.name} has {low[name]} to {path.stat().st_size} bytes, told: {told}")
    folder = world.directories["log"]
    low_sum = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    told = world.page().value(PREFIX + "directory_file_bytes", path=str(folder), pid=str(world.cluster.job_manager.pid))
    high_sum = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    expect(told is not None and low_sum <= told <= high_sum, f"the log directory has {low_sum} to {high_sum} bytes, told: {told}")


def connections_at_the_blob_port(world: World) -> None:
    port, pid = world.cluster.ports.blob, str(world.cluster.job_manager.pid)

    def told_as_is() -> dict[str, int]:
        """Once both say the same: connections may come and go between the two looks."""
        def same() -> dict[str, int] | None:
            page, there = world.page(), kernel.connections(port)
            told = {labels["state"]: int(value) for labels, value in page.samples(PREFIX + "blob_connections")
                    if labels["pid"] == pid}
            return told if {k: v for k, v in told.items() if v and k in ("established", "close_wait")} == there else None

        return until("probe and ss agree on the blob port", same, 20)

    expect(world.page().value(PREFIX + "blob_port", pid=pid) == port, "the blob server is told at another port")
    before = told_as_is()["established"]
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(HELD)]
    expect((now := told_as_is()["established"]) == before + HELD, f"{before} connections, {HELD} more, told: {now}")
    for connection in held:
        connection.close()
    until("they are gone", lambda: told_as_is()["established"] == before, 20)


def temporary_directories_and_one_that_is_deleted(world: World) -> None:
    folder, victim = world.directories["tmp"], world.idle()
    pid = str(victim.process.pid)

    def told(page: Page) -> dict[str, int]:
        return {labels["kind"]: int(value) for labels, value in page.samples(PREFIX + "temporary_entries")
                if labels["pid"] == pid and labels["path"] == str(folder)}

    there = kernel.temporary_entries(folder)
    before = told(world.page())
    expect(there["working_directory"] >= 2 and there.items() <= before.items(), f"{there} are there, told: {before}")
    expect(world.page().value(PREFIX + "working_directory_present", pid=pid) == 1, "its working directory is not told")
    shutil.rmtree(folder / f"tm_{world.id_of(victim)}")
    page = world.page()
    expect(page.value(PREFIX + "working_directory_present", pid=pid) == 0, "it was deleted, and is told to be there")
    expect(told(page)["working_directory"] == before["working_directory"] - 1, f"one was deleted, told: {told(page)}")
    other = str(next(tm for tm in world.cluster.task_managers if tm is not victim).process.pid)
    expect(page.value(PREFIX + "working_directory_present", pid=other) == 1, "the other one's was not deleted")


def promtool_finds_nothing(world: World) -> None:
    done = subprocess.run([str(world.options.promtool), "check", "metrics"], input=world.page().text, capture_output=True,
                          text=True, timeout=30)
    expect(done.returncode == 0 and not (done.stdout + done.stderr).strip(), done.stdout + done.stderr)


# ---- the judge

def eyes_that_only_a_probe_opens(world: World) -> None:
    def sights(cluster: dict) -> dict[str, str]:
        return {d["detector"]: "blind" if d["state"] == "blind" else d.get("sight", "judges") for d in cluster["detectors"]
                if d["detector"] in NEEDS_PROBE}

    without = world.check()
    expect(sights(without) == NEEDS_PROBE, f"without a probe: {sights(without)}")
    for detector in without["detectors"]:
        if detector["detector"] in NEEDS_PROBE:
            expect(any("--probe" in line for line in detector.get("enable", [])), f"{detector} does not name --probe")
    for where in (f"127.0.0.1:{world.port}", "local"):
        cluster = world.check("--probe", where)
        expect(sights(cluster) == dict.fromkeys(NEEDS_PROBE, "judges"), f"--probe {where}: {sights(cluster)}")
        probes = [source for source in cluster["sources"] if source["kind"] == "probe"]
        expect(len(probes) == 1 and probes[0]["up"], f"--probe {where}: {probes}")


def the_judge_knows_what_the_machine_says(world: World) -> None:
    """Over HTTP and inside itself. Which of two JobManagers on a machine is the cluster's nobody can tell, so none is taken."""
    alone = kernel.flink_pids() == {process.pid for process in world.processes()}
    expected = 3 if alone else 2
    for name, where in (("http", f"127.0.0.1:{world.port}"), ("inside", "local")):
        config = world.folder / f"{name}.yaml"
        config.write_text(f'scrape_interval: {SCRAPE_S}s\nclusters:\n  - name: {NAME}\n    flink: ["{world.cluster.url}"]\n'
                          f'    reporters: ["{world.cluster.reporters}"]\n    probes: ["{where}"]\n')
        world.doctors[name] = Doctor(world.options.doctor, world.folder / name, [], config=config)
    for name, doctor in world.doctors.items():
        doctor.wait_up()
        until(f"{name}: {expected} processes", lambda: len(known(doctor)) == expected, 30)
    judged = dict(zip([*(mark(tm) for tm in world.cluster.task_managers), "jobmanager"],
                      [*(tm.process for tm in world.cluster.task_managers), world.cluster.job_manager]))
    seen: dict[str, list[dict[str, float]]] = {who: [] for who in judged}
    for _ in range(3 * SCRAPE_S):  # what is told may be of two rounds ago
        for who, process in judged.items():
            seen[who].append(kernel.numbers(process.pid))
        time.sleep(1)
    for name, doctor in world.doctors.items():
        for metric, of in (("threads", "process_threads"), ("resident", "process_resident_memory_bytes")):
            told = {process: value for labels, value in samples(doctor, f"host_{metric}") for process in [process_of(labels)]}
            for who in judged if alone else list(judged)[:-1]:
                value = next((value for process, value in told.items() if who in process), None)
                there = [numbers[of] for numbers in seen[who]]
                room = COUNT if metric == "threads" else SHARE * max(there)
                expect(value is not None and min(there) - room <= value <= max(there) + room,
                       f"{name}: {who} has {of} from {min(there):.0f} to {max(there):.0f}, told: {told}")


def samples(doctor: Doctor, metric: str) -> list[tuple[dict[str, str], float]]:
    page = Page(doctor.get("/metrics") or "")
    names = {line.split("{")[0] for line in page.text.splitlines() if line.startswith(f"flink_doctor_flink_{metric}")}
    exact = [name for name in names if name.removeprefix(f"flink_doctor_flink_{metric}") in ("", "_bytes")]
    return [sample for name in exact for sample in page.samples(name)]


def known(doctor: Doctor) -> set[str]:
    """The processes of which it has what only a probe tells."""
    return {process_of(labels) for labels, _ in samples(doctor, "host_threads")}


def process_of(labels: dict[str, str]) -> str:
    return labels.get("task_manager") or labels.get("process", "")


# ---- a TaskManager that is killed, and its successor

def a_new_process_and_not_the_old(world: World) -> None:
    old = world.idle()
    old_id, old_pid = world.id_of(old), str(old.process.pid)
    old.kill()
    killed = time.monotonic()
    new = world.cluster.launch_task_manager()
    until("it registers", lambda: any(new.owns(tm["id"]) for tm in world.cluster.rest.get("/taskmanagers")["taskmanagers"]), 60)
    new_id = world.id_of(new)
    labels = until("the probe names it", lambda: next((given for given, _ in world.page().samples(PREFIX + "process_info")
                                                       if given["tm_id"] == new_id), None), 30)
    expect(labels["pid"] == str(new.process.pid), f"{new_id} is told as {labels}")
    text = world.page().text
    expect(f'pid="{old_pid}"' not in text and old_id not in text, "the old one is still told")
    print(f"         the probe: {time.monotonic() - killed:.0f} s after the kill")
    for name, doctor in world.doctors.items():
        until(f"{name}: the judge knows it", lambda: any(mark(new) in process for process in known(doctor)), 60)
        until(f"{name}: the judge shows the old one no more",
              lambda: not any(mark(old) in process for process in known(doctor)), 120, 2)
        print(f"         the judge, {name}: {time.monotonic() - killed:.0f} s after it")


def mark(task_manager: TaskManager) -> str:
    """Part of its name, however its punctuation is filtered."""
    return str(task_manager.port)


def the_daemons_end_well(world: World) -> None:
    for name, doctor in world.doctors.items():
        loud = [f.summary for _, report in doctor.reports() for f in report.firing("warning")]
        expect(not loud, f"{name}: {loud}")
        expect(not doctor.stop(), f"{name} did not end as it should")
    expect(world.probe.stop() == 0, "the probe did not end well")


CASES = [it_sees_the_flink_processes_of_the_machine, memory_threads_and_descriptors, the_control_group_or_that_there_is_none,
         disks_of_its_directories, logs_as_they_grow, connections_at_the_blob_port, promtool_finds_nothing,
         eyes_that_only_a_probe_opens, the_judge_knows_what_the_machine_says, temporary_directories_and_one_that_is_deleted,
         a_new_process_and_not_the_old, the_daemons_end_well]


if __name__ == "__main__":
    sys.exit(main_with_flink(World, CASES, ("doctor", "promtool")))

"""A real Flink with ZooKeeper and two JobManagers, and what flink-doctor says while the leader is killed, twice, and then both.

    run.py --doctor PATH --alertmanager PATH --amtool PATH [--version 1.20] [--keep FOLDER]

A failover is nobody's alarm; an outage is, and its end is told, too. Last line: "N passed, N failed".
"""
from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "flink"), str(HERE.parent / "fakes")]
from alerting import Alertmanager  # noqa: E402
from cases import Failed, expect, main_with_flink  # noqa: E402
from doctor import Doctor  # noqa: E402
from findings import Report  # noqa: E402
from ha_cluster import HaCluster, JobManager  # noqa: E402
from jobs import jobs_jar  # noqa: E402
from rest import until  # noqa: E402

NAME, JOB = "shop", "orders"
# What is promised: from the moment at which the new leader's tasks all run. A poll each 5 s, after an outage of seconds.
JUDGES_AGAIN_S = 15
TAKES_OVER_S = 60
# Flink's defaults allow three minutes; here less, and more than a failover takes, so that silence means as much.
GONE_GRACE_S = 45
# Whoever does not answer is asked each 45 s at last, and a finding has to be gone for a while.
TOLD_S, RESOLVED_S = GONE_GRACE_S + 30, 90
SCRAPE_S = 5


class World:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.cluster = HaCluster(options.version, folder)
        self.cluster.launch(task_managers=2)
        self.alertmanager = Alertmanager(options.alertmanager, options.amtool, folder / "alertmanager")
        self.alertmanager.wait_up()
        self.cluster.wait_up()
        jar = self.cluster.rest.upload(jobs_jar(options.version))
        self.job = self.cluster.rest.run(jar, "flinkdoctor.KeyedState", [
            "--name", JOB, "--restarts", "-1", "--interval-ms", "2000", "--backend", "rocksdb", "--rate", "50"])
        self.cluster.rest.wait_running(self.job)
        # The leader first: its end is then what the daemon meets itself.
        self.order = [until("a leader", self.cluster.leader, 10), self.cluster.standby()]
        self.config = folder / "doctor.yaml"
        self.config.write_text(f"""
scrape_interval: {SCRAPE_S}s
clusters:
  - name: {NAME}
    flink: [{", ".join(f'"{manager.url}"' for manager in self.order)}]
    reporters: ["{self.cluster.reporters}"]
detectors: {{job_down: {{gone_grace_ms: {GONE_GRACE_S * 1000}}}}}
""")
        self.seen: list[tuple[float, Report]] = []
        self.heard: list[tuple[float, float, float]] = []  # from when to when the leader had more classes than so many
        self.doctor = Doctor(options.doctor, folder / "doctor", [], self.alertmanager.url, records=True, config=self.config)
        self.doctor.wait_up()

    # ---- what the daemon says

    def look(self) -> list[tuple[float, Report]]:
        """All it ever said, second by second."""
        self.seen += self.doctor.reports()
        return self.seen

    def wait_said(self, what: str, condition: Callable[[Report], object], within_s: float) -> float:
        """Seconds until it first says so."""
        began = time.monotonic()
        while True:
            for at, report in self.look():
                if at >= began and condition(report):
                    return at - began
            expect(time.monotonic() < began + within_s, f"{what}: not within {within_s:.0f} s; last: {said(self.seen[-1:])}")
            time.sleep(0.3)

    def quiet_since(self, began: float) -> None:
        """No alarm, and one cluster by one name."""
        for at, report in self.look():
            if at < began:
                continue
            loud = report.firing("warning")
            expect(not loud, f"{at - began:.0f} s after: {'; '.join(f.detector + ': ' + f.summary for f in loud)}")
            names = [cluster["name"] for cluster in report.clusters]
            expect(names == [NAME], f"{at - began:.0f} s after there are the clusters {names}")
        expect(not self.alertmanager.active(NAME), "Alertmanager has an alert")

    def series(self, name: str) -> list[str]:
        return [line for line in (self.doctor.get("/metrics") or "").splitlines() if line.startswith(name)]

    # ---- what is the case

    def runs_on(self, manager: JobManager) -> bool:
        """The same job, all tasks of it, says this JobManager."""
        jobs = (manager.rest.try_get("/jobs/overview") or {}).get("jobs", [])
        return any(j["jid"] == self.job and j["tasks"]["total"] > 0 and j["tasks"]["running"] == j["tasks"]["total"] for j in jobs)

    def loaded_classes(self, manager: JobManager) -> float:
        """What this JobManager's own reporter says; the reporter is known by the port in the JobManager's log."""
        log = manager.process.log.read_text(errors="replace")
        for port in self.cluster.ports.reporters():
            if f"Started PrometheusReporter HTTP server on port {port}" in log:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    page = answer.read().decode()
                return next(float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
                            if line.startswith("flink_jobmanager_Status_JVM_ClassLoader_ClassesLoaded"))
        raise Failed(f"{manager.name} does not say on which port its reporter is")

    def check(self) -> subprocess.CompletedProcess:
        return subprocess.run([str(self.options.doctor), "check", "--config", str(self.config), "--format", "json"],
                              capture_output=True, text=True, timeout=120)


def said(reports: list[tuple[float, Report]]) -> str:
    return "; ".join(f"{[c.get('status') for c in r.clusters]}, rest {[rest_of(r)]}, "
                     f"firing {[f.detector + ': ' + f.summary for f in r.firing()]}" for _, r in reports)


def rest_of(report: Report) -> dict:
    sources = report.clusters[0].get("sources", []) if report.clusters else []
    return next((source for source in sources if source["kind"] == "rest"), {})


def judges(report: Report, manager: JobManager) -> bool:
    """Through this JobManager: it answers, and the detector of lives says that all is well."""
    rest = rest_of(report)
    states = {d["detector"]: d["state"] for d in report.clusters[0]["detectors"]} if report.clusters else {}
    return bool(rest.get("up")) and rest.get("address") == manager.address and states.get("job_down") == "ok"


# ---- in this order

def two_addresses_are_one_cluster(world: World) -> None:
    began = time.monotonic()
    world.wait_said("judges through the first address", lambda r: judges(r, world.order[0]), 30)
    done = world.check()
    expect(done.returncode == 0, f"check ended with {done.returncode}: {done.stdout[-600:]}{done.stderr[-300:]}")
    world.quiet_since(began)


def a_standby_answers_for_the_leader(world: World) -> None:
    """Its address alone is enough."""
    done = subprocess.run([str(world.options.doctor), "check", world.order[1].url], capture_output=True, text=True, timeout=120)
    expect(done.returncode == 0, f"check of the standby ended with {done.returncode}: {done.stdout[-600:]}")


def a_standby_is_named_so(world: World) -> None:
    """Both have a reporter, and a process of the same name: only the leader's is heard, see the last case."""
    leader, standby = (world.loaded_classes(manager) for manager in (world.cluster.leader(), world.cluster.standby()))
    expect(leader > standby + 100, f"{leader} and {standby} classes: nothing would tell them apart")
    time.sleep(SCRAPE_S)
    began = time.time()
    time.sleep(3 * SCRAPE_S)
    world.heard.append((began, time.time(), (leader + standby) / 2))
    roles = sorted(line.split('role="')[1].split('"')[0] for line in world.series("flink_doctor_source_up")
                   if 'role="' in line and line.endswith(" 1") and 'kind="reporter"' in line)
    expect(roles == ["jobmanager", "standby", "taskmanager", "taskmanager"], f"the reporters that answer are {roles}")


def failover(world: World) -> None:
    leader, standby = world.cluster.leader(), world.cluster.standby()
    expect(leader and standby, "there are not a leader and a standby")
    before = time.monotonic()
    world.cluster.kill_job_manager(leader)
    until("the standby runs the same job", lambda: world.runs_on(standby), TAKES_OVER_S, 0.2)
    took = time.monotonic() - before
    again = world.wait_said("judges through the other address", lambda r: judges(r, standby), JUDGES_AGAIN_S)
    print(f"         {standby.name} took over after {took:.1f} s, and was judged {again:.1f} s later")
    told = {c["status"]: rest_of(r).get("message", "") for at, r in world.look() if at >= before for c in r.clusters}
    print("         meanwhile: " + "; ".join(f"{status} ({message})" if message else status for status, message in told.items()))
    world.cluster.launch_job_manager(leader)
    world.quiet_since(before)


def the_leader_is_killed(world: World) -> None:
    failover(world)
    url = world.seen[-1][1].clusters[0]["url"]
    expect(url == world.order[1].url, f"the cluster is said to be at {url}, and answers at {world.order[1].url}")
    done = world.check()
    expect(done.returncode == 0, f"check ended with {done.returncode}: {done.stdout[-600:]}{done.stderr[-300:]}")


def the_next_leader_is_killed(world: World) -> None:
    until("the one that was killed is back", lambda: world.order[0].rest.try_get("/overview"), 60)
    failover(world)


def it_is_the_same_job(world: World) -> None:
    lines = world.series("flink_doctor_flink_")
    names = {part.split('"')[1] for line in lines for part in line.split(",") if part.lstrip("{").startswith('job="')}
    expect(names == {JOB}, f"the jobs on /metrics: {names}")
    restarts = [d for d in world.seen[-1][1].clusters[0]["detectors"] if d["detector"] == "restart_loop"]
    expect(restarts and restarts[0]["state"] == "ok", f"restart_loop: {restarts}")


def the_new_standby_is_named_so(world: World) -> None:
    until("a standby", lambda: world.order[1].rest.try_get("/overview"), 60)
    a_standby_is_named_so(world)


def both_gone_is_an_outage(world: World) -> None:
    for manager in world.cluster.alive():
        world.cluster.kill_job_manager(manager)
    told = world.wait_said("the outage", lambda r: any(f.detector == "job_down" and f.severity == "critical" and
                                                       f.entity.get("job_name") == JOB for f in r.firing()), TOLD_S)
    print(f"         told after {told:.1f} s, of which {GONE_GRACE_S} s are grace")
    until("an alert", lambda: world.alertmanager.active(JOB), 15)
    done = world.check()
    expect(done.returncode == 3, f"check ended with {done.returncode}: {done.stdout[-600:]}")


def back_is_resolved(world: World) -> None:
    for manager in world.cluster.managers:
        world.cluster.launch_job_manager(manager)
    until("the same job runs again", lambda: any(world.runs_on(m) for m in world.cluster.alive()), 90)
    took = world.wait_said("its end", lambda r: r.clusters and not r.firing("warning"), RESOLVED_S)
    until("no alert", lambda: not world.alertmanager.active(JOB), 15)
    print(f"         resolved {took:.1f} s after the job ran again")
    expect(not world.doctor.stop(), "the daemon did not end as it should")


def the_history_holds_the_leader_alone(world: World) -> None:
    done = subprocess.run([str(world.options.doctor), "history", "--data-dir", str(world.folder / "doctor" / "data"),
                           "--metric", "jvm_classes_loaded", "--entity", "process=jobmanager", "--format", "json"],
                          capture_output=True, text=True, timeout=60)
    expect(done.returncode == 0, f"history ended with {done.returncode}: {done.stderr}")
    points = [(datetime.datetime.fromisoformat(point["at"].replace("Z", "+00:00")).timestamp(), point["value"])
              for series in json.loads(done.stdout)["series"] for point in series["points"]]
    expect(len(world.heard) == 2, "not both leaders were looked at")
    for began, ended, middle in world.heard:
        values = [value for at, value in points if began <= at <= ended]
        expect(len(values) >= 2 and min(values) > middle, f"the leader has more than {middle} classes; told: {values}")


CASES = [two_addresses_are_one_cluster, a_standby_answers_for_the_leader, a_standby_is_named_so, the_leader_is_killed,
         the_next_leader_is_killed, it_is_the_same_job, the_new_standby_is_named_so, both_gone_is_an_outage, back_is_resolved,
         the_history_holds_the_leader_alone]


if __name__ == "__main__":
    sys.exit(main_with_flink(World, CASES, ("doctor", "alertmanager", "amtool")))

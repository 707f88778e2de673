"""Three shards over thirty Flink clusters that are not there, and the real Alertmanager: every alert is there once, while an
agent is killed and started again elsewhere, and while a second one watches the same shard.

    run.py --doctor PATH --alertmanager PATH [--keep FOLDER]

What counts is what Alertmanager holds, looked at all the time, and what it notifies. Last line: "N passed, N failed".
"""
from __future__ import annotations

import argparse
import collections
import http.server
import json
import sys
import threading
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "flink"), str(HERE.parent / "fakes")]
import flink as fakes  # noqa: E402
from alerting import wait_ready  # noqa: E402
from cases import expect, play_in  # noqa: E402
from ports import free_block  # noqa: E402
from processes import Process  # noqa: E402

CLUSTERS, SHARDS = 30, 3
KILLED = 1
PATIENCE_S = 60


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


class Pager:
    """Who is notified: counts, by alert, how often it was told to fire and to have resolved."""

    def __init__(self) -> None:
        self.told: collections.Counter[tuple[str, str]] = collections.Counter()
        pager = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in body["alerts"]:
                    pager.told[alert["labels"]["cluster"] + "/" + alert["labels"]["job"], alert["status"]] += 1
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


class Alertmanager:
    def __init__(self, binary: Path, folder: Path, pager: Pager) -> None:
        folder.mkdir(parents=True)
        config = folder / "alertmanager.yml"
        config.write_text("route: {receiver: pager, group_by: ['...'], group_wait: 500ms, group_interval: 1s, repeat_interval: 4h}\n"
                          f"receivers: [{{name: pager, webhook_configs: [{{url: '{pager.url}', send_resolved: true}}]}}]\n")
        self.url = f"http://127.0.0.1:{free_block(1)}"
        self.process = Process("alertmanager", [
            str(binary), f"--config.file={config}", f"--storage.path={folder / 'data'}", "--cluster.listen-address=",
            f"--web.listen-address={self.url.removeprefix('http://')}"], folder / "alertmanager.log")
        wait_ready(self.process, self.url + "/-/ready")

    def alerts(self) -> list[dict]:
        return json.loads(get(self.url + "/api/v2/alerts?active=true"))


class Agent:
    def __init__(self, world: World, name: str, shard: str) -> None:
        self.url = f"http://127.0.0.1:{free_block(1)}"
        folder = world.folder / name
        self.process = Process(name, [
            str(world.doctor), "run", "--config", str(world.config), "--shard", shard, "--data-dir", str(folder),
            "--listen", self.url.removeprefix("http://")], world.folder / f"{name}.log")


class World:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.doctor, self.folder = options.doctor, folder
        self.pager = Pager()
        self.alertmanager = Alertmanager(options.alertmanager, folder / "alertmanager", self.pager)
        self.flinks = {f"cluster-{n}": fakes.JobManager({"orders": "FAILED", "bills": "RUNNING"}, []) for n in range(CLUSTERS)}
        self.config = folder / "config.yaml"
        self.config.write_text(
            f'alertmanagers: ["{self.alertmanager.url}"]\npoll_interval: 2s\nclusters:\n' +
            "".join(f'  - {{name: {name}, flink: ["http://127.0.0.1:{flink.port}"], labels: {{team: t{len(name)}}}}}\n'
                    for name, flink in self.flinks.items()))
        self.agents = [Agent(self, f"shard-{k}", f"{k}/{SHARDS}") for k in range(SHARDS)]
        self.lost: list[str] = []
        self.doubled: list[str] = []
        self.complete = False
        threading.Thread(target=self._watch, daemon=True).start()

    def held(self) -> collections.Counter[str]:
        return collections.Counter(a["labels"]["cluster"] + "/" + a["labels"]["job"] for a in self.alertmanager.alerts())

    def _watch(self) -> None:
        """From the moment on when all are there none may be missing, and none be there twice, ever."""
        while True:
            try:
                held = self.held()
            except OSError:
                return
            self.complete = self.complete or len(held) >= CLUSTERS
            if self.complete:
                self.lost += [name for name in self.flinks if held[name + "/orders"] == 0]
            self.doubled += [name for name, count in held.items() if count > 1]
            time.sleep(0.2)

    def wait(self, condition: object, complaint: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():  # type: ignore[operator]
            expect(time.monotonic() < deadline, f"{complaint}; held: {sorted(self.held())}")
            for agent in self.agents:
                expect(agent.process.alive(), f"{agent.process.name} ended:\n{agent.process.tail()}")
            time.sleep(0.2)

    def mine(self, agent: Agent) -> list[str]:
        document = json.loads(get(agent.url + "/api/v1/findings"))
        return sorted(cluster["name"] for cluster in document["clusters"])


# ---- in this order

def every_cluster_has_one_shard(world: World) -> None:
    world.wait(lambda: all(ready(agent) for agent in world.agents), "an agent is not ready")
    world.wait(lambda: sum(len(world.mine(agent)) for agent in world.agents) == CLUSTERS, "not all clusters are judged")
    watched = [name for agent in world.agents for name in world.mine(agent)]
    expect(sorted(watched) == sorted(world.flinks), f"watched: {sorted(watched)}")
    for agent in world.agents:
        elsewhere = CLUSTERS - len(world.mine(agent))
        page = get(agent.url + "/metrics")
        expect(f"flink_doctor_shard_clusters_elsewhere {elsewhere}" in page, "the others are not told on /metrics")
        expect("flink_doctor_shard_info{shard=" in page, "the shard is not told on /metrics")
        expect(f"{elsewhere} are watched elsewhere" in agent.process.log.read_text(), "the others are not told at start")


def ready(agent: Agent) -> bool:
    try:
        get(agent.url + "/-/ready")
        return True
    except OSError:
        return False


def every_failure_is_one_alert(world: World) -> None:
    world.wait(lambda: world.complete, "not all alerts arrived")
    held = world.held()
    expect(sorted(held) == sorted(f"{name}/orders" for name in world.flinks), f"held: {sorted(held)}")


def a_pair_on_one_shard_is_one_alert(world: World) -> None:
    """Labels are what Alertmanager knows an alert by: a replica that has a past of its own makes the same."""
    world.agents.append(Agent(world, "replica", f"0/{SHARDS}"))
    world.wait(lambda: ready(world.agents[-1]), "the replica is not ready")
    first, second = world.agents[0], world.agents[-1]
    world.wait(lambda: len(world.mine(second)) == len(world.mine(first)), "the replica does not judge the same clusters")
    world.wait(lambda: sent(second) >= len(world.mine(second)), "the replica sends nothing")
    expect(not world.doubled, f"twice: {sorted(set(world.doubled))}")


def sent(agent: Agent) -> int:
    lines = [line for line in get(agent.url + "/metrics").splitlines() if line.startswith("flink_doctor_alertmanager_sent_total")]
    return int(float(lines[0].rsplit(" ", 1)[1])) if lines else 0


def a_killed_agent_loses_nothing(world: World) -> None:
    agent = world.agents[KILLED]
    watched = world.mine(agent)
    expect(watched, "the shard to be killed has no cluster")
    agent.process.kill()
    # Meanwhile one more job fails where nobody looks.
    world.flinks[watched[0]].jobs["bills"] = "FAILED"
    time.sleep(3)
    expect(world.held()[watched[0] + "/bills"] == 0, "somebody else watched the shard")
    world.agents[KILLED] = Agent(world, "elsewhere", f"{KILLED}/{SHARDS}")
    world.wait(lambda: ready(world.agents[KILLED]), "the agent is not ready elsewhere")
    world.wait(lambda: world.mine(world.agents[KILLED]) == watched, "it watches other clusters elsewhere")
    world.wait(lambda: world.held()[watched[0] + "/bills"] == 1, "what failed meanwhile is not told")
    world.wait(lambda: sent(world.agents[KILLED]) >= len(watched) + 1, "it does not tell again what it finds")


def nobody_was_told_twice(world: World) -> None:
    expect(not world.lost, f"lost for a while: {sorted(set(world.lost))}")
    expect(not world.doubled, f"twice at a time: {sorted(set(world.doubled))}")
    world.wait(lambda: len({name for name, _ in world.pager.told}) > CLUSTERS, "not all were notified")
    time.sleep(2)  # a repetition, or an end, would come within Alertmanager's group_interval
    told = world.pager.told
    for (name, status), count in sorted(told.items()):
        expect(status == "firing" and count == 1, f"{name} was notified {count} times as {status}")


CASES = [every_cluster_has_one_shard, every_failure_is_one_alert, a_pair_on_one_shard_is_one_alert,
         a_killed_agent_loses_nothing, nobody_was_told_twice]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--doctor", type=Path, required=True)
    parser.add_argument("--alertmanager", type=Path, required=True)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    return play_in(lambda folder: World(options, folder), CASES, options.keep)


if __name__ == "__main__":
    sys.exit(main())

"""What a store knows of the past: the real Prometheus and the real VictoriaMetrics hold two days of a Flink-shaped process
that leaks and of its healthy twin; `backtest`, `check --history` and `run` must find the one and say nothing of the other.

    run.py --doctor PATH --prometheus PATH --promtool PATH --victoria-metrics PATH [--keep FOLDER] [--record FOLDER]

--record FOLDER writes a few of the stores' answers there, as fixtures. Last line: "N passed, N failed".
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "flink"), str(HERE.parent / "fakes")]
import flink as fakes  # noqa: E402
import past  # noqa: E402
from cases import expect, play  # noqa: E402
from ports import free_block  # noqa: E402
from processes import Process  # noqa: E402
from stores import PARTIAL, Prometheus, TenantFront, VictoriaMetrics  # noqa: E402

PATIENCE_S = 60
TENANT = "streaming"
BLIND = {"job_down", "restart_loop", "checkpoint_absent", "checkpoint_size_outlier", "backpressure", "data_skew",
         "slow_instance", "watermark_stalled", "native_overrun"}


class World:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.doctor, self.folder = options.doctor, folder
        self.until_s = int(time.time()) // 60 * 60
        self.stores = {
            "prometheus": Prometheus(options.prometheus, options.promtool, folder / "prometheus", self.until_s),
            "victoria-metrics": VictoriaMetrics(options.victoria_metrics, folder / "victoria-metrics", self.until_s)}
        for store in self.stores.values():
            store.wait_up()
        self.flinks = {name: self.living(name) for name in past.CLUSTERS}

    def living(self, cluster: str) -> tuple[fakes.JobManager, list[fakes.Page]]:
        """The cluster goes on where its past ends."""
        def minute() -> int:
            return past.DAYS * 24 * 60 + (int(time.time()) - self.until_s) // 60
        pages = [fakes.reporter(lambda p=p: past.page(p, minute())) for p in past.processes(cluster)]
        task_managers = [p.tm_id for p in past.processes(cluster) if p.role == "taskmanager"]
        return fakes.JobManager({}, task_managers), pages

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(self.doctor), *arguments], capture_output=True, text=True, timeout=PATIENCE_S)

    def backtest(self, store: str, cluster: str, *more: str, window: str = "48h") -> dict:
        done = self.run("backtest", "--history", self.stores[store].url, "--match", f"cluster={cluster}", "--window", window,
                        "--cluster", cluster, "--format", "json", "--quiet", *more)
        expect(done.returncode == 0, f"backtest ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)


def fired(judgement: dict) -> list[tuple[str, str, str]]:
    """(detector, severity, when) of what fired, in order."""
    return [(c["finding"]["detector"], c["finding"]["severity"], c["at"]) for c in judgement["timeline"]
            if c["finding"]["state"] == "firing"]


# ---- what must hold

def backtest_finds_the_leak(world: World, store: str) -> None:
    judgement = world.backtest(store, "leaking")
    found = fired(judgement)
    expect(found and {d for d, _, _ in found} == {"heap_leak"}, f"fired: {found}")
    first = judgement["timeline"][0]["finding"]
    expect(len({c["finding"]["id"] for c in judgement["timeline"]}) == 1, "one leak under several names")
    entity = first["entity"]
    expect(entity["cluster"] == "leaking" and entity["host"] == "10_0_1_2" and entity["process"] == "taskmanager",
           f"the wrong process: {entity}")
    states = {d["detector"]: d for d in judgement["verdicts"]["clusters"][0]["detectors"]}
    blind = {name for name, told in states.items() if told["state"] == "blind"}
    expect(BLIND <= blind, f"without REST only these are blind: {sorted(blind)}")
    expect("REST" in states["job_down"]["why"], f"job_down does not say why: {states['job_down']}")


def backtest_is_silent_on_the_twin(world: World, store: str) -> None:
    judgement = world.backtest(store, "healthy")
    expect(judgement["timeline"] == [], f"of a healthy process: {fired(judgement)}")
    states = {d["detector"]: d["state"] for d in judgement["verdicts"]["clusters"][0]["detectors"]}
    expect(states["heap_leak"] == "ok", f"heap_leak is {states['heap_leak']} after two days")


def stores_agree(world: World) -> None:
    ids = {store: sorted({c["finding"]["id"] for c in world.backtest(store, "leaking")["timeline"]})
           for store in world.stores}
    expect(len({tuple(v) for v in ids.values()}) == 1, f"two stores, two judgements: {ids}")


def backtest_takes_a_stretch_and_parameters(world: World) -> None:
    day = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(world.until_s - 30 * 3600))
    judgement = world.backtest("prometheus", "leaking", "--to", day, window="18h")
    expect(judgement["timeline"] == [], f"before it leaked: {fired(judgement)}")
    calm = world.backtest("prometheus", "leaking", "--set", "heap_leak.z_min=1000")
    expect(calm["timeline"] == [], "the parameter makes no difference")
    done = world.run("backtest", "--history", world.stores["prometheus"].url, "--set", "heap_leak.nonsense=1")
    expect(done.returncode == 3 and "nonsense" in done.stderr, f"{done.returncode}: {done.stderr}")
    text = world.run("backtest", "--history", world.stores["prometheus"].url, "--match", "cluster=leaking", "--window", "48h")
    expect("heap_leak" in text.stdout and "metrics alone do not tell" in text.stdout, text.stdout)


def backtest_says_what_is_wrong(world: World) -> None:
    url = world.stores["prometheus"].url
    for arguments, wanted in ((["--history", url, "--match", "cluster=nobody", "--window", "1h"], "knows no metric"),
                              (["--history", "http://127.0.0.1:1"], "127.0.0.1"),
                              (["--history", url + "/nowhere"], "404"),
                              (["--history", url, "--match", "clu ster"], "matcher"),
                              (["--history", url, "--window", "30d"], "window")):
        done = world.run("backtest", "--quiet", *arguments)
        expect(done.returncode == 3 and wanted in done.stderr, f"{arguments}: {done.returncode} {done.stderr}")


def check_with_a_past(world: World, store: str, cluster: str, code: int) -> None:
    flink, pages = world.flinks[cluster]
    reporters = [argument for p in pages for argument in ("--reporter", f"127.0.0.1:{p.port}")]
    command = ["check", f"http://127.0.0.1:{flink.port}", *reporters, "--wait", "1", "--format", "json"]
    without = world.run(*command)
    expect(without.returncode == 0, f"without a past: {without.returncode}: {without.stderr}")
    done = world.run(*command, "--history", world.stores[store].url, "--match", f"cluster={cluster}")
    expect(done.returncode == code, f"ended with {done.returncode}: {done.stderr}")
    findings = [f["detector"] for f in json.loads(done.stdout)["findings"]]
    expect(findings == (["heap_leak"] if code else []), f"findings {findings}: {done.stderr}")
    expect("samples of the past are read" in done.stderr, done.stderr)


def daemon_knows_the_past(world: World) -> None:
    """Both clusters in one agent, from a store that wants a tenant, has replicas and warns."""
    front = TenantFront(world.stores["victoria-metrics"].url, TENANT)
    folder = world.folder / "daemon"
    folder.mkdir()
    (folder / "tenant").write_text(TENANT)
    port = free_block(1)
    clusters = []
    for name, (flink, pages) in world.flinks.items():
        reporters = ", ".join(f'"127.0.0.1:{p.port}"' for p in pages)
        clusters.append(f'  - name: {name}\n    flink: ["http://127.0.0.1:{flink.port}"]\n    reporters: [{reporters}]\n'
                        f'    backfill: {{match: {{cluster: {name}}}}}\n')
    config = folder / "config.yaml"
    config.write_text(
        f'listen: "127.0.0.1:{port}"\npoll_interval: 1s\nscrape_interval: 1s\n'
        f'history:\n  backfill: {{url: "{front.url}", auth: {{headers: {{X-Scope-OrgID: {{file: {folder / "tenant"}}}}}}}, '
        'match: {job: flink}, window: 3d}\nclusters:\n' + "".join(clusters))
    recording = folder / "stream"
    agent = Process("doctor", [str(world.doctor), "run", "--config", str(config), "--record", str(recording)],
                    folder / "doctor.log")
    deadline = time.monotonic() + PATIENCE_S
    active: list[str] = []
    while not active:
        expect(time.monotonic() < deadline and agent.alive(), f"no finding:\n{agent.tail()}")
        time.sleep(0.3)
        try:
            document = get_json(f"http://127.0.0.1:{port}/api/v1/findings")
        except OSError:
            continue
        active = [f["entity"]["cluster"] + "/" + f["detector"] for f in document["findings"]]
    # One judgement of each cluster more, with what is live.
    time.sleep(3)
    document = get_json(f"http://127.0.0.1:{port}/api/v1/findings")
    active = [f["entity"]["cluster"] + "/" + f["detector"] for f in document["findings"]]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        page = answer.read().decode()
    agent.stop()
    expect(active == ["leaking/heap_leak"], f"found: {active}")
    expect(front.refused == 0, "the tenant was not told")
    expect(PARTIAL in agent.log.read_text(), "that the store did not see all is not said")
    for name in past.CLUSTERS:
        expect(f'flink_doctor_backfill_done_ratio{{cluster="{name}"}} 1' in page, f"{name} is not read to its end")
    expect("of the past is read" in agent.log.read_text(), "no progress is logged")
    # The past is a part of the stream: who replays it comes to the same.
    again = world.run("replay", str(recording), "--format", "json")
    expect(again.returncode == 0 and {d for d, _, _ in fired(json.loads(again.stdout))} == {"heap_leak"},
           f"replayed: {again.returncode} {again.stderr} {fired(json.loads(again.stdout or '{}'))}")


def get_json(url: str) -> dict:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


# ---- fixtures

def record(world: World, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    query = ('{__name__=~"flink_taskmanager_Status_JVM_(Memory_Heap_Used|Threads_Count|GarbageCollector_.+_Count)",'
             'cluster="leaking"}')
    for name, store in world.stores.items():
        parameters = urllib.parse.urlencode({"query": query, "start": world.until_s - 1200, "end": world.until_s, "step": 60})
        with urllib.request.urlopen(f"{store.url}/api/v1/query_range?{parameters}") as answer:
            (folder / f"{name}.json").write_bytes(answer.read())
        bad = urllib.parse.urlencode({"query": "{", "start": 1, "end": 2, "step": 1})
        try:
            urllib.request.urlopen(f"{store.url}/api/v1/query_range?{bad}")
        except urllib.error.HTTPError as fault:
            (folder / f"{name}-error.json").write_bytes(fault.read())


def cases(world: World) -> list[tuple[str, Callable[[], None]]]:
    all_cases: list[tuple[str, Callable[[], None]]] = []
    for store in world.stores:
        all_cases += [
            (f"{store}: backtest finds the leak", lambda s=store: backtest_finds_the_leak(world, s)),
            (f"{store}: backtest is silent on the twin", lambda s=store: backtest_is_silent_on_the_twin(world, s)),
            (f"{store}: check finds it at once", lambda s=store: check_with_a_past(world, s, "leaking", 2)),
            (f"{store}: check is silent on the twin", lambda s=store: check_with_a_past(world, s, "healthy", 0))]
    return all_cases + [
        ("both stores give the same judgement", lambda: stores_agree(world)),
        ("a stretch of the past, and other parameters", lambda: backtest_takes_a_stretch_and_parameters(world)),
        ("what is wrong is said", lambda: backtest_says_what_is_wrong(world)),
        ("the daemon knows both pasts from the first minute", lambda: daemon_knows_the_past(world))]


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("doctor", "prometheus", "promtool", "victoria-metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()

    def world_and_cases(folder: Path) -> list[tuple[str, Callable[[], None]]]:
        world = World(options, folder)
        if not options.record:
            return cases(world)
        return [("answers recorded as fixtures", lambda: record(world, options.record))]

    return play(world_and_cases, options.keep)


if __name__ == "__main__":
    sys.exit(main())

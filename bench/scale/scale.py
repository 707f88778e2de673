"""What watching a big cluster costs, beside what people would run instead, in one run on one machine.

    python3 scale.py --doctor PATH --generator PATH --prometheus PATH [--victoria-metrics PATH --vmalert PATH]
                     [--task-managers 200] [--series 5000] [--pairs 5] [--warm-up 60] [--seconds 60] [--gzip]

Each side does the whole job: scrape every TaskManager every 15 s, keep the same ten metric names (7 % of the series),
remember them, and judge: flink-doctor by its detectors, the peers by ten alert rules over the same metrics. Sides take
turns, a pair at a time; what counts is the ratio within a pair. A run is void when the generator was busy for more than
half of a core or when a side missed more than one scrape in a thousand.
"""
from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

INTERVAL_S = 15
REPORTER_PORT, REST_PORT = 19249, 18081
# The first ten subtask metrics of the catalogue, which is what the generator's kept families are.
RULES = {
    "busy": "rate({busy}[2m]) > 950", "backpressured": "rate({backpressured}[2m]) > 500",
    "idle": "rate({idle}[2m]) < 10", "records_in": "rate({first}[5m]) == 0",
    "skew": "max by (task_id) (rate({first}[5m])) > 3 * avg by (task_id) (rate({first}[5m]))",
    "stalled": "delta({second}[5m]) == 0", "absent": "absent({first})", "sum": "sum by (task_id) ({second}) > 1e15",
    "high": "max by (task_id) ({third}) > 1e12", "gone": "count by (task_id) ({third}) < 1",
}


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status_mb(pid: int, what: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024
    return 0


def address(target: int) -> str:
    return f"127.1.{target // 250}.{target % 250 + 1}:{REPORTER_PORT}"


@dataclass
class Figures:
    cpu_s_per_million: float
    rss_mb: float
    peak_mb: float
    valid: bool
    note: str = ""


@dataclass
class Side:
    """One way to do the job: what to write into its folder, and the commands that then run."""
    name: str
    commands: list[list[str]]
    processes: list[subprocess.Popen] = field(default_factory=list)

    def start(self, folder: Path) -> None:
        for number, command in enumerate(self.commands):
            log = open(folder / f"{self.name}-{number}.log", "wb")
            self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def alive(self) -> bool:
        return all(process.poll() is None for process in self.processes)


class Bench:
    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self.args, self.folder = args, folder
        self.targets = [address(i) for i in range(args.task_managers)]
        self.metrics = json.loads(subprocess.run([str(args.generator), "--kept"], check=True, capture_output=True,
                                                 text=True).stdout)

    # ---- the sides

    def sides(self) -> list[Side]:
        sides = [self.doctor(), self.prometheus()]
        if self.args.victoria_metrics:
            sides.append(self.victoria_metrics("VictoriaMetrics tuned", ["-promscrape.noStaleMarkers"]))
            sides.append(self.victoria_metrics("VictoriaMetrics", []))
        return sides

    def doctor(self) -> Side:
        config = self.folder / "flink-doctor.yaml"
        config.write_text(
            f"scrape_interval: {INTERVAL_S}s\nlisten: 127.0.0.1:19669\n"
            f"export: {json.dumps([m['name'] for m in self.metrics])}\n"
            f"clusters:\n- name: bench\n  flink: ['http://127.0.0.1:{REST_PORT}']\n"
            f"  reporters: {json.dumps(self.targets)}\n")
        return Side("flink-doctor", [[str(self.args.doctor), "run", "--config", str(config), "--data-dir",
                                      str(self.folder / "doctor-data")]])

    def scrape_config(self) -> dict:
        families = "|".join(m["family"] for m in self.metrics)
        return {"job_name": "flink", "static_configs": [{"targets": self.targets}],
                "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": families, "action": "keep"}]}

    def rules(self) -> Path:
        family = [m["family"] for m in self.metrics]
        by_name = {m["name"]: m["family"] for m in self.metrics}
        words = {"first": family[0], "second": family[1], "third": family[2],
                 **{short: by_name.get(f"task_accumulated_{short}", family[3])
                    for short in ("busy", "idle", "backpressured")}}
        rules = [{"alert": name, "expr": text.format(**words), "for": "1m"} for name, text in RULES.items()]
        path = self.folder / "rules.yaml"
        path.write_text(json.dumps({"groups": [{"name": "bench", "interval": f"{INTERVAL_S}s", "rules": rules}]}))
        return path

    def prometheus(self) -> Side:
        config = self.folder / "prometheus.yaml"
        config.write_text(json.dumps({"global": {"scrape_interval": f"{INTERVAL_S}s",
                                                 "evaluation_interval": f"{INTERVAL_S}s"},
                                      "rule_files": [str(self.rules())], "scrape_configs": [self.scrape_config()]}))
        return Side("Prometheus", [[str(self.args.prometheus), f"--config.file={config}", "--log.level=warn",
                                    f"--storage.tsdb.path={self.folder / 'prometheus-data'}",
                                    "--web.listen-address=127.0.0.1:19090"]])

    def victoria_metrics(self, name: str, flags: list[str]) -> Side:
        config = self.folder / "victoria.yaml"
        config.write_text(json.dumps({"global": {"scrape_interval": f"{INTERVAL_S}s"},
                                      "scrape_configs": [self.scrape_config()]}))
        data = self.folder / f"{name.replace(' ', '-')}-data"
        return Side(name, [
            [str(self.args.victoria_metrics), f"-promscrape.config={config}", f"-storageDataPath={data}",
             "-httpListenAddr=127.0.0.1:18428", *flags],
            [str(self.args.vmalert), f"-rule={self.rules()}", "-datasource.url=http://127.0.0.1:18428",
             "-notifier.url=http://127.0.0.1:1", f"-evaluationInterval={INTERVAL_S}s",
             "-httpListenAddr=127.0.0.1:18880"]])

    # ---- measuring

    def served(self) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{REST_PORT}/bench/served", timeout=10) as answer:
            return json.load(answer)

    def measure(self, side: Side, generator: subprocess.Popen) -> Figures:
        for data in self.folder.glob("*-data"):
            shutil.rmtree(data)
        side.start(self.folder)
        try:
            time.sleep(self.args.warm_up)
            pids = [process.pid for process in side.processes]
            before, fed_before = sum(map(cpu_seconds, pids)), cpu_seconds(generator.pid)
            served_before, began = self.served(), time.monotonic()
            resident = []
            while time.monotonic() - began < self.args.seconds:
                resident.append(sum(status_mb(pid, "VmRSS") for pid in pids))
                time.sleep(1)
            took = time.monotonic() - began
            scrapes = self.served()["scrapes"] - served_before["scrapes"]
            used = sum(map(cpu_seconds, pids)) - before
            busy = (cpu_seconds(generator.pid) - fed_before) / took
            peak = sum(status_mb(pid, "VmHWM") for pid in pids)
            if not side.alive():
                return Figures(0, 0, 0, False, "ended by itself")
            return self.figures(scrapes, used, busy, took, statistics.median(resident), peak)
        finally:
            side.stop()

    def figures(self, scrapes: int, used: float, busy: float, took: float, rss: float, peak: float) -> Figures:
        expected = self.args.task_managers * took / INTERVAL_S
        millions = scrapes * self.args.series / 1e6
        # The window's ends cut a round of scrapes each.
        missed = max(0.0, 1 - scrapes / expected - 1 / (took / INTERVAL_S) * 0.2)
        note = f"generator {100 * busy:.0f} % of a core, {scrapes} scrapes of {expected:.0f}"
        return Figures(used / millions if millions else 0, rss, peak, busy < 0.5 and missed < 0.001, note)

    def run(self) -> dict[str, list[Figures]]:
        command = [str(self.args.generator), "--task-managers", str(self.args.task_managers), "--series",
                   str(self.args.series), "--port", str(REPORTER_PORT), "--rest-port", str(REST_PORT),
                   *(["--gzip"] if self.args.gzip else [])]
        generator = subprocess.Popen(["taskset", "-c", "0", *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        found: dict[str, list[Figures]] = {}
        try:
            if generator.stdout.readline().strip() != b"ready":
                raise SystemExit("the generator did not start")
            for pair in range(self.args.pairs):
                for side in self.sides():
                    figures = self.measure(side, generator)
                    found.setdefault(side.name, []).append(figures)
                    print(f"round {pair + 1}: {side.name:22} {figures.cpu_s_per_million:7.3f} CPU s per million samples, "
                          f"RSS {figures.rss_mb:7.1f} MB, peak {figures.peak_mb:7.1f} MB"
                          f"{'' if figures.valid else '  VOID'} ({figures.note})", flush=True)
        finally:
            generator.terminate()
            generator.wait()
        return found


def spread(values: list[float]) -> str:
    return f"{min(values):.1f} .. {statistics.median(values):.1f} .. {max(values):.1f}"


def report(found: dict[str, list[Figures]]) -> None:
    ours = found["flink-doctor"]
    print("\nhow many times flink-doctor's cost the peers need, min .. median .. max over the rounds")
    for name, theirs in found.items():
        if name == "flink-doctor":
            continue
        pairs = [(a, b) for a, b in zip(ours, theirs) if a.valid and b.valid and a.cpu_s_per_million > 0]
        if not pairs:
            print(f"{name:22} no valid round")
            continue
        print(f"{name:22} CPU {spread([b.cpu_s_per_million / a.cpu_s_per_million for a, b in pairs])}, "
              f"memory {spread([b.rss_mb / a.rss_mb for a, b in pairs])}, {len(pairs)} rounds")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("doctor", "generator", "prometheus"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--victoria-metrics", type=Path)
    parser.add_argument("--vmalert", type=Path)
    parser.add_argument("--task-managers", type=int, default=200)
    parser.add_argument("--series", type=int, default=5000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--warm-up", type=float, default=60)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--gzip", action="store_true")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="flink-doctor-scale-"))
    try:
        found = Bench(args, folder).run()
    finally:
        if "KEEP" not in os.environ:
            shutil.rmtree(folder, ignore_errors=True)
    report(found)
    return 0 if all(figures.valid for rows in found.values() for figures in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

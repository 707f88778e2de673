"""What benches share: the generated cluster, flink-doctor and its peers set up to do the same job, and what they cost."""
from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import threading
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

INTERVAL_S = 15
REPORTER_PORT, REST_PORT = 19249, 18081
DOCTOR_PORT, PROMETHEUS_PORT, VICTORIA_PORT, VMALERT_PORT, VMAGENT_PORT = 19669, 19090, 18428, 18880, 18429
ALERTMANAGER_PORT = 19093
SERIES_OF_A_TASK_MANAGER = 5000
KEPT_OF_A_TASK_MANAGER = 350
KEPT_MORE_MAX = 1.05  # some keep a few series about each scrape, and of their rules, too
KEPT_MIN = 0.94  # a twentieth of the values says "none", and is no sample to flink-doctor
# The first ten subtask metrics of the catalogue, which is what the generator's kept families are. The thresholds are out of
# reach: drawn values would fire thousands of alerts, and each costs a peer two series of its own.
RULES = {
    "busy": "rate({busy}[2m]) > 1e15", "backpressured": "rate({backpressured}[2m]) > 1e15",
    "idle": "rate({idle}[2m]) < -1", "records_in": "rate({first}[5m]) < -1",
    "skew": "max by (task_id) (rate({first}[5m])) > 1e9 * avg by (task_id) (rate({first}[5m]))",
    "stalled": "delta({second}[5m]) > 1e18", "absent": "absent({first})", "sum": "sum by (task_id) ({second}) > 1e20",
    "high": "max by (task_id) ({third}) > 1e20", "gone": "count by (task_id) ({third}) < 1",
}


def series_count(text: str) -> int:
    """50k, 1M, 5000."""
    factor = {"k": 1_000, "m": 1_000_000}.get(text[-1:].lower(), 1)
    count = int(float(text[:-1] if factor > 1 else text) * factor)
    if count % SERIES_OF_A_TASK_MANAGER:
        raise argparse.ArgumentTypeError(f"series come by the TaskManager, {SERIES_OF_A_TASK_MANAGER} each")
    return count


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status_mb(pid: int, what: str) -> float:
    """Of VmRSS, RssAnon, VmHWM; a MB has 1,048,576 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024
    return 0


def kept_wrongly(kept: float, task_managers: int) -> str:
    """Why a side did not do the job that it was to do; empty: it did."""
    wanted = task_managers * KEPT_OF_A_TASK_MANAGER
    return "keeps too little" if kept < KEPT_MIN * wanted else "keeps too much" if kept > KEPT_MORE_MAX * wanted else ""


def spread(values: list[float], digits: int = 1) -> str:
    return " .. ".join(f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))


def version_of(program: Path) -> str:
    """What it says of itself, on one line; some say it on stderr."""
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, timeout=30)
    return ((said.stdout + said.stderr).splitlines() or ["says no version"])[0][:100]


class Alertmanager:
    """A real one that pages nobody: where every side sends its alerts."""

    def __init__(self, program: Path, folder: Path) -> None:
        config = folder / "alertmanager.yaml"
        config.write_text(json.dumps({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}))
        self.address = f"127.0.0.1:{ALERTMANAGER_PORT}"
        self.side = Side("Alertmanager", [[str(program), f"--config.file={config}", "--cluster.listen-address=",
                                           f"--storage.path={folder / 'alertmanager'}",
                                           f"--web.listen-address={self.address}"]])
        self.folder = folder

    def __enter__(self) -> str:
        self.side.start(self.folder)
        return self.address

    def __exit__(self, *_: object) -> None:
        self.side.stop()


class Sink:
    """Takes whatever is written to it remotely, and forgets it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    def __enter__(self) -> str:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/write"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()


def add_binaries(parser: argparse.ArgumentParser) -> None:
    for name in ("doctor", "generator", "prometheus"):
        parser.add_argument(f"--{name}", type=Path, required=True)


@dataclass
class Kept:
    """Where a side says how many samples it keeps: a metric's page, and the sum of these series. A counter of samples, or
    how many series there are."""
    url: str
    series: str  # how its lines begin
    is_counter: bool

    def read(self) -> float:
        with urllib.request.urlopen(self.url, timeout=30) as answer:
            lines = [line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line.startswith(self.series)]
        return sum(float(value) for name, value in lines if name[len(self.series):][:1] in ("", "{", ","))


@dataclass
class Side:
    """One way to do the job: the commands that run it."""
    name: str
    commands: list[list[str]]
    kept: Kept | None = None
    processes: list[subprocess.Popen] = field(default_factory=list)

    def start(self, folder: Path) -> None:
        for number, command in enumerate(self.commands):
            with open(self.log(folder, number), "wb") as log:
                self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def log(self, folder: Path, number: int = 0) -> Path:
        return folder / f"{self.name}-{number}.log"

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

    def cpu(self) -> float:
        return sum(cpu_seconds(process.pid) for process in self.processes)

    def mb(self, what: str) -> float:
        return sum(status_mb(process.pid, what) for process in self.processes)


class Generator:
    """TaskManagers and a JobManager on loopback, on the first core."""

    def __init__(self, program: Path, task_managers: int, gzip: bool = False) -> None:
        self.targets = [f"127.1.{i // 250}.{i % 250 + 1}:{REPORTER_PORT}" for i in range(task_managers)]
        kept = subprocess.run([str(program), "--kept"], check=True, capture_output=True, text=True)
        self.metrics = json.loads(kept.stdout)
        self.command = ["taskset", "-c", "0", str(program), "--task-managers", str(task_managers),
                        "--series", str(SERIES_OF_A_TASK_MANAGER), "--port", str(REPORTER_PORT),
                        "--rest-port", str(REST_PORT), *(["--gzip"] if gzip else [])]

    def __enter__(self) -> Generator:
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if self.process.stdout.readline().strip() != b"ready":
            raise SystemExit("the generator did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def cpu(self) -> float:
        return cpu_seconds(self.process.pid)

    def ask(self, what: str) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{REST_PORT}/bench/{what}", timeout=30) as answer:
            return json.load(answer)


class Sides:
    """flink-doctor and its peers, all keeping the same ten metric names of these targets and judging them."""

    def __init__(self, args: argparse.Namespace, folder: Path, generator: Generator, alertmanager: str | None = None) -> None:
        self.args, self.folder, self.alertmanager = args, folder, alertmanager
        self.targets, self.metrics = generator.targets, generator.metrics

    def doctor(self) -> Side:
        config = self.folder / "flink-doctor.yaml"
        reporters = f"  reporters: {json.dumps(self.targets)}\n" if self.targets else ""
        alerts = f"alertmanagers: ['http://{self.alertmanager}']\n" if self.alertmanager else ""
        packed = "enable_compression: true\n" if getattr(self.args, "gzip", False) else ""
        config.write_text(
            f"{alerts}{packed}scrape_interval: {INTERVAL_S}s\nlisten: 127.0.0.1:{DOCTOR_PORT}\n"
            f"export: {json.dumps([m['name'] for m in self.metrics])}\n"
            f"clusters:\n- name: bench\n  flink: ['http://127.0.0.1:{REST_PORT}']\n{reporters}")
        return Side("flink-doctor", [[str(self.args.doctor), "run", "--config", str(config), "--data-dir",
                                      str(self.folder / "doctor-data")]],
                    Kept(f"http://127.0.0.1:{DOCTOR_PORT}/metrics", "flink_doctor_series", False))

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

    def prometheus(self, name: str = "Prometheus", program: Path | None = None) -> Side:
        config = self.folder / "prometheus.yaml"
        asked = {"global": {"scrape_interval": f"{INTERVAL_S}s", "evaluation_interval": f"{INTERVAL_S}s"},
                 "rule_files": [str(self.rules())], "scrape_configs": [self.scrape_config()]}
        if self.alertmanager:
            asked["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [self.alertmanager]}]}]}
        config.write_text(json.dumps(asked))
        return Side(name, [[str(program or self.args.prometheus), f"--config.file={config}", "--log.level=warn",
                            f"--storage.tsdb.path={self.folder / 'prometheus-data'}",
                            f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}"]],
                    Kept(f"http://127.0.0.1:{PROMETHEUS_PORT}/metrics", "prometheus_tsdb_head_samples_appended_total", True))

    def victoria_config(self) -> Path:
        config = self.folder / "victoria.yaml"
        config.write_text(json.dumps({"global": {"scrape_interval": f"{INTERVAL_S}s"},
                                      "scrape_configs": [self.scrape_config()]}))
        return config

    def victoria_metrics(self, name: str, flags: list[str]) -> Side:
        data = self.folder / f"{name.replace(' ', '-')}-data"
        return Side(name, [
            [str(self.args.victoria_metrics), f"-promscrape.config={self.victoria_config()}", f"-storageDataPath={data}",
             f"-httpListenAddr=127.0.0.1:{VICTORIA_PORT}", *flags],
            [str(self.args.vmalert), f"-rule={self.rules()}", f"-datasource.url=http://127.0.0.1:{VICTORIA_PORT}",
             f"-notifier.url=http://{self.alertmanager or '127.0.0.1:1'}", f"-evaluationInterval={INTERVAL_S}s",
             f"-httpListenAddr=127.0.0.1:{VMALERT_PORT}"]],
            Kept(f"http://127.0.0.1:{VICTORIA_PORT}/metrics", 'vm_rows_inserted_total{type="promscrape"}', True))

    def scraper(self) -> Side:
        """Scrape and select alone."""
        return Side("flink-doctor", [[str(self.args.scraper), "--task-managers", str(len(self.targets)),
                                      "--port", str(REPORTER_PORT), "--interval", str(INTERVAL_S),
                                      "--metrics", ",".join(m["name"] for m in self.metrics)]])

    def vmagent(self, name: str, sink: str, flags: list[str]) -> Side:
        return Side(name, [[str(self.args.vmagent), f"-promscrape.config={self.victoria_config()}", f"-remoteWrite.url={sink}",
                            f"-remoteWrite.tmpDataPath={self.folder / 'vmagent-data'}",
                            f"-httpListenAddr=127.0.0.1:{VMAGENT_PORT}", *flags]],
                    Kept(f"http://127.0.0.1:{VMAGENT_PORT}/metrics", "vmagent_remotewrite_global_rows_pushed_before_relabel_total", True))

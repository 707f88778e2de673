"""A Flink configuration folder for one process of a test cluster."""
from __future__ import annotations

import shutil
from pathlib import Path

from flink_home import major_minor

# What Java 17 must be told to let Flink in; the shipped configuration has the same, <= 1.17 has none.
JAVA_OPENINGS = [
    "--add-exports=java.base/sun.net.util=ALL-UNNAMED",
    "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
    "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in (
        "java.lang", "java.net", "java.io", "java.nio", "sun.nio.ch", "java.lang.reflect", "java.text", "java.time",
        "java.util", "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks")),
]
# On small machines the JVM would pick the serial collector for some processes and G1 for others. The quick compiler
# alone halves the CPU time of a start, and a dozen starts are most of what a short run costs.
JAVA_OPTIONS = ["-XX:+UseG1GC", "-XX:TieredStopAtLevel=1", *JAVA_OPENINGS]

ROCKSDB_METRICS = [
    "actual-delayed-write-rate", "background-errors", "block-cache-capacity", "block-cache-hit", "block-cache-miss",
    "block-cache-pinned-usage", "block-cache-usage", "bloom-filter-full-positive", "bloom-filter-full-true-positive",
    "bloom-filter-useful", "bytes-read", "bytes-written", "compaction-pending", "compaction-read-bytes",
    "compaction-write-bytes", "cur-size-active-mem-table", "cur-size-all-mem-tables", "estimate-live-data-size",
    "estimate-num-keys", "estimate-pending-compaction-bytes", "estimate-table-readers-mem", "is-write-stopped",
    "iter-bytes-read", "live-sst-files-size", "mem-table-flush-pending", "num-deletes-active-mem-table",
    "num-deletes-imm-mem-tables", "num-entries-active-mem-table", "num-entries-imm-mem-tables", "num-files-at-level",
    "num-immutable-mem-table", "num-live-versions", "num-running-compactions", "num-running-flushes", "num-snapshots",
    "size-all-mem-tables", "stall-micros", "total-sst-files-size",
]


def common_settings(version: str, ports: "Ports", folder: Path) -> dict[str, str]:
    """Settings shared by all processes of a cluster: addresses, folders, reporter, heartbeat, sizes."""
    host = "127.0.0.1"
    java_options = "env.java.opts.all" if major_minor(version) >= (1, 17) else "env.java.opts"
    state = folder / "state"
    return {
        java_options: " ".join(JAVA_OPTIONS),
        "jobmanager.rpc.address": host, "jobmanager.bind-host": host,
        "jobmanager.rpc.port": str(ports.rpc), "blob.server.port": str(ports.blob),
        "rest.address": host, "rest.bind-address": host,
        "rest.port": str(ports.rest), "rest.bind-port": str(ports.rest),
        "taskmanager.host": host, "taskmanager.bind-host": host,
        "io.tmp.dirs": str(folder / "tmp"), "web.upload.dir": str(folder / "upload"),
        checkpoint_dir_key(version): (state / "checkpoints").as_uri(),
        savepoint_dir_key(version): (state / "savepoints").as_uri(),
        "metrics.reporter.prom.factory.class": "org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
        "metrics.reporter.prom.port": f"{ports.reporter_first}-{ports.reporter_last}",
        **{f"state.backend.rocksdb.metrics.{name}": "true" for name in ROCKSDB_METRICS},
        # Seconds instead of Flink's 10 s / 50 s: a lost TaskManager shows within a short test.
        "heartbeat.interval": "3000", "heartbeat.timeout": "20000",
        # On a machine under load an answer or a slot may take longer than Flink's 10 s, and a healthy job would fail.
        "pekko.ask.timeout" if major_minor(version) >= (1, 18) else "akka.ask.timeout": "60 s",
        "taskmanager.slot.timeout": "120 s",
        "jobmanager.memory.process.size": "1024m", "taskmanager.memory.process.size": "1100m",
        # Jobs set their own; a cluster default would hide what a job without one does.
        "restart-strategy.type" if major_minor(version) >= (1, 19) else "restart-strategy": "none",
    }


def checkpoint_dir_key(version: str) -> str:
    return "execution.checkpointing.dir" if major_minor(version) >= (1, 20) else "state.checkpoints.dir"


def savepoint_dir_key(version: str) -> str:
    return "execution.checkpointing.savepoint-dir" if major_minor(version) >= (1, 20) else "state.savepoints.dir"


def write_conf(home: Path, version: str, target: Path, settings: dict[str, str]) -> None:
    """Logging files as shipped, and our settings in the file that this version reads."""
    target.mkdir(parents=True, exist_ok=True)
    for name in (home / "conf").glob("log4j*.properties"):
        shutil.copy(name, target)
    yaml = major_minor(version) >= (1, 19)
    lines = [f"{key}: {quoted(value) if yaml else value}\n" for key, value in sorted(settings.items())]
    (target / ("config.yaml" if yaml else "flink-conf.yaml")).write_text("".join(lines))


def quoted(value: str) -> str:
    """YAML needs it for values with ':' or a leading '-'; the older format would keep the quotes."""
    return "'" + value.replace("'", "''") + "'"


class Ports:
    """A cluster's own block of ports, so that clusters side by side never meet."""

    SIZE = 40
    REPORTERS = 12

    def __init__(self, first: int) -> None:
        self.rest, self.rpc, self.blob = first, first + 1, first + 2
        self.reporter_first, self.reporter_last = first + 4, first + 3 + self.REPORTERS
        self.next_task_manager = self.reporter_last + 1

    def reporters(self) -> range:
        return range(self.reporter_first, self.reporter_last + 1)

    def task_manager(self) -> tuple[int, int]:
        """RPC and data port of one more TaskManager."""
        self.next_task_manager += 2
        return self.next_task_manager - 2, self.next_task_manager - 1

"""What the machine itself says of a process, its directories and its sockets: /proc, ps, df, ss and stat, read in Python."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

LIMITED = 1 << 60  # cgroup v1 writes a number as large as this for "no limit"
# Flink's names, by what the probe calls them. Its own table is in collectors/host/directories.cpp.
TEMPORARY = {"tm_": "working_directory", "jm_": "working_directory", "flink-web-": "web_upload",
             "flink-netty-shuffle-": "shuffle", "flink-io-": "spill", "rocksdb-lib-": "rocksdb_library"}
MAIN_CLASSES = ("org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
                "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint")


def said_by(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


def flink_pids() -> set[int]:
    """Of session clusters, whoever started them."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue  # it has ended meanwhile
        if any(name.encode() in words for name in MAIN_CLASSES):
            found.add(int(entry.name))
    return found


def command_line(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")


def log_file(pid: int) -> Path:
    return Path(next(word.partition("=")[2] for word in command_line(pid) if word.startswith("-Dlog.file=")))


def fields(text: str) -> dict[str, int]:
    """Lines like "VmRSS:  1234 kB", in bytes; bare numbers as they are."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) * (1024 if words[1:] == ["kB"] else 1)
    return found


def numbers(pid: int) -> dict[str, float]:
    """By the probe's families, without their prefix."""
    status = fields(Path(f"/proc/{pid}/status").read_text())
    rollup = fields(Path(f"/proc/{pid}/smaps_rollup").read_text())
    rss_kb, threads = said_by("ps", "-o", "rss=,nlwp=", "-p", str(pid)).split()
    limits = Path(f"/proc/{pid}/limits").read_text()
    return {
        "process_resident_memory_bytes": int(rss_kb) * 1024,
        "process_resident_anonymous_bytes": status["RssAnon"],
        "process_resident_file_bytes": status["RssFile"],
        "process_resident_shared_bytes": status["RssShmem"],
        "process_proportional_memory_bytes": rollup["Pss"],
        "process_swap_bytes": status["VmSwap"],
        "process_threads": int(threads),
        "process_open_fds": len(os.listdir(f"/proc/{pid}/fd")),
        "process_max_fds": next(int(line.split()[3]) for line in limits.splitlines() if line.startswith("Max open files")),
        "process_start_time_seconds": started(pid),
    }


def started(pid: int) -> float:
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    boot = next(int(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    return boot + ticks / os.sysconf("SC_CLK_TCK")


def allowed(pid: int) -> dict[str, float]:
    """What the JVM was allowed, from its own flags, which Flink writes in plain bytes."""
    flags = {"-Xmx": "process_heap_max_bytes", "-XX:MaxMetaspaceSize=": "process_metaspace_max_bytes",
             "-XX:MaxDirectMemorySize=": "process_direct_max_bytes"}
    return {name: float(word[len(flag):]) for word in command_line(pid) for flag, name in flags.items() if word.startswith(flag)}


def cgroup_memory(pid: int) -> tuple[str, dict[str, float]]:
    """Path of the group and its usage and limit; the nearest that has a limit, else the process's own. Empty: none is seen."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            root, usage, limit = Path("/sys/fs/cgroup/memory"), "memory.usage_in_bytes", "memory.limit_in_bytes"
        elif controllers == "" and not Path("/sys/fs/cgroup/memory").exists():
            root, usage, limit = Path("/sys/fs/cgroup"), "memory.current", "memory.max"
        else:
            continue
        own = root / path.lstrip("/")
        for group in (own, *own.parents):
            text = (group / limit).read_text().strip() if (group / limit).exists() else "max"
            if text != "max" and int(text) < LIMITED:
                return path, {"cgroup_memory_limit_bytes": int(text), "cgroup_memory_usage_bytes": int((group / usage).read_text())}
            if group == root:
                break
        if (own / usage).exists():
            return path, {"cgroup_memory_usage_bytes": int((own / usage).read_text())}
    return "", {}


def disk(path: Path) -> dict[str, float]:
    line = said_by("df", "-B1", "--output=size,avail,itotal,iavail", str(path)).splitlines()[1].split()
    names = ("directory_size_bytes", "directory_available_bytes", "directory_inodes", "directory_inodes_free")
    return dict(zip(names, map(float, line)))


def file_system(path: Path) -> str:
    return said_by("df", "--output=fstype", str(path)).splitlines()[1].strip()


def connections(port: int) -> dict[str, int]:
    """TCP connections at a local port by state, without who listens."""
    counts: dict[str, int] = {}
    for line in said_by("ss", "-Htan", f"sport = :{port}").splitlines():
        state = {"ESTAB": "established", "CLOSE-WAIT": "close_wait"}.get(line.split()[0], "")
        if state:
            counts[state] = counts.get(state, 0) + 1
    return counts


def temporary_entries(folder: Path) -> dict[str, int]:
    counts = dict.fromkeys(TEMPORARY.values(), 0)
    for name in os.listdir(folder):
        for prefix, kind in TEMPORARY.items():
            counts[kind] += name.startswith(prefix)
    return counts

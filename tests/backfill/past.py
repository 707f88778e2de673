"""Two days of two Flink clusters, as their Prometheus reporters would have told them: one whose TaskManager's heap leaks,
and its healthy twin. A day is quiet; then, in the one that leaks, what collections leave grows by 26 MiB an hour.

Names and labels are those of the recorded reporters under tests/fixtures/flink-1.20; the store's own labels are added.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterator

MIB = 1 << 20
STEP_S = 60
DAYS = 2
LEAK_MIB_PER_HOUR = 26
CLUSTERS = ("leaking", "healthy")


@dataclass(frozen=True)
class Process:
    cluster: str
    role: str  # jobmanager or taskmanager
    host: str

    @property
    def tm_id(self) -> str:
        """As REST has it; reporters filter it."""
        return f"{self.host}:34567-ab12cd"

    def labels(self) -> dict[str, str]:
        labels = {"host": self.host.replace(".", "_")}
        if self.role == "taskmanager":
            labels["tm_id"] = self.tm_id.replace(".", "_").replace("-", "_")
        return labels

    def store_labels(self) -> dict[str, str]:
        return {**self.labels(), "job": "flink", "instance": f"{self.host}:9249", "cluster": self.cluster}

    def values(self, minute: int) -> dict[str, float]:
        """Family below flink_<role>_ → value, `minute` since the two days began."""
        leak_hours = max(0, minute - 24 * 60) / 60 if self.leaks() else 0
        tide = 40 * math.sin(2 * math.pi * minute / (24 * 60))
        heap = 300 + LEAK_MIB_PER_HOUR * leak_hours + (0 if self.leaks() else tide) + minute * 37 % 60
        jvm = "Status_JVM_"
        return {
            jvm + "Memory_Heap_Used": heap * MIB,
            jvm + "Memory_Heap_Max": 1024 * MIB,
            jvm + "Memory_Metaspace_Used": 90 * MIB,
            jvm + "Memory_Metaspace_Committed": 92 * MIB,
            jvm + "Memory_Metaspace_Max": 256 * MIB,
            jvm + "Memory_Direct_MemoryUsed": 131 * MIB,
            jvm + "Threads_Count": 60 + minute % 3,
            jvm + "ClassLoader_ClassesLoaded": 14000,
            jvm + "ClassLoader_ClassesUnloaded": 10,
            jvm + "CPU_Time": minute * 12e9,
            jvm + "GarbageCollector_G1_Young_Generation_Count": 2 * minute,
            jvm + "GarbageCollector_G1_Old_Generation_Count": minute // 20,
            jvm + "GarbageCollector_All_Count": 2 * minute + minute // 20,
        }

    def leaks(self) -> bool:
        return self.cluster == "leaking" and self.role == "taskmanager"


def processes(cluster: str) -> list[Process]:
    number = CLUSTERS.index(cluster) + 1
    return [Process(cluster, "jobmanager", f"10.0.{number}.1"), Process(cluster, "taskmanager", f"10.0.{number}.2")]


def label_text(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def page(process: Process, minute: int) -> str:
    """What its reporter shows then."""
    labels = label_text(process.labels())
    return "".join(f"flink_{process.role}_{family}{labels} {value}\n" for family, value in process.values(minute).items())


def lines(until_s: int, per_second: int, cluster: str | None = None) -> Iterator[str]:
    """Exposition with timestamps, `per_second` of them to the second, from two days ago until then."""
    minutes = DAYS * 24 * 60
    began = until_s - minutes * STEP_S
    for process in (p for name in CLUSTERS if cluster in (None, name) for p in processes(name)):
        labels = label_text(process.store_labels())
        columns: dict[str, list[str]] = {}
        for minute in range(minutes + 1):
            at = (began + minute * STEP_S) * per_second
            for family, value in process.values(minute).items():
                columns.setdefault(family, []).append(f"flink_{process.role}_{family}{labels} {value} {at}\n")
        for column in columns.values():
            yield "".join(column)

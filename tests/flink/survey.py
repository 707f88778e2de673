"""Which canonical metrics a version shows, against what its jobs should make it show."""
from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

SURVEY_TIMEOUT_S = 90
# The budget of calls may not reach every vertex of a busy cluster, and with it a metric that few vertices have.
REST_MISSED_MAX = 0.1

# What no job here can show, and why. Whatever else a version has must be there.
UNSHOWN = {
    "no Kafka or Kinesis": r"kafka_|kinesis_",
    "no ForSt, whose file cache and asynchronous state these are": r"forst_|async_state_",
    "no changelog": r"changelog_",
    "no sink that commits": r"committables_",
    "no sink that tells when it sends": r"sink_send_time",
    "no SQL window and no late record": r"late_records_dropped|watermark_latency",
    "no buffer debloating": r"task_debloated_buffer|task_time_to_consume",
    "no operator of two inputs": r"operator_input[12]_watermark",
    "a source of numbers knows neither a backlog nor event time": r"source_(pending|fetch|emit|watermark|alignment)_|split_watermark",
    "no resource manager that starts TaskManagers": r"cluster_task_managers_pending|cluster_worker_failures_rate",
    "no batch job that speculates": r"job_slow_tasks|job_speculative_wins",
}
# Only a story with event time shows them.
WATERMARKS, EVENT_TIME_STORY = re.compile(r"(task_input|operator_input|operator_output)_watermark"), "watermark_stalled"
# Before 1.19 the jobs are written with the sinks of the old API, which tell nothing.
SINKS, SINKS_SINCE = re.compile(r"sink_"), (1, 19)
# REST is asked for splits only where they are few and nothing else is wanted.
LEVELS_NOT_BY_REST = {"split"}


def why_unshown(metric: str, version: tuple[int, ...], stories: set[str]) -> str | None:
    """Why the jobs of a run do not show a metric; nothing where they must."""
    for reason, names in UNSHOWN.items():
        if re.match(names, metric):
            return reason
    if WATERMARKS.match(metric) and EVENT_TIME_STORY not in stories:
        return f"the story {EVENT_TIME_STORY} was not played"
    if SINKS.match(metric) and version < SINKS_SINCE:
        return "sinks of the API before 1.19"
    return None


class Survey:
    def __init__(self, version: str, doctor: Path, url: str, reporters: str, out: Path, stories: set[str]) -> None:
        self.version, self.out, self.stories = version, out, stories
        command = [str(doctor), "metrics", url, "--reporter", reporters, "--format", "json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def lines(self) -> tuple[list[str], int, int]:
        """What to print, how many checks passed, how many failed."""
        try:
            text, complaint = self.process.communicate(timeout=SURVEY_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return [f"missed: `metrics` did not end within {SURVEY_TIMEOUT_S} s"], 0, 1
        if self.process.returncode != 0:
            return [f"missed: `metrics` ended with {self.process.returncode}: {complaint.strip()[:300]}"], 0, 1
        self.out.write_text(text)
        return self.judge(json.loads(text)["metrics"])

    def judge(self, rows: list[dict]) -> tuple[list[str], int, int]:
        return judge(rows, self.version, self.stories)


def judge(rows: list[dict], version: str, stories: set[str]) -> tuple[list[str], int, int]:
    number = tuple(int(part) for part in version.split(".")[:2])
    had = [row for row in rows if row["by_reporter"] and row["in_version"]]
    reasons = {row["metric"]: why_unshown(row["metric"], number, stories) for row in had}
    wanted = [row for row in had if not reasons[row["metric"]]]
    wanted_by_rest = [row for row in wanted if row["by_rest"] and row["level"] not in LEVELS_NOT_BY_REST]
    by_reporter = [row["metric"] for row in wanted if not row["reporter_series"]]
    by_rest = [row["metric"] for row in wanted_by_rest if not row["rest_series"]]
    early = [row["metric"] for row in rows if not row["in_version"] and row["reporter_series"]]
    found = sum(1 for row in rows if row["reporter_series"])
    enough_by_rest = len(by_rest) <= REST_MISSED_MAX * len(wanted_by_rest)
    lines = [f"metrics of Flink {version}: {len(wanted)} of {len(had)} expected, {found} found through reporters, "
             f"{sum(1 for row in rows if row['rest_series'])} through REST"]
    for reason in dict.fromkeys(filter(None, reasons.values())):
        lines.append(f"not expected ({reason}): {', '.join(name for name, why in reasons.items() if why == reason)}")
    if by_rest and enough_by_rest:
        lines.append(f"not reached through REST within the budget of calls: {', '.join(by_rest)}")
    passed = failed = 0
    for what, missing in (("reporters lack", by_reporter), ("not expected yet", early),
                          ("REST lacks", [] if enough_by_rest else by_rest)):
        if missing:
            lines.append(f"missed: {what}: {', '.join(missing)}")
            failed += 1
        else:
            passed += 1
    return lines, passed, failed

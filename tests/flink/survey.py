"""Which canonical metrics a version shows, against what its jobs should make it show."""
from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

SURVEY_TIMEOUT_S = 90
# The budget of calls may not reach every vertex of a busy cluster, and with it a metric that few vertices have.
REST_MISSED_MAX = 0.1

# What the jobs here do not use: connectors, SQL, changelog, ForSt, speculative execution, a resource manager with pods.
FEATURES = re.compile(r"kafka_|kinesis_|forst_|changelog|committables|async_state|late_records_dropped_rate|watermark_latency|"
                      r"split_|source_|sink_|cluster_task_managers_pending|task_changelog|task_debloated|"
                      r"task_time_to_consume|operator_input[12]_|job_rescales|job_(un)?downtime|late_records_dropped|"
                      r"(task|operator)_(in|out)put_watermark")


class Survey:
    def __init__(self, version: str, doctor: Path, url: str, reporters: str, out: Path) -> None:
        self.version, self.out = version, out
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
        wanted = [row for row in rows if row["by_reporter"] and row["in_version"] and not FEATURES.match(row["metric"])]
        by_reporter = [row["metric"] for row in wanted if not row["reporter_series"]]
        by_rest = [row["metric"] for row in wanted if row["by_rest"] and not row["rest_series"]]
        early = [row["metric"] for row in rows if not row["in_version"] and row["reporter_series"]]
        found = sum(1 for row in rows if row["reporter_series"])
        enough_by_rest = len(by_rest) <= REST_MISSED_MAX * sum(1 for row in wanted if row["by_rest"])
        lines = [f"metrics of Flink {self.version}: {len(wanted)} expected, {found} found through reporters, "
                 f"{sum(1 for row in rows if row['rest_series'])} through REST"]
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

"""What the survey of a version expects of its jobs, and what it lets pass.

    python3 -m unittest survey_test        (in this folder)
"""
from __future__ import annotations

import unittest

from survey import judge, why_unshown

EVENT_TIME = {"backpressure", "watermark_stalled"}


def row(metric: str, reporter: int = 1, rest: int = 1, level: str = "operator", in_version: bool = True) -> dict:
    return {"metric": metric, "level": level, "in_version": in_version, "by_reporter": True, "by_rest": True,
            "reporter_series": reporter, "rest_series": rest}


class SurveyTest(unittest.TestCase):
    def test_watermarks_are_expected_where_a_story_has_event_time(self) -> None:
        for metric in ("task_input_watermark", "operator_input_watermark", "operator_output_watermark"):
            self.assertIsNone(why_unshown(metric, (1, 20), EVENT_TIME))
            self.assertIsNotNone(why_unshown(metric, (1, 20), {"backpressure"}))

    def test_what_every_job_shows_is_expected(self) -> None:
        for metric in ("source_idle_time", "source_errors", "source_unassigned_splits", "job_downtime", "job_rescales",
                       "task_changelog_busy_rate", "split_idle_rate", "task_mailbox_latency_p99"):
            self.assertIsNone(why_unshown(metric, (1, 16), set()), metric)

    def test_sinks_are_expected_since_the_jobs_use_the_new_ones(self) -> None:
        self.assertIsNotNone(why_unshown("sink_records", (1, 18), set()))
        self.assertIsNone(why_unshown("sink_records", (1, 20), set()))
        self.assertIsNotNone(why_unshown("sink_send_time", (2, 3), set()))

    def test_a_metric_that_is_missing_is_a_failure_and_named(self) -> None:
        lines, passed, failed = judge([row("source_idle_time", reporter=0), row("jvm_threads")], "2.2", EVENT_TIME)
        self.assertEqual((passed, failed), (2, 1))
        self.assertIn("missed: reporters lack: source_idle_time", lines)

    def test_what_is_not_expected_is_printed_with_its_reason(self) -> None:
        lines, _, failed = judge([row("kafka_commits", 0, 0), row("kinesis_millis_behind", 0, 0), row("jvm_threads")],
                                 "2.2", EVENT_TIME)
        self.assertEqual(failed, 0)
        self.assertEqual(lines[0], "metrics of Flink 2.2: 1 of 3 expected, 1 found through reporters, 1 through REST")
        self.assertIn("not expected (no Kafka or Kinesis): kafka_commits, kinesis_millis_behind", lines)

    def test_splits_are_expected_of_reporters_alone(self) -> None:
        self.assertEqual(judge([row("split_idle_rate", rest=0, level="split")], "2.2", set())[2], 0)
        self.assertEqual(judge([row("split_idle_rate", reporter=0, level="split")], "2.2", set())[2], 1)

    def test_what_a_version_should_not_have_yet_is_a_failure(self) -> None:
        self.assertEqual(judge([row("job_rescales", in_version=False)], "1.20", set())[2], 1)


if __name__ == "__main__":
    unittest.main()

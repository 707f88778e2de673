"""The proof is only as good as its judge: cases for it, without a Flink and without a network.

    python3 -m unittest judge_test        (in this folder)
"""
from __future__ import annotations

import unittest
from typing import Any

from blindness import Blindness
from findings import Report, Target, parse
from judge import Judge
from story import Expectation, Explained, Story, Twin

URL = "http://127.0.0.1:20001"


def finding(detector: str, job: str, severity: str = "warning", **more: Any) -> dict[str, Any]:
    entity = {"cluster": "a", "job_name": job, **more.pop("entity", {})}
    return {"id": f"{detector}-{job}-{entity.get('vertex', '')}", "detector": detector, "severity": severity,
            "state": "firing", "confidence": "confirmed", "entity": entity, "summary": "s", **more}


def report(*findings: dict[str, Any]) -> Report:
    return parse({"clusters": [{"name": "a", "url": URL}], "findings": list(findings)})


class JudgeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.fault = Expectation("slow vertex", "backpressure", Target(job="slow", vertex="enrich"), "5 min", "warning")
        self.twin = Twin("healthy", "backpressure", Target(job="healthy"))
        story = Story.__new__(Story)
        story.expectations, story.twins = [self.fault], [self.twin]
        story.explained = [Explained({"checkpoint_absent"}, Target(job="slow"))]
        self.judge = Judge([story])
        self.fault.due(100, 400)

    def absorb(self, *findings: dict[str, Any], at: float = 150) -> None:
        self.judge.absorb(report(*findings), at)

    def test_in_time_on_the_right_entity(self) -> None:
        self.absorb(finding("backpressure", "slow", entity={"vertex": "enrich"}))
        self.assertEqual((2, 0), (self.judge.passes(), self.judge.failures()))

    def test_too_late(self) -> None:
        self.absorb(finding("backpressure", "slow", entity={"vertex": "enrich"}), at=401)
        self.assertEqual(1, self.judge.failures())

    def test_never(self) -> None:
        self.absorb()
        self.assertEqual(1, self.judge.failures())

    def test_a_victim_named_besides_the_cause(self) -> None:
        self.absorb(finding("backpressure", "slow", entity={"vertex": "enrich"}),
                    finding("backpressure", "slow", entity={"vertex": "parse"}))
        self.assertEqual(["parse"], [f.entity["vertex"] for f in self.judge.unexplained.values()])

    def test_info_is_not_enough_and_not_too_much(self) -> None:
        self.absorb(finding("backpressure", "slow", "info", entity={"vertex": "enrich"}),
                    finding("backpressure", "healthy", "info"))
        self.assertIsNone(self.fault.seen)
        self.assertEqual([], self.twin.offences)

    def test_pending_does_not_count(self) -> None:
        self.absorb(finding("backpressure", "slow", entity={"vertex": "enrich"}, state="pending"),
                    finding("backpressure", "healthy", state="pending"))
        self.assertIsNone(self.fault.seen)
        self.assertEqual([], self.twin.offences)

    def test_any_warning_disturbs_a_twin_once(self) -> None:
        for at in (150, 151):
            self.absorb(finding("restart_loop", "healthy"), at=at)
        self.assertEqual(1, len(self.twin.offences))

    def test_what_a_twin_tolerates(self) -> None:
        self.twin.tolerated = lambda f: f.confidence == "suspected"
        self.absorb(finding("backpressure", "healthy", confidence="suspected"))
        self.assertEqual([], self.twin.offences)

    def test_known_side_effects_count_neither_way(self) -> None:
        self.absorb(finding("checkpoint_absent", "slow"))
        self.assertEqual({}, self.judge.unexplained)

    def test_task_manager_by_port_in_either_spelling(self) -> None:
        target = Target(cluster_url=URL, task_manager_port=20017)
        for spelling in ("127.0.0.1:20017-ab12cd", "127_0_0_1:20017_ab12cd"):
            given = report(finding("metaspace_leak", "", entity={"task_manager": spelling})).findings[0]
            self.assertTrue(target.matches(given), spelling)
        other = report(finding("metaspace_leak", "", entity={"task_manager": "127.0.0.1:2001-ab12cd"})).findings[0]
        self.assertFalse(target.matches(other))

    def test_twin_must_be_silent_for_twice_the_detection(self) -> None:
        self.absorb(finding("backpressure", "slow", entity={"vertex": "enrich"}), at=500)
        self.assertEqual(800, self.judge.twin_must_run(self.twin, short=False))
        self.assertEqual(0, self.judge.twin_must_run(self.twin, short=True))


MATRIX = """| detector | REST alone | with reporters |
|---|---|---|
| `backpressure` | judges | judges |
| `catch_up` | suspects | judges |
| `native_leak` | blind | judges |
"""
LINES = {"enable": ["--probe HOST:9670"]}


class BlindnessTest(unittest.TestCase):
    def failures(self, *detectors: dict[str, Any], status: str = "ok") -> int:
        blindness = Blindness(MATRIX)
        honest = {"detector": "native_leak", "state": "blind", "why": "no probe", **LINES}
        blindness.absorb(parse({"clusters": [{"name": "b", "status": "ok", "detectors": [honest]}]}))
        blindness.absorb(parse({"clusters": [{"name": "a", "status": status, "detectors": list(detectors)}]}))
        return blindness.lines()[2]

    def test_who_says_so(self) -> None:
        self.assertEqual(0, self.failures({"detector": "native_leak", "state": "blind", "why": "no probe", **LINES},
                                          {"detector": "catch_up", "state": "ok", "sight": "suspects", **LINES},
                                          {"detector": "backpressure", "state": "ok"}))

    def test_who_does_not(self) -> None:
        for silent in ({"state": "ok"}, {"state": "blind", **LINES}, {"state": "blind", "why": "no probe"}):
            self.assertEqual(1, self.failures({"detector": "native_leak", **silent}), silent)
        self.assertEqual(1, self.failures({"detector": "backpressure", "state": "ok"}))

    def test_others_name_their_blind_spot(self) -> None:
        honest = {"detector": "native_leak", "state": "blind", "why": "no probe", **LINES}
        self.assertEqual(1, self.failures(honest, {"detector": "backpressure", "state": "blind"}))
        self.assertEqual(1, self.failures(honest, {"detector": "catch_up", "state": "ok", "sight": "suspects"}))

    def test_an_outage_is_no_blindness(self) -> None:
        gone = {"detector": "native_leak", "state": "blind", "why": "the cluster does not answer (gone)"}
        self.assertEqual(0, self.failures(gone, status="gone"))
        self.assertEqual(0, self.failures(gone))

    def test_nobody_heard_is_a_failure(self) -> None:
        self.assertEqual(1, Blindness(MATRIX).lines()[2])


if __name__ == "__main__":
    unittest.main()

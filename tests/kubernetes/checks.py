"""What is counted: one line for each thing that must become true."""
from __future__ import annotations

import json
import time
from typing import Callable

WITHIN_S = 60  # of anything; the machine may be busy


class Checks:
    def __init__(self) -> None:
        self.passed = self.failed = 0

    def eventually(self, what: str, truth: Callable[[], object], shown: Callable[[], object]) -> None:
        started = time.monotonic()
        while not (well := truth()) and time.monotonic() - started < WITHIN_S:
            time.sleep(0.2)
        print(f"{'ok    ' if well else 'FAILED'} {what} ({time.monotonic() - started:.1f} s)", flush=True)
        if well:
            self.passed += 1
        else:
            self.failed += 1
            print(f"       seen: {json.dumps(shown(), default=str)[:3000]}", flush=True)

"""What the daemon recorded beside judging, judged again: the same document, member by member."""
from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from doctor import Doctor

REPLAY_TIMEOUT_S = 300
# An item that came within the same millisecond as a document, but after it, stands in the recording before it.
DOCUMENTS = 3
APART_S = 1.3


def last_documents(doctor: Doctor) -> list[dict]:
    """What the daemon says now, some seconds long."""
    documents = []
    for _ in range(DOCUMENTS):
        text = doctor.get("/api/v1/findings")
        if text:
            documents.append(json.loads(text))
        time.sleep(APART_S)
    return documents


def judged_again(binary: Path, recording: Path, at: str) -> tuple[dict, float]:
    """The document as a replay up to then has it, and how long that took."""
    began = time.monotonic()
    command = [str(binary), "replay", str(recording), "--to", at, "--format", "json"]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=REPLAY_TIMEOUT_S).stdout
    return json.loads(text)["verdicts"], time.monotonic() - began


def differences(live: object, again: object, path: str = "") -> list[str]:
    if isinstance(live, dict) and isinstance(again, dict):
        return [line for key in sorted({*live, *again})
                for line in differences(live.get(key), again.get(key), f"{path}.{key}")]
    if isinstance(live, list) and isinstance(again, list) and len(live) == len(again):
        return [line for i, (a, b) in enumerate(zip(live, again)) for line in differences(a, b, f"{path}[{i}]")]
    return [] if live == again else [f"{path}: live {str(live)[:120]}, replayed {str(again)[:120]}"]


def compare(binary: Path, recording: Path, documents: list[dict]) -> tuple[list[str], int, int]:
    """Lines to print, how many checks passed, how many failed. Ended daemon, closed recording."""
    size = sum(path.stat().st_size for path in recording.parent.glob(recording.name + "*"))
    lines = []
    for document in reversed(documents):
        try:
            again, took = judged_again(binary, recording, document["generated_at"])
        except (subprocess.SubprocessError, ValueError, KeyError) as error:
            return [f"missed: replay: {error} {getattr(error, 'stderr', '') or ''}"[:600]], 0, 1
        different = differences(document, again)
        if not different:
            return [f"recording of {size / 1e3:.0f} kB judged again in {took:.1f} s: {len(document['findings'])} findings and "
                    f"{sum(len(c['detectors']) for c in document['clusters'])} verdicts, all the same"], 1, 0
        lines = [f"missed: replay up to {document['generated_at']} differs in {len(different)} places: "
                 + "; ".join(different[:3])]
    return lines or ["missed: no document to compare a replay with"], 0, 1

"""What the real program remembers when it is killed, and what it says of directories that are not for it.

    run.py --doctor PATH [--keep FOLDER]

A Flink cluster that is not there, whose one reporter counts. Last line: "N passed, N failed".
"""
from __future__ import annotations

import argparse
import datetime
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "flink"), str(HERE.parent / "fakes")]
import flink as fakes  # noqa: E402
from cases import expect, play  # noqa: E402
from ports import free_block  # noqa: E402
from processes import Process  # noqa: E402
from replay import compare, last_documents  # noqa: E402

KILLS = 4
LOST_MAX_S = 5.0
SCRAPE_S = 1.0
PATIENCE_S = 60
METRIC = "jvm_threads"


class Counting:
    """A TaskManager whose number of threads is a new one each time it is asked, and remembers when it said which."""

    def __init__(self) -> None:
        self.told: dict[int, float] = {}
        self.page = fakes.reporter(self._text)
        self.job_manager = fakes.JobManager({"orders": "RUNNING"}, ["tm-1"])

    def _text(self) -> str:
        number = len(self.told) + 100
        self.told[number] = time.time()
        return ("# TYPE flink_taskmanager_Status_JVM_Threads_Count gauge\n"
                f'flink_taskmanager_Status_JVM_Threads_Count{{host="h",tm_id="tm-1",}} {number}.0\n'
                "# TYPE flink_taskmanager_job_task_accumulateBusyTimeMs gauge\n"
                'flink_taskmanager_job_task_accumulateBusyTimeMs{job_id="%s",task_id="%s",host="h",subtask_index="0",'
                f'tm_id="tm-1",job_name="orders",task_name="map",task_attempt_num="0",}} {number}.0\n' % ("a" * 32, "b" * 32))


class World:
    def __init__(self, doctor: Path, folder: Path) -> None:
        self.doctor, self.folder = doctor, folder
        self.cluster = Counting()
        self.data = folder / "data"
        self.config = folder / "doctor.yaml"

    def start(self, data: Path | None = None, *more: str) -> Process:
        self.port = free_block(1)
        self.config.write_text(f"""
listen: "127.0.0.1:{self.port}"
data_dir: {data or self.data}
scrape_interval: {SCRAPE_S:.0f}s
clusters:
  - {{name: orders, flink: ["http://127.0.0.1:{self.cluster.job_manager.port}"],
     reporters: ["127.0.0.1:{self.cluster.page.port}"]}}
""")
        return Process("flink-doctor", [str(self.doctor), "run", "--config", str(self.config), *more], self.folder / "doctor.log")

    def get(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def remembered(self) -> list[tuple[float, int]]:
        """Time and value of what the history has, oldest first."""
        done = subprocess.run([str(self.doctor), "history", "--data-dir", str(self.data), "--metric", METRIC, "--format", "json"],
                              capture_output=True, text=True, timeout=PATIENCE_S)
        expect(done.returncode == 0, f"history ended with {done.returncode}: {done.stderr}")
        series = json.loads(done.stdout)["series"]
        return [(datetime.datetime.fromisoformat(point["at"].replace("Z", "+00:00")).timestamp(), int(point["value"]))
                for one in series for point in one["points"]]

    def wait_told(self, more: int) -> None:
        """Until the reporter has been asked so many times more."""
        wanted, deadline = len(self.cluster.told) + more, time.monotonic() + PATIENCE_S
        while len(self.cluster.told) < wanted:
            expect(time.monotonic() < deadline, "the agent does not scrape")
            time.sleep(0.05)

    def killed_at_any_moment(self) -> None:
        before: list[tuple[float, int]] = []
        for _ in range(KILLS):
            daemon = self.start()
            self.wait_told(6)
            time.sleep(random.uniform(0, 3))
            daemon.kill()
            killed = time.time()
            found = self.remembered()
            told = dict(self.cluster.told)
            expect(found[:len(before)] == before, "what was there before the kill is not there as it was")
            for at, value in found:
                expect(value in told and abs(at - told[value]) < 5, f"{value} at {at} was never told")
            newest = max((told[value] for _, value in found), default=0.0)
            lost = [value for value, at in told.items() if newest < at < killed - LOST_MAX_S - SCRAPE_S]
            expect(not lost, f"{len(lost)} samples older than {LOST_MAX_S:.0f} s were lost, the oldest "
                             f"{killed - told[min(lost, default=100)]:.1f} s before the kill")
            before = found

    def second_life_knows_its_tasks(self) -> None:
        """From the journal, and as a part of the stream: who replays the recording comes to the same."""
        recording = self.folder / "stream"
        began = datetime.datetime.now(datetime.timezone.utc)
        daemon = self.start(None, "--record", str(recording))
        self.wait_told(4)
        documents = last_documents(self)
        expect(daemon.stop() == 0, "it did not end well")
        lines, _, failed = compare(self.doctor, recording, documents)
        expect(not failed, " ".join(lines))
        done = subprocess.run([str(self.doctor), "replay", str(recording), "--format", "json"], capture_output=True, text=True,
                              timeout=PATIENCE_S)
        first = datetime.datetime.fromisoformat(json.loads(done.stdout)["recording"]["began"].replace("Z", "+00:00"))
        expect(first < began - datetime.timedelta(seconds=1), f"nothing from before {began} is in the stream: it begins at {first}")

    def one_process_per_directory(self) -> None:
        daemon = self.start()
        self.wait_told(2)
        self.refused(self.data, "another flink-doctor uses")
        expect(daemon.alive(), "the first one has ended too")
        expect(daemon.stop() == 0, "it did not end well")

    def refused(self, data: Path, why: str) -> None:
        log = self.folder / "doctor.log"
        log.unlink(missing_ok=True)
        second = self.start(data)
        expect(second.wait(PATIENCE_S), "it starts all the same")
        expect(second.child.returncode != 0, "it ends as if all were well")
        expect(why in log.read_text(), f"it says: {log.read_text()[-300:]}")

    def newer(self, pattern: str) -> None:
        """Of the directory that was used so far, one file of a version to come."""
        data = self.folder / f"newer-{pattern[:5]}"
        shutil.copytree(self.data, data)
        path = sorted(data.glob(pattern))[-1]
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version=99")
        database.close()
        self.refused(data, "newer flink-doctor")


def cases(doctor: Path, folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    world = World(doctor, folder)
    yield f"killed {KILLS} times, at most {LOST_MAX_S:.0f} s are lost, and nothing is false", world.killed_at_any_moment
    yield "the next life knows its tasks, and replays", world.second_life_knows_its_tasks
    yield "a directory has one process", world.one_process_per_directory
    yield "a newer state.db is refused", lambda: world.newer("state.db")
    yield "a newer history is refused", lambda: world.newer("history-*.sqlite")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--doctor", type=Path, required=True)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    return play(lambda folder: cases(arguments.doctor, folder), arguments.keep)


if __name__ == "__main__":
    sys.exit(main())

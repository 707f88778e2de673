"""Reporters that send what never ends, or what must not be held, beside one that is well: the real program tells why it does not
read them, holds no more than its caps say, and goes on scraping the other.

    run.py --doctor PATH [--keep FOLDER]

Memory is the peak that the kernel knows (VmHWM) over the one of an agent whose targets are all well; the bounds are reckoned from
the caps in attacks.py. Last line: "N passed, N failed".
"""
from __future__ import annotations

import argparse
import json
import re
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "flink"), str(HERE.parent / "fakes")]
import flink as fakes  # noqa: E402
from attacks import MIB, Attack, Target, attacks, kernel_buffers, metric  # noqa: E402
from cases import expect, play  # noqa: E402
from ports import free_block  # noqa: E402
from processes import Process  # noqa: E402

SETTLED = 3      # scrapes before anything is measured
ROUNDS = 2       # of each attack
TOGETHER = 3     # scrapes of the healthy one while all attack at once
PATIENCE_S = 60
# Besides exchanges: pages of the program that were never needed before, and longer pages and documents to be given to us.
OTHERWISE = MIB


class World:
    def __init__(self, doctor: Path, folder: Path) -> None:
        self.targets = [Target(attack, number) for number, attack in enumerate(attacks(), start=2)]
        self.told = 100
        self.healthy = fakes.reporter(self._page)
        self.healthy_address = f"127.0.0.1:{self.healthy.port}"
        self.job_manager = fakes.JobManager({"orders": "RUNNING"}, ["tm-1"])
        self.url = f"http://127.0.0.1:{free_block(1)}"
        addresses = [self.healthy_address, *(target.address for target in self.targets)]
        config = folder / "doctor.yaml"
        config.write_text(f"""
listen: "{self.url.removeprefix('http://')}"
scrape_interval: 1s
clusters:
  - {{name: orders, flink: ["http://127.0.0.1:{self.job_manager.port}"], reporters: {json.dumps(addresses)}}}
""")
        self.doctor = Process("flink-doctor", [str(doctor), "run", "--config", str(config)], folder / "doctor.log")

    def _page(self) -> str:
        self.told += 1
        return metric(self.told, tm_id="tm-1")

    # ---- what the agent says

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return answer.read().decode()

    def message(self, address: str) -> str:
        sources = json.loads(self.get("/api/v1/findings"))["clusters"][0]["sources"]
        return next(source.get("message", "") for source in sources if source["address"] == address)

    def wait(self, condition: Callable[[Page], bool], complaint: str) -> Page:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            expect(self.doctor.alive(), f"the agent ended:\n{self.doctor.tail()}")
            page = Page(self.get("/metrics"))
            if condition(page):
                return page
            expect(time.monotonic() < deadline, complaint)
            time.sleep(0.2)

    def settle(self) -> None:
        """Until all has been done that is done while nothing is wrong."""
        deadline = time.monotonic() + PATIENCE_S
        while self.told < 100 + SETTLED:
            expect(self.doctor.alive() and time.monotonic() < deadline, f"the agent does not scrape:\n{self.doctor.tail()}")
            time.sleep(0.1)
        self.all_up()
        self.get("/api/v1/findings")
        self.idle = self.peak()

    def all_up(self) -> Page:
        addresses = [self.healthy_address, *(target.address for target in self.targets)]
        return self.wait(lambda page: all(page.of("up", address) == 1 for address in addresses), "not all targets are read")

    # ---- what the kernel says

    def peak(self) -> int:
        status = Path(f"/proc/{self.doctor.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[1]) << 10

    def expect_held(self, bound: int) -> None:
        held, bound = (self.peak() - self.idle) / MIB, (bound + OTHERWISE) / MIB
        print(f"         {held:6.2f} MiB over {self.idle / MIB:.1f}, of at most {bound:.2f}")
        expect(held <= bound, f"held {held:.2f} MiB more than an idle agent, of at most {bound:.2f}")


class Page:
    def __init__(self, text: str) -> None:
        self.samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

    def of(self, what: str, address: str, reason: str = "") -> float:
        """Of a source: the sum of its samples of flink_doctor_source_WHAT."""
        return sum(float(value) for name, value in self.samples.items()
                   if name.startswith(f"flink_doctor_source_{what}{{") and f'source="{address}"' in name
                   and f'reason="{reason}' in name + 'reason="')

    def threads(self, task_manager: str) -> float:
        return float(next((value for name, value in self.samples.items()
                           if name.startswith("flink_doctor_flink_jvm_threads{") and f'task_manager="{task_manager}"' in name), "nan"))


class Beside:
    """The healthy target, looked at in every page from the begin of a case on."""

    def __init__(self, world: World, page: Page) -> None:
        self.world, self.address, self.last = world, world.healthy_address, page
        self.asked = page.of("requests_total", self.address)

    def scrapes(self) -> float:
        return self.last.of("requests_total", self.address) - self.asked

    def look(self, page: Page) -> None:
        expect(page.of("up", self.address) == 1 and page.of("errors_total", self.address) == 0,
               f"the healthy target is not read: {self.world.message(self.address)}")
        told = page.threads("tm-1")
        expect(told >= self.last.threads("tm-1"), f"its value is {told:.0f} after {self.last.threads('tm-1'):.0f}")
        self.last = page

    def looked(self, condition: Callable[[Page], bool]) -> Callable[[Page], bool]:
        def both(page: Page) -> bool:
            self.look(page)
            return condition(page)
        return both

    def expect_scraped(self, times: int) -> None:
        page = self.world.wait(self.looked(lambda _: self.scrapes() >= times), "the healthy target is not scraped any more")
        expect(self.world.told - page.threads("tm-1") <= 2, "what it says is not what is shown")


def endured(world: World, target: Target) -> None:
    attack, address = target.attack, target.address
    page = world.all_up()
    beside = Beside(world, page)
    what = "malformed_lines_total" if attack.reason is None else "errors_total"
    ends = page.of(what, address, attack.reason or "") + ROUNDS
    target.armed = True
    try:
        page = world.wait(beside.looked(lambda page: page.of(what, address, attack.reason or "") >= ends),
                          f"no {attack.reason or 'malformed line'}: {world.message(address)!r}")
        if attack.reason is None:
            expect(page.of("up", address) == 1, "the rest of the page is not read")
            expect(page.threads("behind") == 4711, "what stands behind the line is not read")
        else:
            world.wait(beside.looked(lambda page: attack.says in world.message(address)), f"it says {world.message(address)!r}")
        beside.expect_scraped(ROUNDS)
        world.expect_held(attack.holds)
    finally:
        target.armed = False
    expect(target.sent_most >= attack.at_least, f"only {target.sent_most} bytes were taken: no cap was reached")
    expect(target.sent_most <= attack.reads + kernel_buffers(), f"{target.sent_most} bytes were taken")


def all_at_once(world: World) -> None:
    """Whether a cap ends each or its deadline hangs on the machine; that all are ended does not."""
    page = world.all_up()
    beside = Beside(world, page)
    bad = [target for target in world.targets if target.attack.reason]
    ends = {target.address: page.of("errors_total", target.address) + 1 for target in bad}
    for target in world.targets:
        target.armed = True
    world.wait(beside.looked(lambda page: all(page.of("errors_total", address) >= count for address, count in ends.items())),
               "not all were ended")
    beside.expect_scraped(TOGETHER)
    world.expect_held(sum(target.attack.holds for target in world.targets))


def ended_amid(world: World) -> None:
    expect(world.doctor.stop() == 0, f"it ended with {world.doctor.child.returncode}:\n{world.doctor.tail()}")
    expect("stopped" in world.doctor.tail(1), f"its last word is:\n{world.doctor.tail(3)}")


def cases(doctor: Path, folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    world = World(doctor, folder)
    world.settle()
    for target in world.targets:
        yield target.attack.name, lambda target=target: endured(world, target)
    yield "all at once", lambda: all_at_once(world)
    yield "SIGTERM amid all of them", lambda: ended_amid(world)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--doctor", type=Path, required=True)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    return play(lambda folder: cases(arguments.doctor, folder), arguments.keep)


if __name__ == "__main__":
    sys.exit(main())

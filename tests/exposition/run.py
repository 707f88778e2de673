"""Our reader beside Prometheus' own parser: a real Prometheus scrapes bodies, and labels and values of every series that it then
has are those that the reader makes of the same bytes; and what Prometheus writes itself (/federate) is read as it was meant.

    run.py --dump PATH --prometheus PATH [--seeds N] [--first-seed N] [--keep FOLDER]

Bodies are recorded, the benches', forms of a line or two (forms.py), and drawn (bodies.py), N seeds from the first seed on. Where
the two may differ is declared in forms.py. Last line: "N passed, N failed".
"""
from __future__ import annotations

import argparse
import functools
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "flink"), str(HERE.parent / "fakes")]
import bodies  # noqa: E402
import forms  # noqa: E402
from cases import expect, play  # noqa: E402
from scraped import Prometheus, Reading, Series  # noqa: E402

Case = tuple[str, Callable[[], None]]
SEEDS_TOGETHER = 40  # drawn bodies for one Prometheus
SHOWN_MAX, LINE_SHOWN_MAX = 5, 600
ZERO, MINUS_ZERO = "0" * 16, "8" + "0" * 15  # the second it writes as the first


def bits(value: float | str) -> str:
    number = float(value)
    return "NaN" if number != number else struct.pack(">d", number).hex()


def ours(dump: Path, folder: Path, texts: list[bytes]) -> list[Reading]:
    """What the reader makes of each body."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / str(number) for number in range(len(texts))]
    for path, text in zip(paths, texts):
        path.write_bytes(text)
    done = subprocess.run([str(dump), *map(str, paths)], capture_output=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"the reader ended with {done.returncode}: {done.stderr.decode()}")
    readings: list[Reading] = []
    for line in done.stdout.decode().split("\n")[:-1]:
        if line.startswith("= "):
            samples, faults = map(int, line.split()[1:])
            readings.append(Reading({}, samples, f"{faults} faults" if faults else ""))
            continue
        series, value = line.rsplit(" ", 1)
        name, labels = series[:-1].split("{")
        pairs = (label.split("=") for label in labels.split(",") if label)
        key = name, frozenset((label, bytes.fromhex(text).decode()) for label, text in pairs)
        readings[-1].series.setdefault(key, bits(struct.unpack(">d", bytes.fromhex(value))[0]))
    return readings


def as_target(reading: Reading, target: dict[str, str]) -> dict[Series, str]:
    """As Prometheus stores it: the target's labels where the sample has none of that name (honor_labels), and in its model a
    label without a value is none."""
    stored: dict[Series, str] = {}
    for (name, labels), value in reading.series.items():
        everything = {**target, **dict(labels)}
        stored.setdefault((name, frozenset(pair for pair in everything.items() if pair[1])), value)
    return stored


def difference(here: dict[Series, str], there: dict[Series, str]) -> str:
    lines = [f"{name}{dict(sorted(labels))}: {here.get((name, labels), 'none')} here, {there.get((name, labels), 'none')} there"
             for name, labels in sorted({series for series, _ in here.items() ^ there.items()}, key=repr)]
    return "\n         ".join([f"{len(lines)} series differ", *(line[:LINE_SHOWN_MAX] for line in lines[:SHOWN_MAX])])


class World:
    """Bodies, and what both make of them."""

    def __init__(self, options: argparse.Namespace, folder: Path, texts: list[bytes]) -> None:
        self.dump, self.folder, self.texts = options.dump, folder, texts
        self.ours = ours(options.dump, folder / "bodies", texts)
        self.prometheus = Prometheus(options.prometheus, folder / "prometheus", texts)

    @functools.cache
    def theirs(self, number: int) -> Reading:
        return self.prometheus.reading(number, bits)

    def same(self, number: int) -> None:
        """Samples, labels and values of a body that is valid."""
        here, there = self.ours[number], self.theirs(number)
        expect(not there.refused, f"Prometheus does not take it: {there.refused}")
        expect(not here.refused, f"we do not take it: {here.refused}")
        expect(here.series and here.samples == there.samples, f"{here.samples} samples here, {there.samples} there")
        stored = as_target(here, self.prometheus.target_labels(number))
        expect(stored == there.series, difference(stored, there.series))

    def federated(self, numbers: range) -> None:
        """Our reading of what Prometheus writes."""
        written = [self.prometheus.federated(number) for number in numbers]
        for number, here in zip(numbers, ours(self.dump, self.folder / "federated", written)):
            read = as_target(here, {})  # it writes instance="" where there is none
            there = {series: ZERO if value == MINUS_ZERO else value for series, value in self.theirs(number).series.items()}
            expect(not here.refused and read == there, f"body {number}: {here.refused} {difference(read, there)}")


def complaints(of: list[str]) -> None:
    expect(not of, "\n         ".join([f"{len(of)} of them", *of[:3 * SHOWN_MAX]]))


def agreed(world: World, first: int) -> None:
    wrong = []
    for number, text in enumerate(forms.AGREED, first):
        here, there = world.ours[number], world.theirs(number)
        stored = as_target(here, world.prometheus.target_labels(number))
        if bool(here.refused) != bool(there.refused):
            wrong.append(f"{text!r}: here {here.refused or 'taken'}, there {there.refused or 'taken'}")
        elif not here.refused and (stored != there.series or here.samples != there.samples):
            wrong.append(f"{text!r}: {difference(stored, there.series)}")
    complaints(wrong)


def declared(world: World, first: int, deviation: forms.Deviation) -> None:
    wrong = []
    for number, text in enumerate(deviation.bodies, first):
        here, there = world.ours[number], world.theirs(number)
        if (not here.refused, not there.refused) != (deviation.taken_here, not deviation.taken_here):
            wrong.append(f"{text[:60]!r}: here {here.refused or 'taken'}, there {there.refused or 'taken'}")
    complaints(wrong)


def cases(options: argparse.Namespace, folder: Path) -> Iterator[Case]:
    whole = {**bodies.recorded(), "the benches' body": bodies.synthetic(options.dump)}
    texts = [*whole.values(), *forms.AGREED, *(text for deviation in forms.DEVIATIONS for text in deviation.bodies)]
    world = World(options, folder / "fixed", texts)
    for number, name in enumerate(whole):
        yield name, lambda n=number: world.same(n)
    yield f"{len(forms.AGREED)} forms, taken or refused alike", lambda: agreed(world, len(whole))
    first = len(whole) + len(forms.AGREED)
    for deviation in forms.DEVIATIONS:
        yield f"declared: {deviation.why}", lambda at=first, d=deviation: declared(world, at, d)
        first += len(deviation.bodies)
    yield "what Prometheus writes of them", lambda: world.federated(range(len(whole)))
    world.prometheus.close()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for at in range(0, len(seeds), SEEDS_TOGETHER):
        some = seeds[at:at + SEEDS_TOGETHER]
        world = World(options, folder / f"drawn-{some[0]}", [bodies.Drawn(seed).body() for seed in some])
        for number, seed in enumerate(some):
            yield f"drawn body, seed {seed}", lambda w=world, n=number: w.same(n)
        yield f"what Prometheus writes of seeds {some[0]} to {some[-1]}", lambda w=world: w.federated(range(len(w.texts)))
        world.prometheus.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("dump", "prometheus"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    return play(lambda folder: cases(options, folder), options.keep)


if __name__ == "__main__":
    sys.exit(main())

"""Valid bodies: recorded ones, that of the benches, and drawn ones with whatever the text format allows."""
from __future__ import annotations

import math
import random
import struct
import subprocess
from decimal import Decimal, localcontext
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
FAMILIES, SERIES_MAX, LABELS_MAX = 40, 12, 64
TYPES = ["counter", "gauge", "histogram", "summary", "untyped"]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
# Some that Prometheus gives to every target itself (honor_labels), some that formats know.
LABEL_NAMES = ["host", "tm_id", "job", "instance", "le", "quantile", "__x", "exported_job", "_", "A1"]
PIECES = ["a", "Window(TumblingEventTimeWindows(5000), EventTimeTrigger)", "->", "\\\\", '\\"', "\\n", "\\\\n", "{", "}",
          '{x=\\"1\\"} 2', ",", "=", " ", "\t", "#", "'", "\r", "\x01", "\x1f", "\x7f", "\x80", "é", "漢字", "\u2028", "\ufeff",
          "\ufffd", "\uffff", "🐿", "\U0010ffff"]
WORDS = ["NaN", "+Inf", "-Inf", "Inf", "nan", "NAN", "inf", "-inf", "+inf", "+INF", "Infinity", "-infinity", "+iNfInItY"]
EDGES = ["0.0", "-0.0", "+0", "-0", "0e400", "-0E-400", ".5", "5.", "+5.e1", "00012", "1E7", "1e+7", "1e-07", "4.9E-324", "1e-400",
         "-1e-400", "2e-324", "3e-324", "2.2250738585072011e-308", "1.7976931348623157E308", "1.7976931348623158e308",
         "-9.223372036854776E18", "9007199254740993", "9223372036854775807", "18446744073709551616", "0." + "0" * 320 + "123e320",
         "1" + "0" * 400 + "e-400", "1e0000000000000000000001", "1e-99999999999999999999"]


def recorded() -> dict[str, bytes]:
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in sorted((TESTS / "fixtures").glob("*/reporter-*.txt"))}


def synthetic(dump: Path) -> bytes:
    return subprocess.run([str(dump), "--synthetic"], stdout=subprocess.PIPE, check=True, timeout=60).stdout


class Drawn:
    """A body; a function of the seed alone."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def body(self) -> bytes:
        lines = [line for family in range(FAMILIES) for line in self.family(family)]
        if self.random.random() < .3:  # families in pieces, comments anywhere
            self.random.shuffle(lines)
        # Some series again, with another value.
        lines += [f"{line[:line.rindex('}') + 1]} 7" for line in self.random.sample(lines, len(lines) // 30)
                  if "}" in line and line[0] != "#"]
        text = "\n".join(lines) + self.random.choice(["\n", "\n", "\n\n", ""])
        return text.encode()

    def family(self, number: int) -> list[str]:
        name = self.random.choice(["flink_", "x:", ":", "_", "A"]) + self.name(6) + str(number)
        lines = [f"{name}{self.random.choice(['', '', '', '_sum', '_count', '_bucket'])}{self.labels(number)}{self.tail()}"
                 for number in range(self.random.randrange(SERIES_MAX))]
        for comment in (self.help(name), f"# TYPE {name} {self.random.choice(TYPES)}", self.any_comment()):
            if self.random.random() < .6:
                lines.insert(self.random.choice([0, 0, 0, len(lines), self.random.randrange(len(lines) + 1)]), comment)
        return lines

    def name(self, length: int) -> str:
        return self.random.choice(LETTERS) + "".join(self.random.choices(LETTERS + "0123456789", k=self.random.randrange(length)))

    def help(self, name: str) -> str:
        text = "".join(piece for piece in self.random.choices(PIECES, k=self.random.randrange(6)) if piece != "\n")
        return f"#{self.blank(1)}HELP{self.blank(1)}{name}{' ' + text if text else ''}"

    def any_comment(self) -> str:
        return self.random.choice(["", " ", "\t ", "#", "# ", "#HELP", "# HELP", "#TYPE a b c", "# EOF", "# a 1", "#a{x=\"1\"} 1",
                                   " # {", "## 1"])

    def blank(self, at_least: int = 0) -> str:
        if self.random.random() < .8:
            return " " * at_least
        return "".join(self.random.choices(" \t", k=self.random.randrange(at_least, 4)))

    def labels(self, number: int) -> str:
        count = LABELS_MAX - 1 if self.random.random() < .01 else self.random.randrange(8)
        names = dict.fromkeys(self.random.choice(LABEL_NAMES) if self.random.random() < .3 else self.name(5) for _ in range(count))
        pairs = [f'{name}{self.blank()}={self.blank()}"{self.value()}"' for name in names]
        if self.random.random() < .9:  # else it may be another's twin
            pairs.insert(self.random.randrange(len(pairs) + 1), f'number="{number}"')
        elif not pairs:
            return self.random.choice(["", "{}", "{ }"])
        text = f"{self.blank()},{self.blank()}".join(pairs) + self.random.choice(["", ",", ",", " , "])
        return f"{self.blank()}{{{self.blank()}{text}{self.blank()}}}"

    def value(self) -> str:
        if self.random.random() < .3:
            return "".join(chr(c) for c in (self.random.choice([0x7f, 0x7ff, 0xffff, 0x10ffff]) - self.random.randrange(0x60)
                                            for _ in range(self.random.randrange(20))) if chr(c) not in '\n"\\')
        return "".join(self.random.choices(PIECES, k=self.random.choice([0, 1, 1, 2, 5, 30])))

    def tail(self) -> str:
        timestamp = self.random.choice(["0", "1", "1700000000000", "9223372036854775807", "007"])
        return self.blank(1) + self.number() + (self.blank(1) + timestamp if self.random.random() < .2 else "") + self.blank()

    def number(self) -> str:
        kind = self.random.randrange(8)
        if kind == 0:
            return self.random.choice(EDGES)
        if kind == 1:
            return self.random.choice(WORDS)
        if kind == 2:
            return repr(self.any_double())
        if kind == 3:
            return self.halfway()
        digits = "".join(self.random.choices("0123456789", k=self.random.randrange(1, 25)))
        at = self.random.randrange(len(digits) + 1)
        sign = self.random.choice(["", "", "+", "-"])
        power = f"{self.random.choice('eE')}{self.random.choice(['', '+', '-'])}{self.random.randrange(280)}"
        exponent = self.random.choice(["", power])
        return sign + (digits if self.random.random() < .4 else f"{digits[:at]}.{digits[at:]}") + exponent

    def halfway(self) -> str:
        """In the middle between two doubles, or a hair beyond: hundreds of digits."""
        low = self.any_double()
        with localcontext(prec=1200):
            mantissa, exponent = f"{(Decimal(low) + Decimal(math.nextafter(low, math.inf))) / 2:e}".split("e")
        return f"{mantissa}{'' if '.' in mantissa else '.'}{self.random.choice(['', '0', '0001'])}e{exponent}"

    def any_double(self) -> float:
        while True:
            value = struct.unpack("<d", self.random.randbytes(8))[0]
            if abs(value) < 1.7e308:  # neither infinite nor NaN
                return value

"""Answers that no reporter gives: endless, enormous, or packed so that they become it. Each has a port of its own on loopback,
gives a good page until it is armed, and counts what the agent let it send.
"""
from __future__ import annotations

import gzip
import random
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

# The caps of the product: model/limits.hpp, and agent/net/gunzip.cpp for the ratio.
BODY_MAX = 256 * MIB
HEAD_MAX = 16 * KIB
LINE_MAX = 64 * KIB
NAMES_MAX = 8 * MIB
RATIO_MAX = 250

# What one exchange may hold, from the caps. A list that doubles leaves holes as large as itself behind while it grows.
WINDOW = 64 * KIB                               # agent/net/asio_http.cpp
EXCHANGE = WINDOW + 4 * HEAD_MAX                # and its head, in a list of up to twice its size
PARSE = EXCHANGE + 4 * LINE_MAX                 # and the beginning of a line
GUNZIP = WINDOW + 86 * KIB                      # what is inflated, and ISA-L's state
STAGED = 2 * 65_536 * 72                        # 50,000 new series of 72 bytes, in room for 65,536
NAMES = NAMES_MAX                               # counted with what holds them

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"


@dataclass(frozen=True)
class Attack:
    name: str
    pour: Callable[[Callable[[bytes], None]], None]
    reason: str | None  # as on /metrics; None: the page is read, and what is wrong in it counted
    says: str           # in the document of findings
    holds: int          # bytes, at most, while it goes on
    reads: int          # bytes, at most, that the agent takes from the wire
    at_least: int = 0   # bytes that must have gone out: the cap stopped it and not the clock


def metric(value: object, **labels: str) -> str:
    return 'flink_taskmanager_Status_JVM_Threads_Count{host="h",%s} %s\n' % (
        "".join(f'{name}="{text}",' for name, text in labels.items()), value)


def repeated(block: bytes, total: int | None) -> Iterator[bytes]:
    sent = 0
    while total is None or sent < total:
        yield block
        sent += len(block)


def framed(text: bytes) -> bytes:
    """The same in chunks of 64 KiB."""
    parts = [text[at:at + 64 * KIB] for at in range(0, len(text), 64 * KIB)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def placed_lines(count: int) -> bytes:
    """Series that are wanted and have their place, each another."""
    line = ('flink_taskmanager_job_task_accumulateBusyTimeMs{job_id="%s",task_id="%032x",host="h",subtask_index="0",'
            'tm_id="tm-b",job_name="orders",task_name="map",task_attempt_num="0",} 1.0\n')
    return "".join(line % ("a" * 32, n) for n in range(count)).encode()


def placeless_lines(count: int) -> bytes:
    """Wanted, but the job that would place them is not told; each names another TaskManager."""
    line = 'flink_taskmanager_job_task_accumulateBusyTimeMs{tm_id="%032x",} 1.0\n'
    return "".join(line % n for n in range(count)).encode()


def packed_lines() -> bytes:
    """A gzip member of a mebibyte of good lines of one series, which unpacks to less than what is taken for a bomb."""
    some = random.Random(1)
    text = "".join(metric(some.randrange(10_000), tm_id="tm-g", filler="x" * 400) for _ in range(MIB // 480)).encode()
    member = gzip.compress(text, 6)
    ratio = len(text) / len(member)
    assert RATIO_MAX / 4 < ratio < RATIO_MAX * 0.9, f"packs {ratio:.0f} times"
    return member


def attacks() -> list[Attack]:
    """Those that may hold least come first: what the allocator keeps of one is not taken for another's."""
    unwanted = b"flink_taskmanager_nobody_wants_this{host=\"h\",} 1.0\n"
    unwanted *= MIB // len(unwanted)
    placed, placeless = framed(placed_lines(60_000)), framed(placeless_lines(300_000))
    packed, zeros = packed_lines(), gzip.compress(bytes(4 * MIB), 9)
    behind = metric(4711, tm_id="behind").encode()
    line = b"x" * MIB

    def sequence(head: bytes, block: bytes, total: int | None, tail: bytes = b"") -> Callable[[Callable[[bytes], None]], None]:
        def pour(send: Callable[[bytes], None]) -> None:
            send(head)
            for part in repeated(block, total):
                send(part)
            send(tail)
        return pour

    too_large = "the answer is larger than the cap of 268435456 bytes"
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    packing = OK + b"Content-Encoding: gzip\r\n\r\n"
    return sorted([
        Attack("a gigabyte without framing", sequence(OK + b"\r\n", unwanted, GIB), "too_large", too_large,
               PARSE, BODY_MAX, BODY_MAX),
        Attack("chunks without end, of good lines", sequence(chunked, placed, None), "too_large", too_large,
               PARSE + STAGED + NAMES, BODY_MAX, BODY_MAX),
        Attack("chunks without end, of lines without their place", sequence(chunked, placeless, None), "too_large", too_large,
               PARSE + NAMES, BODY_MAX, BODY_MAX),
        Attack("one line of 100 MB", sequence(OK + b"\r\n", line, 100 * MIB, b"\n" + behind), None, "",
               PARSE, 101 * MIB, 100 * MIB),
        Attack("a gzip bomb of zeros", sequence(packing, zeros, 2 * len(zeros) * 256), "too_large",
               f"the gzip body unpacks to more than {RATIO_MAX} times its size", PARSE + GUNZIP, WINDOW),
        Attack("a gigabyte of good lines in gzip", sequence(packing, packed, 1024 * len(packed)), "too_large",
               "the body is larger than the cap on decoded bytes", PARSE + GUNZIP + STAGED, (BODY_MAX // MIB + 1) * len(packed) + WINDOW,
               BODY_MAX // RATIO_MAX),
        Attack("a terabyte, announced", sequence(OK + b"Content-Length: %d\r\n\r\n" % (1 << 40), unwanted, GIB), "too_large",
               "a body of 1099511627776 bytes is announced, more than the cap", EXCHANGE, WINDOW),
        Attack("a head without end", sequence(OK, b"X-Filler: " + b"y" * 54 + b"\r\n", None), "too_large",
               "the head of the answer exceeds 16384 bytes", EXCHANGE, HEAD_MAX + WINDOW),
    ], key=lambda attack: attack.holds)


def kernel_buffers() -> int:
    """What may lie between a sender and a receiver that does not read."""
    return sum(int(Path(f"/proc/sys/net/ipv4/tcp_{way}mem").read_text().split()[2]) for way in "rw")


class Target:
    """One reporter that can turn bad."""

    def __init__(self, attack: Attack, number: int) -> None:
        self.attack, self.armed = attack, False
        self.sent_most = 0
        page = metric(7, tm_id=f"tm-{number}").encode()
        self.good = OK + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(page) + page
        target = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                target.answer(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, request_queue_size = True, 16

            def handle_error(self, *_: object) -> None:
                pass  # that the agent hangs up is what is wanted

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def answer(self, peer: object) -> None:
        asked = b""
        while b"\r\n\r\n" not in asked:
            more = peer.recv(4096)
            if not more:
                return
            asked += more
        if not self.armed:
            peer.sendall(self.good)
            return
        sent = 0

        def send(block: bytes) -> None:
            nonlocal sent
            view = memoryview(block)
            while view:
                count = peer.send(view)
                sent += count
                self.sent_most = max(self.sent_most, sent)
                view = view[count:]

        self.attack.pour(send)

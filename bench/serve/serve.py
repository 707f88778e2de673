"""What answering costs: the pages that others read, under load, beside a Prometheus that watches the same targets.

    python3 serve.py --doctor PATH --generator PATH --reader PATH --prometheus PATH [--series 50k] [--settle 40]
                     [--rounds 5] [--seconds 4] [--connections 16]

For each page: requests a second, latency, and the CPU that the answering program used for one request (which holds also on a
machine that does other things). Rounds are interleaved; the ratios are those within a round, void where an answer failed. Then
128 readers that ask and do not read, all from 127.0.0.1, and beside them one reader from 127.0.0.2: it must be served. Fails only if it is not.
"""
from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from peers import (DOCTOR_PORT, PROMETHEUS_PORT, SERIES_OF_A_TASK_MANAGER, Generator, Side, Sides,  # noqa: E402
                   add_binaries, series_count, spread)

PAGES = [("flink-doctor", DOCTOR_PORT, "/metrics"), ("flink-doctor", DOCTOR_PORT, "/api/v1/findings"),
         ("flink-doctor", DOCTOR_PORT, "/api/v1/rules"), ("flink-doctor", DOCTOR_PORT, "/"),
         ("Prometheus", PROMETHEUS_PORT, "/metrics"), ("Prometheus", PROMETHEUS_PORT, "/api/v1/rules"),
         ("Prometheus", PROMETHEUS_PORT, "/api/v1/alerts")]
ALIKE = [("/metrics", "/metrics"), ("/api/v1/rules", "/api/v1/rules"), ("/api/v1/findings", "/api/v1/alerts")]  # ours, Prometheus'
SLOW_READERS = 128


def load(args: argparse.Namespace, side: Side, port: int, path: str) -> dict:
    before = side.cpu()
    out = subprocess.run([str(args.reader), "--port", str(port), "--path", path, "--connections",
                          str(args.connections), "--seconds", str(args.seconds)], capture_output=True, text=True)
    seen = json.loads(out.stdout)
    requests = max(seen["requests"], 1)
    return {**seen, "rate": seen["requests"] / seen["seconds"], "body": seen["bytes"] / requests,
            "cpu_us": (side.cpu() - before) * 1e6 / requests}


def slow_reader() -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect(("127.0.0.1", DOCTOR_PORT))
    for _ in range(200):  # more than the buffers between us take
        try:
            client.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", socket.MSG_DONTWAIT)
        except OSError:
            break
    return client


def served_beside_slow_readers() -> float | None:
    """How long another peer waits, in ms; None when it is not served."""
    slow = [slow_reader() for _ in range(SLOW_READERS)]
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", DOCTOR_PORT), 5, ("127.0.0.2", 0)) as client:
            client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = client.recv(64)
        return (time.monotonic() - began) * 1000 if answer.startswith(b"HTTP/1.1 200") else None
    except OSError:
        return None
    finally:
        for client in slow:
            client.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_binaries(parser)
    parser.add_argument("--reader", type=Path, required=True)
    parser.add_argument("--series", type=series_count, default=series_count("50k"))
    parser.add_argument("--settle", type=float, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", type=int, default=16)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="flink-doctor-serve-"))
    seen: dict[tuple[str, str], list[dict]] = {}
    try:
        with Generator(args.generator, args.series // SERIES_OF_A_TASK_MANAGER) as generator:
            make = Sides(args, folder, generator)
            sides = {side.name: side for side in (make.doctor(), make.prometheus())}
            for side in sides.values():
                side.start(folder)
            try:
                time.sleep(args.settle)
                for _ in range(args.rounds):
                    for name, port, path in PAGES:
                        seen.setdefault((name, path), []).append(load(args, sides[name], port, path))
                waited_ms = served_beside_slow_readers()
            finally:
                for side in sides.values():
                    side.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{args.series:,} series, {args.connections} connections, median of {args.rounds} rounds of {args.seconds:g} s")
    for (name, path), rounds in seen.items():
        middle = {key: statistics.median(r[key] for r in rounds) for key in ("rate", "body", "cpu_us", "p50", "p99")}
        failures = sum(r["failures"] for r in rounds)
        print(f"{name:13} {path:18} {middle['rate']:8,.0f}/s  {middle['body'] / 1000:7.1f} kB  "
              f"{middle['cpu_us']:7.0f} us CPU each  p50 {middle['p50']:6.2f} ms  p99 {middle['p99']:6.2f} ms"
              f"{f'  {failures} failed' if failures else ''}")
    print("how many times ours Prometheus' CPU for an answer is, min .. median .. max over the rounds; and the same of median latencies")
    for ours, theirs in ALIKE:
        pairs = [(a, b) for a, b in zip(seen["flink-doctor", ours], seen["Prometheus", theirs]) if not a["failures"] + b["failures"]]
        if pairs:
            print(f"{theirs:18} by {ours:18} CPU {spread([b['cpu_us'] / a['cpu_us'] for a, b in pairs], 0)}, "
                  f"p50 {spread([b['p50'] / a['p50'] for a, b in pairs], 0)}")
        else:
            print(f"{theirs:18} by {ours:18} no valid round")
    print(f"beside {SLOW_READERS} slow readers: " + ("NOT SERVED" if waited_ms is None else f"served after {waited_ms:.0f} ms"))
    return 1 if waited_ms is None else 0


if __name__ == "__main__":
    sys.exit(main())

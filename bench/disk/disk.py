#!/usr/bin/env python3
"""What the history takes on disk, beside VictoriaMetrics that was given the same samples, and beside their entropy."""
import argparse
import contextlib
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import time
import urllib.request

ADDRESS = "127.0.0.1:18428"


def ours(bench, folder, lines, recording):
    what = ["play", str(folder), "--recording", str(recording)] if recording else ["size", str(folder)]
    text = subprocess.run([bench, *what, "--lines", str(lines)], check=True, text=True, stdout=subprocess.PIPE).stdout
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}


def chunk_bytes(folder):
    """Of samples alone: without names and free parts of pages."""
    total = 0
    for path in folder.glob("*.sqlite"):
        with contextlib.closing(sqlite3.connect(path)) as file:
            total += file.execute("SELECT coalesce(sum(length(body)), 0) FROM chunk").fetchone()[0]
    return total


def call(path, data=None):
    with urllib.request.urlopen(f"http://{ADDRESS}{path}", data=data, timeout=600) as answer:
        return answer.read().decode()


def wait_until(is_so, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if is_so():
                return
        except OSError:
            pass
        time.sleep(0.3)
    raise SystemExit(f"VictoriaMetrics was not ready within {seconds} s")


def bytes_below(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def theirs(program, folder, lines):
    """Bytes of samples, and of the index, after its own merging was asked for."""
    command = [program, f"-storageDataPath={folder}", f"-httpListenAddr={ADDRESS}", "-retentionPeriod=1",
               "-search.disableCache", "-loggerLevel=ERROR"]
    daemon = subprocess.Popen(command)
    try:
        wait_until(lambda: call("/health") == "OK", 30)
        with open(lines, "rb") as file:
            batch = []
            for line in file:
                batch.append(line)
                if len(batch) == 200:
                    call("/api/v1/import", b"".join(batch))
                    batch = []
            call("/api/v1/import", b"".join(batch))
        call("/internal/force_flush")
        call("/internal/force_merge")
        before = -1
        while before != bytes_below(folder / "data"):  # the merge goes on by itself
            before = bytes_below(folder / "data")
            time.sleep(5)
    finally:
        daemon.terminate()
        daemon.wait(60)
    return bytes_below(folder / "data"), bytes_below(folder / "indexdb")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--victoria-metrics", required=True)
    parser.add_argument("--recording", type=pathlib.Path, help="of `run --record`: its samples instead of drawn ones")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="flink-doctor-disk-"))
    try:
        history, lines = folder / "history", folder / "lines"
        history.mkdir()
        mine = ours(arguments.bench, history, lines, arguments.recording)
        samples, floor = mine["samples"], mine["entropy_bytes_per_sample"]
        chunks = chunk_bytes(history)  # of a recording; drawn samples stand in bins by now
        data, index = theirs(arguments.victoria_metrics, folder / "victoria", lines)
    finally:
        shutil.rmtree(folder)
    print(f"{samples:.0f} samples; bytes per sample, and what that is of their entropy")
    rows = [("entropy of the data", floor), ("flink-doctor, whole file", mine["file_bytes_per_sample"]),
            ("VictoriaMetrics, samples", data / samples), ("VictoriaMetrics, with index", (data + index) / samples)]
    if arguments.recording:
        rows[1:1] = [("the same, learned as it goes", mine["learned_bytes_per_sample"]), ("flink-doctor, samples", chunks / samples)]
    for name, value in rows:
        print(f"  {name:30} {value:6.3f}  {value / floor:5.2f}")
    if not arguments.recording:
        print(f"flink-doctor, a bin of five minutes of one series: {mine['bytes_per_bin']:.2f} bytes")
        return
    print(f"{mine['series']:.0f} series of these kinds: share of series, of samples, bits per sample")
    for kind in ("constant", "counter", "number", "digits"):
        print(f"  {kind:10} {mine[kind + '_share_of_series']:6.3f} {mine[kind + '_share_of_samples']:6.3f} "
              f"{mine[kind + '_bits_per_sample']:6.2f}")


if __name__ == "__main__":
    main()

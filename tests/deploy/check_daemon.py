"""The program as its unit starts it: it tells the service manager READY and WATCHDOG, serves, and ends on SIGTERM.

    check_daemon.py PROGRAM [PROMTOOL]

A socket of our own plays the service manager; Flink is a port on which nobody listens.
"""
from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

PATIENCE_S = 60  # of a loaded machine; what the program promises itself is checked where it is promised
STOPS_WITHIN_S = 5


class Failed(Exception):
    pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_message(manager: socket.socket, wanted: str, seen: list[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        manager.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            seen += manager.recv(4096).decode().splitlines()
        except TimeoutError:
            break
        if wanted in seen:
            return
    raise Failed(f"the service manager was never told {wanted}, only {seen}")


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def wait_ready(base: str) -> None:
    """Ready means judged, and a Flink that does not answer is judged too."""
    deadline = time.monotonic() + PATIENCE_S
    while status(base + "/-/ready") != 200:
        if time.monotonic() > deadline:
            raise Failed(f"/-/ready did not answer 200 within {PATIENCE_S} s")
        time.sleep(0.2)


def check_pages(base: str, promtool: str | None) -> None:
    for path in ("/-/healthy", "/", "/api/v1/findings", "/api/v1/status/buildinfo", "/metrics"):
        if (code := status(base + path)) != 200:
            raise Failed(f"{path} answered {code}")
    if promtool:
        with urllib.request.urlopen(base + "/metrics", timeout=10) as answer:
            checked = subprocess.run([promtool, "check", "metrics"], input=answer.read(), capture_output=True)
        if checked.returncode != 0:
            raise Failed("promtool check metrics: " + (checked.stdout + checked.stderr).decode())


def check(program: str, promtool: str | None, folder: Path) -> None:
    port = free_port()
    config = folder / "config.yaml"
    config.write_text(f"listen: 127.0.0.1:{port}\nclusters:\n  - name: nobody\n    flink: ['http://127.0.0.1:{free_port()}']\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, open(folder / "log", "w+") as log:
        manager.bind(str(folder / "notify"))
        daemon = subprocess.Popen([program, "run", "--config", str(config), "--data-dir", str(folder / "data")],
                                  env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "60000000"},
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            seen: list[str] = []
            wait_message(manager, "READY=1", seen)
            wait_message(manager, "WATCHDOG=1", seen)
            wait_ready(f"http://127.0.0.1:{port}")
            check_pages(f"http://127.0.0.1:{port}", promtool)
            daemon.send_signal(signal.SIGTERM)
            asked = time.monotonic()
            code = daemon.wait(PATIENCE_S)
            if code != 0 or time.monotonic() - asked > STOPS_WITHIN_S:
                raise Failed(f"SIGTERM: ended with code {code} after {time.monotonic() - asked:.1f} s")
        except (Failed, OSError, subprocess.TimeoutExpired) as error:
            log.seek(0)
            raise Failed(f"{error}\nits log:\n{log.read()[-4000:]}") from error
        finally:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()


def main() -> int:
    promtool = sys.argv[2] if len(sys.argv) > 2 and sys.argv[2] else None
    with tempfile.TemporaryDirectory() as folder:
        try:
            check(sys.argv[1], promtool, Path(folder))
        except Failed as error:
            print(error)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

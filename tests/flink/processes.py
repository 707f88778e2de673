"""Child processes that end with us: each in its own process group, and killed by the kernel should we be killed first.

Nothing is ever ended by name: only groups started here, by their id.
"""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

STOP_GRACE_S = 6


class Process:
    """A running command with its output in a file."""

    def __init__(self, name: str, command: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as out:
            self.child = subprocess.Popen(with_death_signal(command), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          env={**os.environ, **(env or {})}, start_new_session=True)
        _started.append(self)

    @property
    def pid(self) -> int:
        return self.child.pid

    def alive(self) -> bool:
        return self.child.poll() is None

    def signal(self, number: int) -> None:
        """To the whole group, but never once it has been reaped: the number might be somebody else's by then."""
        if not self.alive():
            return
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.child.wait()

    def stop(self, grace_s: float = STOP_GRACE_S) -> int:
        """SIGTERM, then SIGKILL for whoever of the group is left; returns the exit code."""
        stop_all([self], grace_s)
        return self.child.returncode

    def wait(self, timeout_s: float) -> bool:
        """True when it has ended by itself within the time."""
        try:
            self.child.wait(timeout_s)
            return True
        except subprocess.TimeoutExpired:
            return False

    def resident_mb(self) -> int:
        """Resident size of the process, 0 when it is gone."""
        try:
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) >> 10
        except OSError:
            pass
        return 0

    def tail(self, lines: int = 15) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


_started: list[Process] = []


def with_death_signal(command: list[str]) -> list[str]:
    """The kernel kills the child when we die without a chance to clean up (util-linux; absent: we do without)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else command


def stop_all(processes: list[Process] | None = None, grace_s: float = STOP_GRACE_S) -> None:
    """Ends processes together, so that the grace is spent once and not per process."""
    group = [p for p in (processes if processes is not None else _started)]
    for process in group:
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGCONT)  # a paused process cannot end
    deadline = time.monotonic() + grace_s
    while any(p.alive() for p in group) and time.monotonic() < deadline:
        time.sleep(0.1)
    for process in group:
        process.kill()


class Interrupted(BaseException):
    """SIGTERM, as an exception, so that every `with` on the way out closes what it opened."""


def raise_on_sigterm() -> None:
    def handler(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the clean-up
        raise Interrupted

    signal.signal(signal.SIGTERM, handler)

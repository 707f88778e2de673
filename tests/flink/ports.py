"""Free TCP ports in blocks, below the range from which the kernel picks ports for outgoing connections."""
from __future__ import annotations

import random
import socket

LOWEST, HIGHEST = 20000, 30000


def free_block(size: int) -> int:
    """First port of `size` neighbours that nobody uses now, on any interface."""
    for _ in range(500):
        first = random.randrange(LOWEST, HIGHEST - size, size)
        if all(is_free(port) for port in range(first, first + size)):
            return first
    raise RuntimeError(f"no {size} free neighbouring ports between {LOWEST} and {HIGHEST}")


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))
            return True
        except OSError:
            return False

"""How much memory this process has."""

from __future__ import annotations

import resource


def resident_bytes() -> float:
    """What it holds now; where the system does not say, the most it ever held."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return float(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024

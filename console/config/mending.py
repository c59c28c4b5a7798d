"""Go on checking what has faults of shape: take out what does not fit, and tell no fault that only follows from one."""

from __future__ import annotations

from typing import Any

from console.config.faults import Fault, Key


def mend(data: Any, location: Key, *, missing: bool) -> None:
    """Take out what does not fit; everything that may be missing and is required is a text."""
    inside = data
    for part in location[:-1]:
        try:
            inside = inside[part]
        except (KeyError, IndexError, TypeError):
            return
    last = location[-1]
    if missing and isinstance(inside, dict):
        inside[last] = ""
    elif isinstance(inside, dict):
        inside.pop(last, None)
    elif isinstance(inside, list) and isinstance(last, int) and last < len(inside):
        del inside[last]


def follows(fault: Fault, wrong: set[Key]) -> bool:
    """Whether a fault may be only the consequence of one that is reported already."""
    inside = any(fault.key[: len(key)] == key for key in wrong)
    around = any(key[: len(fault.key)] == fault.key for key in wrong)
    return inside or around

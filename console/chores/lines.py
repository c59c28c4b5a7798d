"""What a chore and the process that started it tell each other: one JSON object a line.

The order comes on standard input, which then stays open: its end means that whoever asked is gone. Secrets come this
way alone. On standard output come `progress` and `beat`, then one `done`, `failed` or `stopped`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

BEAT_SECONDS = 5.0
"""How often a chore shows that it lives, whatever it does."""


@dataclass(frozen=True)
class Order:
    """One chore. `folder` is where it keeps what it needs to go on after a kill, and nobody else has it meanwhile."""

    task: str
    folder: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Told:
    """Where a chore stands. `rate` is pieces a second of this run, `left_s` the seconds that the rest will take."""

    phase: str
    about: str = ""
    done: int = 0
    total: int = 0
    rate: float = 0.0
    left_s: float | None = None


@dataclass(frozen=True)
class Done:
    """It is done. `outputs` hold JSON values that later steps, or taking it back, need."""

    detail: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """It is not done. `again` says that the same order given once more may get further.

    `passes` says that nothing but somebody's answer is lacking, so that it is worth while to wait and go on.
    """

    what: str
    where: str = ""
    remedy: str = ""
    again: bool = False
    passes: bool = False


@dataclass(frozen=True)
class Stopped:
    """It was asked to stop, and the same order goes on from there."""


@dataclass(frozen=True)
class Beat:
    """It lives."""


Line = Told | Done | Failed | Stopped | Beat
_KINDS: Mapping[str, type[Any]] = {
    "progress": Told,
    "done": Done,
    "failed": Failed,
    "stopped": Stopped,
    "beat": Beat,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def write_line(line: Line) -> bytes:
    """One line with its end."""
    return json.dumps({_NAMES[type(line)]: asdict(line)}, ensure_ascii=True, default=str).encode() + b"\n"


def read_line(text: bytes) -> Line | None:
    """What a line says; None for one that is none of ours."""
    try:
        ((name, values),) = json.loads(text).items()
        found: Line = _KINDS[name](**values)
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
    return found


def write_order(order: Order) -> bytes:
    return json.dumps(asdict(order), ensure_ascii=True).encode() + b"\n"


def read_order(text: bytes) -> Order:
    """Raises ValueError for what is no order."""
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("no order came")
    return Order(**values)

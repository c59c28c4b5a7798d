"""What a linter says of a migration file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    BLOCKS = "blocks"
    """It stops readers or writers for as long as a table is large, cannot run, or opens what was closed."""
    WARNS = "warns"
    STYLE = "style"


@dataclass(frozen=True)
class Finding:
    """One finding. `line` counts from 1; `source` is `squawk` or `quarterdeck`."""

    file: str
    line: int
    rule: str
    severity: Severity
    what: str
    remedy: str = ""
    source: str = "quarterdeck"

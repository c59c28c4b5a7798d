"""How files and a database's history stand to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.migrations.checks import edited_files, late_files
from console.migrations.files import age_of
from console.migrations.ledger import Fact, State
from console.migrations.scripts import Script


@dataclass(frozen=True)
class Row:
    """One version. `state` is `applied`, `pending`, `late`, `half done`, `half taken back`, `edited` or `no file`."""

    version: str
    name: str
    state: str
    detail: str = ""
    who: str = ""
    seconds: float | None = None
    verified: str = ""
    backup: str = ""


def compare(scripts: Sequence[Script], stored: Mapping[str, Sequence[str]], facts: Mapping[str, Fact]) -> Sequence[Row]:
    """Every version that has a file or a history row, oldest first."""
    edited = set(edited_files(scripts, stored, facts))
    late = {one.version for one in late_files(scripts, tuple(stored))}
    files = {one.version: one for one in scripts}
    return [
        _row(version, files.get(version), facts.get(version), version in stored, edited, late)
        for version in sorted({*files, *stored}, key=age_of)
    ]


def _row(
    version: str, script: Script | None, fact: Fact | None, applied: bool, edited: set[str], late: set[str]
) -> Row:
    state, detail = ("applied" if applied else "late" if version in late else "pending"), ""
    if script is None:
        state = "no file"
    elif script.filename in edited:
        state, detail = "edited", "says something else than what was run"
    if fact is not None and not applied and fact.is_partial:
        state, detail = "half done", f"{fact.done} of {fact.statements} statements; {_cut(fact)}"
    elif fact is not None and applied and fact.is_half_reverted:
        state, detail = "half taken back", f"{fact.done} statements of the down script; {_cut(fact)}"
    elif fact is not None and not applied and fact.state in (State.FAILED, State.RUNNING):
        detail = fact.problem or "cut off; nothing of it was kept"
    if fact is None:
        return Row(version, script.name if script else "", state, detail)
    return Row(version, fact.name, state, detail, fact.who, fact.seconds, fact.verified, fact.backup)


def _cut(fact: Fact) -> str:
    doubt = f" in statement {fact.attempted}" if fact.attempted else ""
    return fact.problem or f"cut off{doubt}"

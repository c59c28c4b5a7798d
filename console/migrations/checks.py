"""What keeps a run from beginning: edited files, files out of order, and what an older release would miss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.domain.errors import Rejected
from console.migrations import ledger
from console.migrations.files import age_of
from console.migrations.ledger import Fact
from console.migrations.scripts import Script, find_edited
from console.migrations.statement import Phase
from providers.database import Database


@dataclass(frozen=True)
class Leave:
    """What the caller allows.

    Attributes:
        out_of_order: Files that are older than the newest applied one.
        contract: Statements by which an older release may fail.
        serving: Older releases that still serve; a contract is refused while there is one, whatever is allowed.
    """

    out_of_order: bool = False
    contract: bool = False
    serving: Sequence[str] = ()


def edited_files(
    scripts: Sequence[Script], stored: Mapping[str, Sequence[str]], facts: Mapping[str, Fact]
) -> Sequence[str]:
    """Files that are applied and say something else now. One of which nothing was kept passes."""
    by_digest = [
        script.filename
        for script in scripts
        if script.version in stored
        and not stored[script.version]
        and (fact := facts.get(script.version)) is not None
        and fact.sha256 != ledger.digest(script.sql)
    ]
    return [*find_edited(scripts, stored), *by_digest]


def late_files(scripts: Sequence[Script], applied: Sequence[str]) -> Sequence[Script]:
    """Files not applied that are older than the newest applied one."""
    newest = max(map(age_of, applied), default=age_of(""))
    return [one for one in scripts if one.version not in applied and age_of(one.version) < newest]


def contracts(scripts: Sequence[Script], applied: Sequence[str]) -> Sequence[str]:
    """What an older release would miss, by file and line, of the files not applied."""
    return [
        f"{script.filename}:{one.line} ({one.why})"
        for script in scripts
        if script.version not in applied
        for one in script.classified
        if one.phase is Phase.CONTRACT
    ]


def check_up(
    database: Database,
    scripts: Sequence[Script],
    stored: Mapping[str, Sequence[str]],
    facts: Mapping[str, Fact],
    leave: Leave,
) -> None:
    """Refuse what may not begin.

    Raises:
        Rejected: With every file that is the reason.
    """
    if edited := edited_files(scripts, stored, facts):
        raise Rejected(
            database.provider,
            f"Changed after they were applied: {', '.join(edited)}.",
            database.where,
            "Restore their text and put the change into a new migration. Nothing was run.",
        )
    late = [] if leave.out_of_order else late_files(scripts, tuple(stored))
    late = [one for one in late if not (one.version in facts and facts[one.version].is_partial)]
    if late:
        raise Rejected(
            database.provider,
            f"Older than the newest applied migration ({max(stored, key=age_of)}): "
            f"{', '.join(one.filename for one in late)}.",
            database.where,
            "Give them a later stamp, or allow it with --include-all. Nothing was run.",
        )
    taken = contracts(scripts, tuple(stored))
    if taken and (leave.serving or not leave.contract):
        who = f" Still serving: {', '.join(leave.serving)}." if leave.serving else ""
        remedy = "Run it once they serve no more." if leave.serving else "Allow it with --contract once none serves."
        raise Rejected(
            database.provider,
            f"An older release would fail by: {', '.join(taken)}.{who}",
            database.where,
            f"{remedy} Nothing was run.",
        )

"""Backups in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from console.backups.drill import Standing
from console.backups.retention import Choice
from console.backups.values import Backup, Kind, Proof, State
from console.cli.words import say_length, say_moment

GLYPHS = {State.TAKING: "▶", State.TAKEN: "○", State.VERIFIED: "✓", State.DAMAGED: "✗"}
NOT_IN_A_DUMP = "Roles, their passwords, and the files of Storage are in no dump: keep those by other means."


def backup_lines(backups: Sequence[Backup], standings: Iterable[Standing]) -> Iterator[str]:
    """A table of all, and below it how well each database would come back."""
    if not backups:
        yield "There are no backups."
    width = max((len(one.name) for one in backups), default=0)
    for one in backups:
        facts = [say_size(one.size), f"{one.sums.rows} rows", f"taken in {say_length(one.took_s)}"]
        facts += ["encrypted"] if one.sealed else []
        facts += [f"migration {one.migration}"] if one.migration else []
        facts += [one.note] if one.note else []
        state = f"{GLYPHS[one.state]} {one.state.value}".ljust(10)
        yield f"{one.id}  {one.name.ljust(width)}  {state}  {say_moment(one.at)}  {' · '.join(facts)}"
    for standing in standings:
        yield standing_line(standing)


def standing_line(standing: Standing) -> str:
    """`production/api: RPO 3 h 02 m (newest verified backup), RTO 12.5 s (drilled …)`."""
    if standing.verified is None:
        what = "no verified backup" if standing.newest else "no backup"
        return f"{standing.name}: {what}. `quarterdeck backup take` takes one, and proves it."
    damaged = f"; damaged: {', '.join(standing.damaged)}" if standing.damaged else ""
    rto = f"RTO {say_length(standing.rto_s)}" if standing.rto_s is not None else "RTO not known"
    rpo = f"RPO {say_length(standing.rpo_s)}"
    return f"{standing.name}: {rpo}, {rto} (last drill {say_moment(standing.drilled_at)}){damaged}"


def taken_lines(backup: Backup) -> Iterator[str]:
    """What was taken."""
    yield (
        f"{backup.id} of {backup.name}: {len(backup.sums.tables)} tables, {backup.sums.rows} rows, "
        f"{say_size(backup.size)}{', encrypted' if backup.sealed else ''}, in {say_length(backup.took_s)}."
    )
    if backup.left_out:
        yield f"Left out: {', '.join(backup.left_out)}."
    if backup.kind is Kind.POSTGRES:
        yield NOT_IN_A_DUMP


def proof_lines(backup: Backup, proof: Proof | None) -> Iterator[str]:
    """What its proof has shown, or that there is none."""
    if proof is None:
        yield f"○ {backup.id} is taken, and not verified: nobody has restored it."
    elif proof.verified:
        yield (
            f"✓ {backup.id} is verified: restored in {say_length(proof.restore_s)} on {proof.where}, and equal"
            f" ({say_length(proof.total_s)} in all)."
        )
        if proof.left_out:
            yield f"  Restored without extension {', '.join(proof.left_out)}, which could not be made there."
        if proof.unproven:
            yield f"  Not proven there: {', '.join(proof.unproven)}."
    else:
        yield f"✗ {backup.id} is damaged:"
        yield from (f"  {word}" for word in proof.why)


def prune_lines(choices: Iterable[Choice]) -> Iterator[str]:
    """What stays for which reasons, and what goes."""
    for one in choices:
        words = ", ".join(one.reasons) or "goes"
        yield f"{'·' if one.is_kept else '✗'} {one.backup.id}  {one.backup.name}  {one.backup.state.value}  {words}"


def say_size(count: int) -> str:
    """`53.1 MB`."""
    size = float(count)
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.0f} bytes" if units[0] == "bytes" else f"{size:.1f} {units[0]}"

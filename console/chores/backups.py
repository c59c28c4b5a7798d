"""Chores of backups: taken and proven, proven anew, put back; or they have failed.

Proofs are made in a database beside the one that is backed up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

from console.chores.lines import Done, Failed, Stopped
from console.chores.tasks import Asked, Outcome
from console.domain.errors import ConsoleError, Refused

if TYPE_CHECKING:
    from console.backups.address import Address
    from console.backups.catalogue import Catalogue
    from console.backups.prove import ProveRequest
    from console.backups.values import Backup, Progress, Proof

SHOWN = 5
BESIDE = "a database beside it"


def _stoppable(task: Callable[[Asked], Outcome]) -> Callable[[Asked], Outcome]:
    @wraps(task)
    def done(asked: Asked) -> Outcome:
        from console.backups.values import Interrupted

        try:
            return task(asked)
        except Interrupted:
            return Stopped()

    return done


@_stoppable
def back_up(asked: Asked) -> Outcome:
    """Take one and prove it. Given again after a kill it takes another; the half one is removed."""
    from console.backups.prove import prove
    from console.backups.take import TakeRequest, take

    request = TakeRequest(
        _address(asked),
        _root(asked),
        tuple(asked.argument("leave_out", ())),
        int(asked.argument("jobs", 2)),
        tuple(asked.argument("recipients", ())),
        str(asked.argument("note", "")),
    )
    backup = take(request, told=_telling(asked), stopped=asked.stopped)
    proof = prove(backup, _proving(asked), told=_telling(asked), stopped=asked.stopped)
    if not proof.verified:
        return _damaged(backup, proof, "Nothing was migrated. Find out why it differs from the database, then go on.")
    return Done(_verified(backup, proof), {"backup": backup.id, "rows": backup.sums.rows, "rto_s": proof.total_s})


@_stoppable
def prove_backup(asked: Asked) -> Outcome:
    """Restore one into a scratch database and compare."""
    from console.backups.prove import prove

    backup = _named(asked)
    proof = prove(backup, _proving(asked), told=_telling(asked), stopped=asked.stopped)
    if not proof.verified:
        return _damaged(backup, proof, "Take another one. This one is kept until a newer one is verified.")
    return Done(_verified(backup, proof), {"backup": backup.id, "rto_s": proof.total_s})


@_stoppable
def restore_data(asked: Asked) -> Outcome:
    """Save the present, then put a backup in its place. Given again after a kill it knows whether it took place."""
    journal = _Journal(asked, str(asked.argument("step")))
    left = journal.find_committed(_address(asked))
    if left is not None:
        words = f"{left.backup} had been restored already; what was there before is in {left.saved}"
        return Done(words, {"backup": left.backup, "saved": left.saved})
    return _restore(asked, _named(asked), journal)


@_stoppable
def bring_back_data(asked: Asked) -> Outcome:
    """Put back what a restore saved, if that took place; what is there now is saved in turn."""
    own = _Journal(asked, str(asked.argument("step")))
    left = own.find_committed(_address(asked))
    if left is not None:
        return Done(f"{left.backup} had been brought back already", {"backup": left.backup, "saved": left.saved})
    saved = str(asked.argument("saved", ""))
    if not saved:
        forward = _Journal(asked, str(asked.argument("forward"))).find_committed(_address(asked))
        if forward is None:
            return Done("nothing had been restored")
        saved = forward.saved
    return _restore(asked, _catalogue(asked).find(saved), own, is_return=True)


def _restore(asked: Asked, backup: Backup, journal: _Journal, *, is_return: bool = False) -> Outcome:
    from console.backups.prove import prove
    from console.backups.restore import RestoreRequest, restore

    unproven, identity = bool(asked.argument("unproven", False)), asked.order.secrets.get("identity", "")
    request = RestoreRequest(
        _address(asked),
        _root(asked),
        is_return or bool(asked.argument("over_newer", False)),
        is_return or unproven,
        tuple(asked.argument("left_alone", ())),
        bool(asked.argument("with_owners", True)),
        int(asked.argument("jobs", 2)),
        tuple(asked.argument("recipients", ())),
        identity,
    )

    def prove_saved(saved: Backup) -> None:
        if unproven or (saved.sealed and not identity):
            return
        try:
            proof = prove(saved, _proving(asked), told=_telling(asked), stopped=asked.stopped)
        except ConsoleError as problem:
            remedy = "Nothing was changed. Correct it, or say --unproven to go on without that proof."
            raise Refused(f"What is there now could not be proven: {problem.what}", saved.id, remedy) from None
        if not proof.verified:
            remedy = "Nothing was changed. Find out why, or say --unproven to go on without it."
            raise Refused(f"What is there now could not be saved soundly: {proof.why[0]}", saved.id, remedy)

    done = restore(
        backup,
        request,
        told=_telling(asked),
        stopped=asked.stopped,
        look=prove_saved,
        ending=lambda saved, transaction: journal.write(_Left(backup.id, saved.id, transaction)),
    )
    words = f"it holds what {backup.id} held, {backup.sums.rows:,} rows, after {done.took_s:.1f} s"
    outputs = {"backup": backup.id, "saved": done.saved.id, "took_s": done.took_s}
    return Done(f"{words}; what was there before is in {done.saved.id}", outputs)


@dataclass(frozen=True)
class _Left:
    """A restore that came up to its commit: what was restored, what was saved, in which transaction."""

    backup: str
    saved: str
    transaction: str


class _Journal:
    """What one step was about to commit, on disk before it does."""

    def __init__(self, asked: Asked, step: str) -> None:
        self._file = asked.folder / f"restore-{''.join(one if one.isalnum() else '-' for one in step)}.json"

    def write(self, left: _Left) -> None:
        part = self._file.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(asdict(left), file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)

    def find_committed(self, address: Address) -> _Left | None:
        """What took place, by the database's own word; None where nothing did."""
        from console.backups.restore import is_committed

        try:
            left = _Left(**json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        return left if is_committed(address, left.transaction) else None


def _address(asked: Asked) -> Address:
    from console.backups.address import Address

    return Address(str(asked.argument("name")), asked.order.secrets["address"])


def _root(asked: Asked) -> Path:
    return Path(asked.argument("root"))


def _catalogue(asked: Asked) -> Catalogue:
    from console.backups.catalogue import Catalogue

    return Catalogue(_root(asked))


def _named(asked: Asked) -> Backup:
    return _catalogue(asked).find(str(asked.argument("backup")))


def _proving(asked: Asked) -> ProveRequest:
    from console.backups.prove import ProveRequest

    jobs, identity = int(asked.argument("jobs", 2)), asked.order.secrets.get("identity", "")
    return ProveRequest(_address(asked), False, BESIDE, jobs, identity)


def _telling(asked: Asked) -> Callable[[Progress], None]:
    return lambda one: asked.told(one.phase, one.about, one.done, one.total)


def _verified(backup: Backup, proof: Proof) -> str:
    return f"{backup.id} is verified: {backup.sums.rows:,} rows, restored in {proof.restore_s:.1f} s and equal"


def _damaged(backup: Backup, proof: Proof, remedy: str) -> Failed:
    return Failed(f"The backup {backup.id} is damaged: {' '.join(proof.why[:SHOWN])}", backup.folder, remedy)

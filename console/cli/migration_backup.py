"""The backup before migrations: of one snapshot, restored for its proof, and unless it is equal nothing begins."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from console.backups.address import Address
from console.backups.prove import ProveRequest, prove
from console.backups.take import TakeRequest, take
from console.backups.values import Backup, Progress
from console.cli.migration_files import Place
from console.cli.session import Session
from console.cli.words import say_length
from console.domain.errors import ConsoleError

DIRECTORY = "backups"
Value = TypeVar("Value")


class BackupDamaged(ConsoleError):
    """The backup that was taken cannot be restored to what the database holds; nothing was migrated."""


async def back_up(
    session: Session, place: Place, *, writes_anyway: bool = False, take_one: Callable[..., Backup] = take
) -> Backup:
    """Take a backup of the database, and prove it.

    Args:
        writes_anyway: The database is read-only, and a scratch database is made all the same.

    Raises:
        BackupDamaged: It is not what the database holds; says what differs.
        ConsoleError: None could be taken, or not proven.
    """
    address = Address(place.name, _writing(place.address) if writes_anyway else place.address)
    said = set[str]()

    def told(progress: Progress) -> None:
        if progress.phase not in said:
            said.add(progress.phase)
            session.say(f"backup: {progress.phase}")

    request = TakeRequest(address, session.home / DIRECTORY, note="before migrations")
    backup = await _in_thread(partial(take_one, request, told=told))
    proof = await _in_thread(partial(prove, backup, ProveRequest(address), told=told))
    if not proof.verified:
        raise BackupDamaged(
            f"The backup before the migration is damaged: {'; '.join(proof.why)}",
            f"{place.name} · backup {backup.id}",
            "Nothing was migrated. Find out why it differs, then try again.",
        )
    rows = f"{backup.sums.rows:,} rows"
    session.say(f"Backup {backup.id} is verified: {rows}, restored in {say_length(proof.restore_s)} and equal.")
    return backup


async def _in_thread(work: Callable[..., Value]) -> Value:
    stop = threading.Event()
    try:
        return await asyncio.to_thread(work, stopped=stop.is_set)
    finally:
        stop.set()


def _writing(address: str) -> str:
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    options = f"{conninfo_to_dict(address).get('options') or ''} -c default_transaction_read_only=off"
    return make_conninfo(address, options=options.strip())

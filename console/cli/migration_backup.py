"""The backup before migrations: of one snapshot, restored for its proof, and unless it is equal nothing begins."""

from __future__ import annotations

from collections.abc import Callable

from console.backups.sources import Source
from console.backups.values import Backup
from console.cli.backup_proof import prove_somewhere
from console.cli.backups import take_source, tell
from console.cli.session import Session
from console.cli.words import say_length
from console.domain.errors import ConsoleError


class BackupDamaged(ConsoleError):
    """The backup that was taken cannot be restored to what the database holds; nothing was migrated."""


def back_up(
    session: Session, source: Source, *, take_one: Callable[[Session, Source, str], Backup] = take_source
) -> Backup:
    """Take a backup as the environment's settings want it, and prove it. Blocks; in the main thread alone.

    Raises:
        BackupDamaged: It is not what the database holds; says what differs.
        ConsoleError: None could be taken, or not proven.
    """
    backup = take_one(session, source, "before migrations")
    proof = prove_somewhere(backup, source, "", "", tell(session))
    if not proof.verified:
        raise BackupDamaged(
            f"The backup before the migration is damaged: {'; '.join(proof.why)}",
            f"{source.name} · backup {backup.id}",
            "Nothing was migrated. Find out why it differs, then try again.",
        )
    rows = f"{backup.sums.rows:,} rows"
    session.say(f"Backup {backup.id} is verified: {rows}, restored in {say_length(proof.restore_s)} and equal.")
    return backup

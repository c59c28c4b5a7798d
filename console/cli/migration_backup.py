"""The backup before migrations: of one snapshot, restored for its proof, and unless it is equal nothing begins.

It is also the last way back, where down scripts are missing and somebody says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.backups.catalogue import Catalogue
from console.backups.sources import Source
from console.backups.values import Backup
from console.cli.backup_proof import prove_somewhere
from console.cli.backup_restoring import Asked, put_back_as
from console.cli.backups import find_backup, take_source, tell
from console.cli.migration_files import Place
from console.cli.session import Session
from console.cli.words import say_length
from console.domain.errors import ConsoleError, Refused
from console.migrations.standing import Row


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


def find_before(place: Place, rows: Sequence[Row]) -> str:
    """Id of the backup that was taken before the oldest of these migrations; empty where there is none.

    The one that the history of migrations names, else the newest verified one that knows none of them.
    """
    named = next((row.backup for row in rows if row.backup), "")
    if named or place.source is None or not rows:
        return named
    oldest = min(row.version for row in rows)
    known = Catalogue(place.source.root).find_all(place.source.name)
    return next((one.id for one in known if one.is_verified and one.migration and one.migration < oldest), "")


async def restore_before(session: Session, place: Place, rows: Sequence[Row], applied: Sequence[Row]) -> int:
    """Put back the backup from before these migrations. Somebody has said so, and is asked for the name all the same.

    Args:
        applied: All that are; what else the backup does not know is named.

    Raises:
        Refused: There is no such backup.
    """
    backup = find_before(place, rows)
    if not backup:
        versions = ", ".join(row.version for row in rows)
        raise Refused(f"There is no verified backup from before {versions}.", place.name, "Write down scripts.")
    options = session.options
    found, _ = find_backup(session, backup, options.database_url)
    more = [row.version for row in applied if row.version > found.migration and row not in rows]
    if more:
        session.say(f"{backup} is older still: it also takes back {', '.join(more)}.")
    return await put_back_as(session, Asked(backup, options.database_url, confirm=options.confirm, over_newer=True))

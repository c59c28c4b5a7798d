"""Which backup a plan is about, and what speaks against putting it back. Reads only, in a thread."""

from __future__ import annotations

import asyncio
from pathlib import Path

from console.config.settings import Settings
from console.domain.backups import RESTORE, TAKE, BackupFacts, BackupFound, BackupWish
from console.domain.errors import ConsoleError
from console.domain.ids import ServiceName
from console.domain.plan import Wish
from console.engine.variables import Variables


async def fetch_backups(
    settings: Settings, variables: Variables | None, root: Path | None, wish: Wish, act: str
) -> BackupFacts:
    """The chosen backup of each database that is asked for; why it cannot be is its problem, in words.

    Args:
        root: Where backups are unless the configuration says otherwise.
    """
    environment = settings.environments.get(wish.environment)
    if environment is None or act == TAKE:
        return BackupFacts()
    base = settings.file.parent if settings.file else Path()
    own = environment.backups
    place = base / own.directory if own.directory else root
    found: dict[ServiceName, BackupFound] = {}
    for name, placement in environment.services.items():
        if not placement.database_url or (wish.services and name not in wish.services):
            continue
        service = ServiceName(name)
        try:
            address = ""
            if act == RESTORE and variables is not None:
                where = f"environments.{wish.environment}.services.{name}"
                address = await variables.follow(placement.database_url, where)
            asked = wish.backup or BackupWish()
            found[service] = await asyncio.to_thread(_look, place, f"{wish.environment}/{name}", address, asked, act)
        except ConsoleError as problem:
            found[service] = BackupFound(problem=" ".join(filter(None, (problem.what, problem.remedy))))
    return BackupFacts(found)


def _look(root: Path | None, name: str, address: str, asked: BackupWish, act: str) -> BackupFound:
    try:
        from console.backups.address import Address
        from console.backups.catalogue import Catalogue
        from console.backups.restore import RestoreRequest, check_newer, check_record
        from console.backups.values import Backup
    except ImportError:
        return BackupFound(problem="Packages are missing: pip install 'quarterdeck[database]'.")

    def known(backup: Backup, problem: str = "") -> BackupFound:
        rto = backup.proof.total_s if backup.proof and backup.proof.verified else None
        return BackupFound(backup.id, backup.at, backup.sums.rows, backup.is_verified, rto, problem)

    if root is None:
        return BackupFound(problem="Nobody knows where its backups are.")
    backup = Catalogue(root).find(asked.backup or name, verified=act == RESTORE and not asked.unproven)
    if backup.name != name:
        return known(backup, f"{backup.id} is a backup of {backup.name}.")
    if act != RESTORE:
        return known(backup)
    if not address:
        return known(backup, "its address is not known here.")
    request = RestoreRequest(
        Address(name, address), root, asked.over_newer, asked.unproven, asked.left_alone, not asked.without_owners
    )
    try:
        check_record(backup, request)
        check_newer(backup, request)
    except ConsoleError as problem:
        return known(backup, f"{problem.what} {problem.remedy}".strip())
    return known(backup)

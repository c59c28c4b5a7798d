"""Which databases a `backup` command is about, with what the configuration says of each."""

from __future__ import annotations

from pathlib import Path

from console.backups.sources import FOLDER, Source, root_of, sources_of
from console.cli.session import Session
from console.config.loader import load
from console.config.location import locate
from console.config.settings import Settings
from console.domain.errors import UsageError


def find_sources(session: Session, environment: str = "", service: str = "") -> list[Source]:
    """The databases of one environment, or of all; those without a configuration have none.

    Raises:
        UsageError: There is no such environment, or none of its services has such a database.
    """
    path = locate(session.home, session.config)
    if not environment and not path.exists():
        return []
    settings = _load(path, environment)
    names = [environment] if environment else list(settings.environments)
    found = [
        source
        for name in names
        for source in sources_of(settings, name, session.home)
        if service in ("", source.name.partition("/")[2])
    ]
    if environment and not found:
        raise UsageError(
            f"{environment} has no {'such ' if service else ''}database that can be backed up.",
            f"{path} · environments.{environment}.services",
            "Write database_url = … where the database is, or name one with --database-url.",
        )
    return found


def file_source(session: Session, name: str, environment: str = "") -> Source:
    """A SQLite file, with what the configuration says of an environment's backups where one is named."""
    if not environment:
        return named_source(session, name)
    settings = _load(locate(session.home, session.config), environment)
    own = settings.environments[environment].backups
    base = settings.file.parent if settings.file else Path()
    return Source(name, root_of(own, base, session.home), own, base=base)


def named_source(session: Session, name: str, reference: str = "") -> Source:
    """A database of the command line's own, with backups in the state directory."""
    return Source(name, session.home / FOLDER, reference=reference)


def find_roots(session: Session) -> list[Path]:
    """Every directory that holds backups."""
    roots = [session.home / FOLDER, *(source.root for source in find_sources(session))]
    return list(dict.fromkeys(roots))


def _load(path: Path, environment: str) -> Settings:
    settings = load(path)
    if environment and environment not in settings.environments:
        known = ", ".join(settings.environments) or "none"
        raise UsageError(f"There is no environment {environment!r}.", f"Known: {known}.", "Name one of these.")
    return settings

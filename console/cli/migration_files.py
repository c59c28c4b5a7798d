"""Which database a `migrate` command is about, and the files beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from console.backups.sources import Source, sources_of
from console.cli.backup_places import named_source
from console.cli.session import Session
from console.cli.words import counted
from console.config.loader import load
from console.config.location import locate
from console.config.secrets import SecretMissing, resolve
from console.domain.errors import UsageError
from console.migrations.files import better_name, is_migration, read_migrations, read_text, taken_for_migrations
from console.migrations.scripts import Direction, Script, build_scripts
from providers.contract import MigrationFile
from providers.database import Database


@dataclass(frozen=True)
class Place:
    """The database that a command is about, and the files beside it; `guarded` where customers depend on it.

    `source` is how its backups are taken.
    """

    name: str
    files: tuple[MigrationFile, ...]
    database: Database | None
    source: Source | None = None
    guarded: bool = False

    @cached_property
    def scripts(self) -> tuple[Script, ...]:
        return build_scripts(self.name, Direction.UP, self.files)

    def need(self) -> Database:
        """Raises UsageError where no database was named."""
        if self.database is None:
            raise UsageError("No database is named.", "migrate", "Name an environment, or --database-url REFERENCE.")
        self.database.check_session_mode()
        return self.database


def find_place(session: Session) -> Place:
    """Find the database and the files that the options name."""
    options = session.options
    guarded, source = False, None
    directory, address, name = options.directory, "", options.database_url or options.directory
    if options.environment:
        settings = load(locate(session.home, session.config))
        if options.environment not in settings.environments:
            known = ", ".join(settings.environments) or "none"
            raise UsageError(
                f"There is no environment {options.environment!r}.", f"Known: {known}.", "Name one of these."
            )
        guarded = settings.environments[options.environment].tier.serves_customers
        services = settings.environments[options.environment].services
        named = [one for one, placement in services.items() if placement.database_url]
        chosen = [one for one in named if one == options.service] if options.service else named
        if len(chosen) != 1:
            raise UsageError(
                f"{options.environment} has {counted(len(chosen), 'such database')}.",
                f"Services with a database_url: {', '.join(named) or 'none'}.",
                "Name one with --service.",
            )
        placement = services[chosen[0]]
        name = f"{options.environment}/{chosen[0]}"
        directory = directory or placement.migrations
        source = next(one for one in sources_of(settings, options.environment, session.home) if one.name == name)
        address = _resolve(placement.database_url, settings.file.parent if settings.file else Path())
    if options.database_url:
        source = named_source(session, name, options.database_url)
        address = _resolve(options.database_url, Path())
    folder = Path(directory or "supabase/migrations")
    if not folder.is_dir():
        raise UsageError(f"There is no directory {folder}.", "migrate", "Name it with --directory.")
    files = read_migrations(_read_folder(session, folder))
    database = Database(name, name, address, "database") if address else None
    return Place(name or str(folder), files, database, source, guarded)


def _read_folder(session: Session, folder: Path) -> dict[str, str]:
    """Each file of SQL by its name; those that are named as no migration are told, and passed over."""
    found = {}
    for file in sorted(folder.glob("*.sql")):
        if not is_migration(file.name):
            session.say(f"{file.name!r} is passed over: a migration is named as 20260131120000_words.sql.")
            continue
        try:
            found[file.name] = read_text(file.name, file.read_bytes())
        except OSError as problem:
            raise UsageError(
                f"{file} cannot be read: {problem.strerror}.", "migrate", "Mend it or remove it."
            ) from None
    if (folder.parent / "config.toml").is_file() and (taken := taken_for_migrations(found)):
        words = f"The Supabase CLI would run {taken[0]} as a migration of its own"
        session.say(f"{words}: name it {better_name(taken[0])}, and all like it.")
    return found


def _resolve(reference: str, base: Path) -> str:
    try:
        return resolve(reference, base).reveal()
    except SecretMissing as problem:
        raise UsageError(problem.what, "database address", problem.remedy) from None

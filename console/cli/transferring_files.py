"""`transfer files`: bring folders into a bucket, tell how it goes, and end badly when something stayed behind."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli.addresses import find_address, in_words
from console.cli.output import show_json, show_lines
from console.cli.session import Session
from console.cli.telling import Pace
from console.config.loader import load
from console.config.location import locate
from console.config.secrets import Secret, SecretMissing, Secrets, find_references, resolve
from console.domain.errors import ExitCode, UsageError
from console.transfer.files.keys import printed
from console.transfer.files.progress import Progress, Stopped
from console.transfer.files.report import size_words, to_lines, to_values
from console.transfer.files.run import Act, OpenStore, ReferBy, Request, Result, run
from providers.contract import FileStore, Unsupported

if TYPE_CHECKING:
    from console.config.settings import Settings

ENDINGS = (signal.SIGINT, signal.SIGTERM)
LONGEST_NAME = 60


async def files(session: Session) -> int:
    """Transfer a folder. Ctrl+C or SIGTERM ends it after what is under way; the same command goes on from there."""
    options = session.options
    settings = load(locate(session.home, session.config))
    project = _project(settings, options.to, options.project)
    request = build_request(session, settings, project)
    result = await _run(session, request)
    if result is None:
        session.say("Stopped. What has arrived is on record; the same command goes on from there.")
        return ExitCode.WAITING
    if session.form == "text":
        show_lines(session, to_lines(result))
    else:
        show_json(session, to_values(result))
    return _code(result, may_leave=options.leave_ok)


async def _run(session: Session, request: Request) -> Result | None:
    """None where somebody stopped it."""
    stop, loop = threading.Event(), asyncio.get_running_loop()
    for ending in ENDINGS:
        loop.add_signal_handler(ending, stop.set)
    try:
        return await asyncio.to_thread(run, request, told=_teller(session), stopped=stop.is_set)
    except Stopped:
        return None
    except Exception as problem:
        # Only with references is the database's driver needed, which may not be installed.
        if type(problem).__module__.partition(".")[0] != "psycopg":
            raise
        raise in_words(problem, "--database") from None
    finally:
        for ending in ENDINGS:
            loop.remove_signal_handler(ending)


def build_request(session: Session, settings: Settings, project: str) -> Request:
    """What the options ask for. Nothing is asked over the network."""
    options = session.options
    folder: Path = options.source.expanduser()
    prefix = f"{options.prefix.strip('/')}/" if options.prefix.strip("/") else ""
    return Request(
        folder,
        _opener(settings, options.to, project, options.bucket),
        session.home / "transfers" / _place(folder, options.to, project, options.bucket, prefix),
        _act(session),
        prefix,
        options.follow_links,
        options.replace,
        options.download,
        place="/".join((options.to, project, options.bucket, prefix)),
        database=_database(session, settings, options.to, project),
        rewrite=tuple(options.rewrite),
        old_prefixes=tuple(options.old_prefix),
        refer_by=ReferBy(options.refer_by),
        triggers_ok=options.triggers_ok,
        state=session.home,
    )


def _act(session: Session) -> Act:
    options = session.options
    if options.check:
        return Act.CHECK
    if options.find_references:
        return Act.FIND_REFERENCES
    if options.revert:
        return Act.REVERT
    return Act.DRY_RUN if options.dry_run else Act.TRANSFER


def _code(result: Result, *, may_leave: bool) -> int:
    return ExitCode.GOOD if result.holds and (may_leave or not result.left) else ExitCode.FAILED


def _place(folder: Path, *names: str) -> str:
    """Where the journal is kept: by folder and bucket, so that going on finds it again."""
    said = os.fsencode("\0".join((str(folder.resolve()), *names)))
    short = re.sub(r"[^\w.-]+", "_", folder.resolve().name, flags=re.ASCII)[:LONGEST_NAME]
    return f"files-{short}-{hashlib.sha256(said).hexdigest()[:12]}"


def _project(settings: Settings, provider: str, named: str) -> str:
    """The project that is meant: the one named, else the only one that the environments name of this provider."""
    if provider not in settings.providers:
        known = ", ".join(settings.providers) or "none"
        raise UsageError(f"There is no provider {provider!r}.", f"configured: {known}", "Name one of these with --to.")
    if named:
        return named
    projects = {
        placement.id
        for environment in settings.environments.values()
        for service, placement in environment.services.items()
        if settings.services[service].provider == provider and placement.id
    }
    if len(projects) != 1:
        told = ", ".join(sorted(projects)) or "none"
        raise UsageError(
            f"It is not clear which project of {provider} is meant.", f"configured: {told}", "Name one with --project."
        )
    return projects.pop()


def _database(session: Session, settings: Settings, provider: str, project: str) -> str:
    """The address of the database with the references, where one is needed: the one named, else the project's own."""
    options = session.options
    if not (options.find_references or options.rewrite or options.revert):
        return ""
    if options.database:
        return find_address(options.database, "--database")
    references = {
        placement.database_url
        for environment in settings.environments.values()
        for service, placement in environment.services.items()
        if settings.services[service].provider == provider and placement.id == project and placement.database_url
    }
    if len(references) != 1:
        raise UsageError(
            f"{len(references)} addresses of the project's database are configured.",
            f"project {project}",
            "Name the database with the references by --database REFERENCE.",
        )
    return find_address(references.pop(), "database_url", settings.file.parent if settings.file else None)


def _opener(settings: Settings, provider: str, project: str, bucket: str) -> OpenStore:
    """Opens the bucket with this user's own connection."""
    secrets = Secrets(dict(_secrets_of(settings, provider)))

    @asynccontextmanager
    async def open_store() -> AsyncIterator[FileStore]:
        from console.domain.clock import SystemClock
        from console.server.connections import open_connections

        alone = settings.model_copy(update={"providers": {provider: settings.providers[provider]}})
        connections = open_connections(alone, secrets, SystemClock())
        try:
            stores = connections[provider].capabilities.files
            if isinstance(stores, Unsupported):
                raise UsageError(
                    f"{provider} keeps no files: {stores.reason}", "--to", "Name a provider of kind supabase."
                )
            yield stores.open(project, bucket)
        finally:
            for connection in connections.values():
                await connection.close()

    return open_store


def _secrets_of(settings: Settings, provider: str) -> list[tuple[str, Secret]]:
    """Those of this provider alone: nobody needs the others' to move files."""
    from console.config.faults import dotted

    base = settings.file.parent if settings.file else Path()
    try:
        return [
            (dotted(key), resolve(reference, base))
            for key, reference in find_references(settings)
            if key[:2] == ("providers", provider)
        ]
    except SecretMissing as problem:
        raise UsageError(problem.what, f"[providers.{provider}]", problem.remedy) from None


def _teller(session: Session) -> Callable[[Progress], None]:
    """Say how it goes, with the rate and the time left of the bytes."""
    pace = Pace()

    def tell(progress: Progress) -> None:
        if not pace.is_due(progress.phase):
            return
        counted = f" {progress.files} of {progress.total}" if progress.total else f" {progress.files}"
        rate = progress.sent / pace.seconds if pace.seconds else 0.0
        left = f", {max(0, progress.size - progress.sent) / rate:.0f} s left" if rate else ""
        speed = f" ({size_words(int(rate))}/s{left})" if rate else ""
        session.say(f"{progress.phase}:{counted}{speed} {printed(progress.about)}")

    return tell

"""Backups that are taken by themselves: one is begun when the newest is older than the configuration allows.

What is due follows from the configuration, the backups that are there and the time; nothing is remembered but when an
attempt failed. The work is done by a process of its own, `quarterdeck backup run ENV`, which can be run by hand or by
cron as well: a dump neither holds up the worker nor goes on without it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from console.backups.catalogue import Catalogue
from console.backups.drill import stand
from console.backups.sources import Source, sources_of
from console.backups.values import Backup
from console.config.settings import Settings
from console.domain.backups import BackupLine, BackupList, BackupOutlook
from console.domain.clock import Clock
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.observations import BackupStatus, EnvironmentStatus

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
RETRY_AFTER = timedelta(hours=1)
"""After a failed attempt; what keeps it from working is in the log, and in what `doctor` says."""
END_WITHIN_S = 15.0
KEPT_LINES = 3


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, and its last words."""

    code: int
    words: str = ""


Run = Callable[[str], Awaitable[Ended]]


class BackupKeeper:
    """Looks every minute, and lets one environment at a time be backed up.

    Args:
        run: Takes what is due of one environment, proves it and removes what is past its time.
    """

    def __init__(self, settings: Settings, home: Path, clock: Clock, run: Run) -> None:
        self._settings = settings
        self._home = home
        self._clock = clock
        self._run = run
        self._not_before: dict[str, datetime] = {}

    async def keep(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("Backups that are due could not be looked up")
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Take what is due now, one environment after another."""
        for name in self._settings.environments:
            now = self._clock.now()
            if now < self._not_before.get(name, now) or not await asyncio.to_thread(self._is_due, name, now):
                continue
            log.info("A backup of %s is due", name)
            ended = await self._run(name)
            if ended.code == 0:
                log.info("The backup of %s is taken: %s", name, ended.words)
                self._not_before.pop(name, None)
            else:
                log.error("The backup of %s failed (%s): %s", name, ended.code, ended.words)
                self._not_before[name] = self._clock.now() + RETRY_AFTER

    def _is_due(self, environment: str, now: datetime) -> bool:
        sources = sources_of(self._settings, environment, self._home)
        return any(source.is_due(Catalogue(source.root).find_all(source.name), now) for source in sources)


async def with_backups(
    statuses: Iterable[EnvironmentStatus], settings: Settings, home: Path, now: datetime
) -> tuple[EnvironmentStatus, ...]:
    """The same, with how well the databases of each would come back."""

    def add() -> tuple[EnvironmentStatus, ...]:
        return tuple(replace(one, backups=tuple(_standings(settings, one.name, home, now))) for one in statuses)

    return await asyncio.to_thread(add)


async def list_backups(
    settings: Settings, home: Path, now: datetime, environment: EnvironmentName | None = None
) -> BackupList:
    """All backups of the databases of one environment or all, the newest first, and how each would come back."""

    def read() -> BackupList:
        names = [environment] if environment is not None else list(settings.environments)
        sources = [source for name in names for source in sources_of(settings, name, home)]
        own = {source.name: Catalogue(source.root).find_all(source.name) for source in sources}
        found = sorted((one for backups in own.values() for one in backups), key=lambda one: one.at, reverse=True)
        return BackupList(
            tuple(map(_line, found)), tuple(_outlook(source, own[source.name], now) for source in sources)
        )

    return await asyncio.to_thread(read)


def _line(backup: Backup) -> BackupLine:
    proof = backup.proof
    return BackupLine(
        backup.id,
        backup.name,
        backup.at,
        backup.state.value,
        backup.sums.rows,
        backup.size,
        backup.sealed,
        backup.note,
        proof.total_s if proof is not None and proof.verified else None,
        proof.why[0] if proof is not None and proof.why else "",
    )


def _outlook(source: Source, backups: Iterable[Backup], now: datetime) -> BackupOutlook:
    standing = stand(source.name, backups, now)
    return BackupOutlook(
        source.name,
        standing.verified.at if standing.verified else None,
        standing.rpo_s,
        standing.rto_s,
        standing.problem(source.settings.every),
    )


def _standings(settings: Settings, environment: str, home: Path, now: datetime) -> Iterator[BackupStatus]:
    for source in sources_of(settings, environment, home):
        standing = stand(source.name, Catalogue(source.root).find_all(source.name), now)
        if standing.newest is not None or source.settings.every:
            yield BackupStatus(
                ServiceName(source.name.partition("/")[2]),
                standing.verified.at if standing.verified else None,
                standing.rto_s,
                standing.problem(source.settings.every),
            )


def in_a_process(home: Path, settings: Settings) -> Run:
    """Run the command beside us; whoever cancels it ends the process, which takes away what is half done."""

    async def run(environment: str) -> Ended:
        config = ["--config", str(settings.file)] if settings.file else []
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "console.cli.main",
            "--home",
            str(home),
            *config,
            "backup",
            "run",
            environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await process.communicate()
        except asyncio.CancelledError:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), END_WITHIN_S)
            except TimeoutError:
                process.kill()
            raise
        last = said.decode(errors="replace").splitlines()[-KEPT_LINES:]
        return Ended(process.returncode or 0, " ".join(filter(None, last)))

    return run

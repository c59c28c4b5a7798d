"""What people call a commit: by the history's word first, then by the source's tags."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from console.domain.clock import Clock
from console.domain.errors import ConsoleError
from console.domain.release import Release
from providers.contract import TagSource, Unsupported

FULL = 40
SHORT = 8
ASK_AGAIN_SECONDS = 120.0
FIRST_WAIT_SECONDS = 1.5

log = logging.getLogger(__name__)


class Names:
    """Names of commits. The source is asked beside everything else, and seldom, since it has a limit.

    Args:
        tags: Who knows tags; Unsupported where nobody does.
    """

    def __init__(self, tags: TagSource | Unsupported, clock: Clock) -> None:
        self._source = tags
        self._clock = clock
        self._deployed: dict[str, str] = {}
        self._tagged: dict[str, str] = {}
        self._asked_at: datetime | None = None
        self._asking: asyncio.Task[None] | None = None

    def learn(self, release: Release) -> None:
        """Keep what a deployment called a commit, unless that was the commit itself."""
        if release.name and not release.commit.startswith(release.name):
            self._deployed[release.commit] = release.name

    def name(self, commit: str) -> str:
        """The name of a commit, or its first characters; what is no commit is its own name."""
        known = self._find(commit)
        return known or (commit[:SHORT] if len(commit) == FULL else commit)

    def names_of(self, commits: Iterable[str]) -> Mapping[str, str]:
        """The name of each; commits may be shortened to no less than seven characters."""
        return {commit: self.name(self._lengthen(commit)) for commit in commits}

    async def look_up(self, commits: Iterable[str]) -> None:
        """Ask the source about commits without a name. Waits a moment for the first answer, never for a later one."""
        if isinstance(self._source, Unsupported) or not self._is_due(commits):
            return
        is_first = self._asked_at is None
        self._asked_at = self._clock.now()
        self._asking = asyncio.create_task(self._ask(self._source), name="names of commits")
        if is_first:
            await asyncio.wait({self._asking}, timeout=FIRST_WAIT_SECONDS)

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await self._asking

    def _is_due(self, commits: Iterable[str]) -> bool:
        if all(len(commit) != FULL or self._find(commit) for commit in commits):
            return False
        if self._asked_at is None:
            return True
        passed = (self._clock.now() - self._asked_at).total_seconds()
        return passed >= ASK_AGAIN_SECONDS and (self._asking is None or self._asking.done())

    async def _ask(self, source: TagSource) -> None:
        try:
            self._tagged.update(await source.fetch_tags())
        except ConsoleError as problem:
            log.info("The source does not tell the names of releases: %s", problem.what)

    def _find(self, commit: str) -> str:
        return self._deployed.get(commit) or self._tagged.get(commit, "")

    def _lengthen(self, commit: str) -> str:
        if not 7 <= len(commit) < FULL:
            return commit
        found = {full for known in (self._deployed, self._tagged) for full in known if full.startswith(commit)}
        return found.pop() if len(found) == 1 else commit

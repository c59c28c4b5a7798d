"""Bring files into a bucket and verify each: a few at once, in pieces where they are large, again where it failed.

A file is never sent before it is known that it is not there: what may have arrived in an attempt before, by this
process or one that was killed, is looked for first, and a bucket refuses a second file under one key. What lies there
and is not ours is left alone, unless it was asked to be replaced.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path

from console.domain.errors import ConsoleError, RateLimited, Unauthorized, Unreachable
from console.transfer.files import keys
from console.transfer.files.journal import Entry, Journal, State
from console.transfer.files.progress import Progress, Reach, Stopped, Told
from console.transfer.files.scan import Found, Left, look
from console.transfer.files.verify import CHECKSUM, Lies, examine
from providers.contract import FileHead, FileStore

ATTEMPTS = 6
PASSES = 3
LOST_IN_A_ROW = 16
"""Files that may fail one after another for want of an answer before the bucket counts as away."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0

Sleep = Callable[[float], Awaitable[None]]


class _Stays(Exception):
    """Trying again does not help."""


class _Again(Exception):
    """What lies there is not what was sent, or nothing does."""


class Uploader:
    """Files of one journal on their way.

    Args:
        there: Keys under which something lies; None where that is not known.
        replace: Take the place of files that are not ours.
        download: Read every content back to verify it.
    """

    def __init__(
        self,
        folder: Path,
        store: FileStore,
        journal: Journal,
        *,
        there: Collection[str] | None,
        replace: bool,
        download: bool,
        at_once: int,
        told: Told,
        stopped: Callable[[], bool],
        reach: Reach,
        sleep: Sleep,
    ) -> None:
        self._folder = folder
        self._store = store
        self._journal = journal
        self._there = there or ()
        self._replace = replace
        self._download = download
        self._at_once = at_once
        self._told = told
        self._stopped = stopped
        self._reach = reach
        self._sleep = sleep
        self._hopeless: set[str] = set()
        self._furthest: dict[str, int] = {}
        self._in_a_row = 0
        self._done, self._total, self._sent, self._size = 0, 0, 0, 0

    async def bring_all(self) -> None:
        """Bring everything that is not verified, in up to `PASSES` passes.

        Raises:
            Stopped: After the pieces that were under way.
            Unauthorized, Unreachable: The bucket cannot be used at all, or not now.
        """
        for number in range(PASSES):
            due = [one for one in self._journal.entries() if one.state is not State.VERIFIED]
            due = [one for one in due if one.path not in self._hopeless]
            if number == 0:
                done = list(self._journal.entries(State.VERIFIED))
                self._done, self._total = len(done), len(done) + len(due)
                self._size = sum(one.found.size for one in due)
            if not due:
                return
            await self._pass(due)

    async def _pass(self, due: Sequence[Entry]) -> None:
        waiting = iter([one.path for one in due])

        async def work() -> None:
            for path in waiting:
                if self._stopped():
                    raise Stopped
                await self._bring(path)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._at_once, len(due))):
                    group.create_task(work())
        except BaseExceptionGroup as problems:
            raise _first(problems) from None

    async def _bring(self, path: str) -> None:
        problem: Exception = _Again("it was not tried")
        attempt = 0
        while attempt < ATTEMPTS:
            attempt += 1
            arrived = self._furthest.get(path, 0)
            try:
                await self._once(path)
            except _Stays as stays:
                self._hopeless.add(path)
                self._journal.failed(path, str(stays))
                return
            except (ConsoleError, _Again) as error:
                problem = error
                if isinstance(error, Unauthorized):
                    if attempt > 1:
                        raise
                elif isinstance(error, ConsoleError) and not error.transient:
                    self._hopeless.add(path)
                    break
                if self._furthest.get(path, 0) > arrived:
                    attempt = 1
                if attempt < ATTEMPTS:
                    await self._wait(attempt, error)
                continue
            self._in_a_row = 0
            self._done += 1
            self._tell(path)
            return
        self._journal.failed(path, problem.what if isinstance(problem, ConsoleError) else str(problem))
        self._in_a_row += 1
        if self._in_a_row >= LOST_IN_A_ROW and isinstance(problem, Unreachable | RateLimited):
            raise problem

    async def _wait(self, attempt: int, error: Exception) -> None:
        wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311
        if isinstance(error, RateLimited):
            wait = max(wait, error.retry_after.total_seconds())
        if isinstance(error, Unauthorized | _Again):
            wait = 0.0
        await self._rest(wait)

    async def _rest(self, seconds: float) -> None:
        """Wait, and give up at once where somebody asks to stop."""
        while not self._stopped():
            if seconds <= 0:
                return
            await self._sleep(min(seconds, 1.0))
            seconds -= 1.0
        raise Stopped

    async def _once(self, path: str) -> None:
        entry = self._journal.entry(path)
        self._check_unchanged(entry.found)
        replace = self._replace
        if entry.state is not State.PENDING or entry.sent or entry.key in self._there:
            sight = await examine(self._store, entry.key, entry.found, download=self._download)
            if sight.lies is Lies.SAME:
                if entry.state is not State.UPLOADED:
                    self._journal.uploaded(path, sent=False)
                self._confirm(path, sight.by)
                return
            if sight.lies is Lies.OTHER:
                if sight.claims not in (*entry.sent, entry.found.sha256) and not self._replace:
                    raise _Stays(f"another file is at {entry.key} ({sight.detail}); --replace takes its place")
                replace = True
        if not await self._send(entry, replace):
            raise _Again(f"something is at {entry.key} already")
        self._reach("sent")
        self._journal.uploaded(path, sent=True)
        self._reach("uploaded")
        sight = await examine(self._store, entry.key, entry.found, download=self._download)
        if sight.lies is not Lies.SAME:
            await asyncio.to_thread(self._check_content, entry.found)
            raise _Again(f"what arrived at {entry.key} is not the file: {sight.detail or 'nothing is there'}")
        self._confirm(path, sight.by)

    def _confirm(self, path: str, by: str) -> None:
        self._journal.verified(path, by)
        self._reach("verified")

    def _check_unchanged(self, found: Found) -> None:
        try:
            now = (self._folder / found.path).stat()
        except OSError as problem:
            raise _Stays(f"it cannot be read any more: {problem.strerror}") from None
        if (now.st_size, now.st_mtime_ns) != (found.size, found.mtime_ns):
            raise _Stays("it changed since it was looked at; the same command looks again")

    def _check_content(self, found: Found) -> None:
        """Whether the file is what it was, whatever its times of change say."""
        now = look(self._folder, found.path)
        if isinstance(now, Left) or now.sha256 != found.sha256:
            raise _Stays("it changed while it was sent; the same command looks again")

    async def _send(self, entry: Entry, replace: bool) -> bool:
        """False where something is there already."""
        facts = {CHECKSUM: entry.found.sha256}
        if keys.to_path(entry.found.key) is None:
            facts["path"] = keys.shown(entry.path)
        head = FileHead(entry.found.content_type, facts)
        if entry.found.size <= self._store.whole_up_to:
            return await self._send_whole(entry, head, replace)
        return await self._send_pieces(entry, head, replace)

    async def _send_whole(self, entry: Entry, head: FileHead, replace: bool) -> bool:
        content = await asyncio.to_thread(self._read, entry.path, 0, entry.found.size + 1)
        if hashlib.sha256(content).hexdigest() != entry.found.sha256:
            raise _Stays("it changed since it was looked at; the same command looks again")
        self._journal.begin(entry.path)
        self._reach("intended")
        if not await self._store.put(entry.key, content, head, replace=replace):
            return False
        self._sent += len(content)
        return True

    async def _send_pieces(self, entry: Entry, head: FileHead, replace: bool) -> bool:
        upload, offset = entry.upload, None
        if upload:
            offset = await self._store.arrived(upload)
        if offset is None:
            self._journal.begin(entry.path)
            self._reach("intended")
            begun = await self._store.begin(entry.key, entry.found.size, head, replace=replace)
            if begun is None:
                return False
            self._reach("begun")
            upload, offset = begun, 0
            self._journal.begin(entry.path, upload)
        while offset < entry.found.size:
            if self._stopped():
                raise Stopped
            offset = await self._send_piece(entry, upload, offset)
            self._journal.count(entry.path, offset)
            self._furthest[entry.path] = max(offset, self._furthest.get(entry.path, 0))
            self._tell(entry.path)
        return True

    async def _send_piece(self, entry: Entry, upload: str, offset: int) -> int:
        """Send what comes at `offset`, and tell how much has arrived."""
        piece = await asyncio.to_thread(self._read, entry.path, offset, self._store.piece)
        if not piece:
            raise _Stays("it became shorter while it was sent")
        arrived = await self._store.append(upload, offset, piece)
        self._reach("piece")
        if arrived is None:
            # Another request of ours may still be writing: the platform lets go of its lock within seconds.
            await self._rest(FIRST_WAIT_S)
            arrived = await self._store.arrived(upload)
        if arrived is None:
            self._journal.begin(entry.path)
            raise _Again("the platform does not know the upload any more")
        if arrived <= offset:
            raise _Again("the platform does not take the next piece: something else is writing")
        self._sent += arrived - offset
        return arrived

    def _read(self, path: str, offset: int, size: int) -> bytes:
        try:
            with (self._folder / path).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except OSError as problem:
            raise _Stays(f"it cannot be read any more: {problem.strerror}") from None

    def _tell(self, path: str) -> None:
        self._told(Progress("upload", keys.shown(path), self._done, self._total, self._sent, self._size))


def _first(problems: BaseExceptionGroup[BaseException]) -> BaseException:
    """What ended the others: anything before a wish to stop, which each of them meets."""
    found = [one for one in _flat(problems) if not isinstance(one, Stopped)]
    return found[0] if found else Stopped()


def _flat(problems: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf for one in problems.exceptions for leaf in (_flat(one) if isinstance(one, BaseExceptionGroup) else [one])
    ]

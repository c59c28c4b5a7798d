"""One transfer of a folder into a bucket from beginning to end: look, upload, verify, read as visitors do.

It may be killed at any moment: the journal says how far it is, and the bucket what the journal could not know. The same
request goes on from there. Nothing in the folder is ever written, and nothing in the bucket is ever removed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from console.domain.errors import ProviderError, Unauthorized, UsageError
from console.transfer.files import keys
from console.transfer.files.check import Letter, Line, check
from console.transfer.files.journal import Entry, Journal, State
from console.transfer.files.progress import Progress, Reach, Stopped, Told, never, no_crash
from console.transfer.files.scan import Found, Left, Remark, Why, remarks, scan
from console.transfer.files.upload import Sleep, Uploader
from console.transfer.files.verify import type_fits
from providers.contract import BucketFacts, FileStore

VISITS = 16

OpenStore = Callable[[], AbstractAsyncContextManager[FileStore]]


class Act(StrEnum):
    """What is wanted."""

    TRANSFER = "transfer"
    DRY_RUN = "dry-run"
    CHECK = "check"


@dataclass(frozen=True)
class Request:
    """What is wanted.

    Attributes:
        open_store: Opens the bucket, in the loop in which it is used.
        work: A directory for the journal; the same one for the same folder and bucket.
        prefix: What the keys begin with, as `uploads/`; empty for nothing.
        replace: Take the place of files that are not ours.
        download: Read every content back, also where the bucket tells a digest of it.
        at_once: Files under way together; more than eight exhaust the platform's own connections.
    """

    folder: Path
    open_store: OpenStore = field(repr=False)
    work: Path
    act: Act = Act.TRANSFER
    prefix: str = ""
    follow_links: bool = False
    replace: bool = False
    download: bool = False
    at_once: int = 8


@dataclass(frozen=True)
class Visit:
    """A file read through the door that visitors use. `problem`: what went wrong; empty for nothing."""

    path: str
    problem: str = ""


@dataclass(frozen=True)
class Result:
    """What became of it.

    Attributes:
        left: What stayed behind, with the reason. `failed`: what should have gone and did not.
        lines: The comparison, where one was asked for.
        visits: Files read as visitors read them.
        seconds: Of each phase.
    """

    act: Act
    bucket: BucketFacts
    entries: tuple[Entry, ...]
    left: tuple[Left, ...] = ()
    remarks: tuple[Remark, ...] = ()
    lines: tuple[Line, ...] = ()
    visits: tuple[Visit, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    def count(self, *states: State) -> int:
        return sum(one.state in states for one in self.entries)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(one.found.size for one in self.entries)

    @property
    def failed(self) -> tuple[Entry, ...]:
        return tuple(one for one in self.entries if one.state is State.FAILED)

    @property
    def holds(self) -> bool:
        """Everything that was to go is verified and can be read; compared, everything is the same."""
        if self.act is Act.CHECK:
            return all(line.letter is Letter.SAME for line in self.lines)
        if any(visit.problem for visit in self.visits):
            return False
        return self.act is Act.DRY_RUN or all(one.state is State.VERIFIED for one in self.entries)


def run(
    request: Request,
    *,
    told: Told = lambda progress: None,
    stopped: Callable[[], bool] = never,
    reach: Reach = no_crash,
    sleep: Sleep = asyncio.sleep,
) -> Result:
    """Transfer a folder, or go on with a transfer that was cut short. Runs a loop of its own.

    Args:
        reach: Called at the points of `progress.POINTS`.

    Raises:
        UsageError: The folder or the bucket is not there, or another process is at it.
        Stopped: `stopped` said so; a later run goes on from there.
        ProviderError: The bucket cannot be used at all, or not now.
    """
    if not request.folder.is_dir():
        raise UsageError(f"{request.folder} is no folder.", "--from", "Name the folder whose files shall go.")
    with Journal(request.work) as journal:
        return asyncio.run(_Run(request, journal, told, stopped, reach, sleep).run())


class _Run:
    def __init__(
        self,
        request: Request,
        journal: Journal,
        told: Told,
        stopped: Callable[[], bool],
        reach: Reach,
        sleep: Sleep,
    ) -> None:
        self._request = request
        self._journal = journal
        self._told = told
        self._stopped = stopped
        self._reach = reach
        self._sleep = sleep
        self._seconds: dict[str, float] = {}

    async def run(self) -> Result:
        request = self._request
        async with request.open_store() as store:
            bucket = await store.fetch_bucket()
            if bucket is None:
                raise UsageError(
                    "There is no such bucket.",
                    "--bucket",
                    "Make it with `quarterdeck act PROVIDER create-bucket`, public or not as its readers need.",
                )
            with self._timed("look"):
                await asyncio.to_thread(self._look)
            self._leave_refused(bucket)
            self._reach("scanned")
            lines: Sequence[Line] = ()
            visits: Sequence[Visit] = ()
            if request.act is Act.CHECK:
                with self._timed("check"):
                    lines = await self._check(store)
            if request.act is Act.TRANSFER:
                with self._timed("upload"):
                    await self._upload(store)
                with self._timed("visit"):
                    visits = await self._visit(store, public=bucket.public)
            entries = tuple(self._journal.entries())
            return Result(
                request.act,
                bucket,
                entries,
                tuple(self._journal.left()),
                tuple(remarks(one.found for one in entries)),
                tuple(lines),
                tuple(visits),
                self._seconds,
            )

    def _look(self) -> None:
        request, seen = self._request, 0

        def tell(path: str) -> None:
            nonlocal seen
            if self._stopped():
                raise Stopped
            seen += 1
            self._told(Progress("look", keys.shown(path), seen))

        found = scan(request.folder, self._journal.known(), follow_links=request.follow_links, told=tell)
        self._journal.take_scan(found, request.prefix)

    def _leave_refused(self, bucket: BucketFacts) -> None:
        """What the bucket is known not to take is told before anything is sent."""
        for entry in self._journal.entries():
            found = entry.found
            if bucket.largest is not None and found.size > bucket.largest:
                words = f"{found.size} bytes, and the bucket takes {bucket.largest}"
                self._journal.leave(entry.path, Why.TOO_LARGE, words)
            elif not type_fits(found.content_type, bucket.types):
                words = f"it is {found.content_type}, and the bucket takes {', '.join(bucket.types)}"
                self._journal.leave(entry.path, Why.TYPE, words)

    async def _upload(self, store: FileStore) -> None:
        uploader = Uploader(
            self._request.folder,
            store,
            self._journal,
            replace=self._request.replace,
            at_once=self._request.at_once,
            told=self._told,
            stopped=self._stopped,
            reach=self._reach,
            sleep=self._sleep,
        )
        await uploader.bring_all()

    async def _check(self, store: FileStore) -> Sequence[Line]:
        here: list[Found | Left] = [entry.found for entry in self._journal.entries()]
        here += self._journal.left()
        self._told(Progress("check", self._request.prefix or "the bucket", 0, len(here)))
        request = self._request
        return await check(store, here, request.prefix, download=request.download, at_once=request.at_once)

    async def _visit(self, store: FileStore, *, public: bool) -> Sequence[Visit]:
        """Read the first byte of a few files, spread over all of them, as visitors do."""
        there = [one for one in self._journal.entries(State.VERIFIED) if one.found.size]
        chosen = sorted(there, key=lambda one: one.found.sha256)[:VISITS]
        return await asyncio.gather(*(self._visit_one(store, one, public) for one in chosen))

    async def _visit_one(self, store: FileStore, entry: Entry, public: bool) -> Visit:
        path = keys.shown(entry.path)
        try:
            got = await store.read_as_visitor(entry.key, public=public)
        except Unauthorized:
            raise
        except ProviderError as problem:
            return Visit(path, problem.what)
        return Visit(path, "" if got else "nothing came")

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds[phase] = time.monotonic() - began


__all__ = ["Act", "Progress", "Request", "Result", "Stopped", "Visit", "run"]

"""One transfer of a folder into a bucket from beginning to end: look, upload, verify, read as visitors do, refer.

It may be killed at any moment: the journal says how far it is, and the bucket what the journal could not know. The same
request goes on from there. Nothing in the folder is ever written, and nothing in the bucket is ever removed. References
are rewritten last, and only to files that are verified.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from console.domain.errors import ProviderError, Unauthorized, UsageError
from console.transfer.files import keys
from console.transfer.files.check import Line, check
from console.transfer.files.journal import Entry, Journal, State, open_journal
from console.transfer.files.progress import Progress, Reach, Stopped, Told, never, no_crash
from console.transfer.files.request import Act, OpenStore, ReferBy, Request, Result, Visit
from console.transfer.files.scan import Found, Left, Remark, Why, remarks, scan
from console.transfer.files.upload import Sleep, Uploader
from console.transfer.files.verify import type_fits
from providers.contract import BucketFacts, FileStore, StoredFile

VISITS = 16
MOST_LISTED = 50_000
"""Files of a bucket that are listed to see what is there, or four times as many as go, where that is more."""
GRACE_S, LOOKED_EVERY_S = 5.0, 0.5

T = TypeVar("T")


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
        UsageError: The folder, the bucket or a column is not there, or another process is at it.
        StoreError: The journal cannot be written, or is damaged.
        Refused: A column cannot be rewritten so that it can be taken back, or not every file is verified.
        psycopg.Error: The database went away, or refused something.
        Stopped: `stopped` said so; a later run goes on from there.
        ProviderError: The bucket cannot be used at all, or not now.
    """
    keys.check_prefix(request.prefix)
    if request.act is not Act.REVERT and not request.folder.is_dir():
        words = f"{keys.shown(str(request.folder))} is no folder."
        raise UsageError(words, "--from", "Name the folder whose files shall go.")
    with open_journal(request.work) as journal:
        if request.act is Act.REVERT:
            from console.transfer.files.refer import take_back

            return take_back(request, told, stopped)
        result, urls = asyncio.run(_heed(_Run(request, journal, told, stopped, reach, sleep).run(), stopped))
        if request.act is not Act.FIND_REFERENCES and not request.rewrite:
            return result
        from console.transfer.files.refer import refer

        return refer(request, result, urls, told, stopped, reach)


async def _heed(work: Coroutine[Any, Any, T], stopped: Callable[[], bool]) -> T:
    """Do it. Who asks to stop waits for what is under way, but not for a platform that does not answer."""
    task, patience = asyncio.ensure_future(work), GRACE_S
    while not (await asyncio.wait({task}, timeout=LOOKED_EVERY_S))[0]:
        if not stopped():
            continue
        patience -= LOOKED_EVERY_S
        if patience <= 0:
            task.cancel()
            await asyncio.wait({task})
            raise Stopped
    return task.result()


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

    async def run(self) -> tuple[Result, Mapping[str, str]]:
        """What became of it, and the public address of every key."""
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
            result = Result(
                request.act,
                bucket,
                entries,
                tuple(self._journal.left()),
                (*remarks(one.found for one in entries), *self._abandoned()),
                tuple(lines),
                tuple(visits),
                seconds=self._seconds,
            )
            return result, {one.key: store.address(one.key) for one in entries}

    def _look(self) -> None:
        request, seen = self._request, 0

        def heed() -> None:
            if self._stopped():
                raise Stopped

        def tell(path: str) -> None:
            nonlocal seen
            heed()
            seen += 1
            self._told(Progress("look", keys.shown(path), seen))

        found = scan(
            request.folder,
            self._journal.known(),
            follow_links=request.follow_links,
            ours=_inside(request.state, request.folder),
            told=tell,
            beat=heed,
        )
        self._journal.take_scan(found, request.prefix)

    def _abandoned(self) -> Sequence[Remark]:
        names = [key.removeprefix(self._request.prefix) for key in self._journal.abandoned()]
        paths = tuple(keys.to_path(name) or name for name in names)
        return [Remark("sent by an earlier run, and not in the folder any more", paths)] if paths else []

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
        there = await self._list(store)
        if there is not None:
            for entry in self._journal.entries(State.VERIFIED):
                if not _may_be(there.get(entry.key), entry.found):
                    self._journal.doubt(entry.path)
        uploader = Uploader(
            self._request.folder,
            store,
            self._journal,
            there=there,
            replace=self._request.replace,
            download=self._request.download,
            at_once=self._request.at_once,
            told=self._told,
            stopped=self._stopped,
            reach=self._reach,
            sleep=self._sleep,
        )
        await uploader.bring_all()

    async def _list(self, store: FileStore) -> Mapping[str, StoredFile] | None:
        """What lies in the bucket; None where it holds so much more that asking for each file is cheaper."""
        most = max(MOST_LISTED, 4 * sum(self._journal.counts().values()))
        there: dict[str, StoredFile] = {}
        async for one in store.list(self._request.prefix):
            there[one.key] = one
            if len(there) > most:
                return None
        return there

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


def _may_be(there: StoredFile | None, found: Found) -> bool:
    """Whether what a list tells may be this file."""
    return there is not None and there.size == found.size and there.md5 in ("", found.md5)


def _inside(state: Path | None, folder: Path) -> str:
    """Where our own directory lies below the folder; empty where it does not.

    Raises:
        UsageError: The folder is that directory.
    """
    if state is None or not state.resolve().is_relative_to(folder.resolve()):
        return ""
    below = state.resolve().relative_to(folder.resolve()).as_posix()
    if below == ".":
        raise UsageError(f"{folder} is Quarterdeck's own state.", "--from", "Name the folder whose files shall go.")
    return below


__all__ = ["Act", "OpenStore", "Progress", "ReferBy", "Request", "Result", "Stopped", "Visit", "run"]

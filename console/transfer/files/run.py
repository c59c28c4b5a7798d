"""One transfer of a folder into a bucket from beginning to end: look, upload, verify, read as visitors do, refer.

It may be killed at any moment: the journal says how far it is, and the bucket what the journal could not know. The same
request goes on from there. Nothing in the folder is ever written, and nothing in the bucket is ever removed. References
are rewritten last, and only to files that are verified.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from console.domain.errors import ProviderError, Unauthorized, UsageError
from console.transfer.files import keys
from console.transfer.files.check import Line, check
from console.transfer.files.journal import Entry, Journal, State
from console.transfer.files.progress import Progress, Reach, Stopped, Told, never, no_crash
from console.transfer.files.request import Act, OpenStore, ReferBy, Request, Result, Visit
from console.transfer.files.scan import Found, Left, Why, remarks, scan
from console.transfer.files.upload import Sleep, Uploader
from console.transfer.files.verify import type_fits
from providers.contract import BucketFacts, FileStore

VISITS = 16


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
        Refused: A column cannot be rewritten so that it can be taken back, or not every file is verified.
        psycopg.Error: The database went away, or refused something.
        Stopped: `stopped` said so; a later run goes on from there.
        ProviderError: The bucket cannot be used at all, or not now.
    """
    if not request.folder.is_dir():
        raise UsageError(f"{request.folder} is no folder.", "--from", "Name the folder whose files shall go.")
    with Journal(request.work) as journal:
        if request.act is Act.REVERT:
            from console.transfer.files.refer import take_back

            return take_back(request, told)
        result, urls = asyncio.run(_Run(request, journal, told, stopped, reach, sleep).run())
        if request.act is not Act.FIND_REFERENCES and not request.rewrite:
            return result
        from console.transfer.files.refer import refer

        return refer(request, result, urls, told, reach)


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
                tuple(remarks(one.found for one in entries)),
                tuple(lines),
                tuple(visits),
                seconds=self._seconds,
            )
            return result, {one.key: store.address(one.key) for one in entries}

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


__all__ = ["Act", "OpenStore", "Progress", "ReferBy", "Request", "Result", "Stopped", "Visit", "run"]

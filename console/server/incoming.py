"""Files that people send for a change made by hand: what the worker opens for them it must not open as itself.

The worker reads paths with its own rights, which reach its secrets. Who is not its own user names no path of the host,
but sends the file; it lies in the state directory for a day, under its content's digest, so that the same file sent
again is the same argument of the same change.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path

from console.domain.errors import Refused, StoreError, UsageError
from console.domain.ids import Actor

LARGEST = 5 * 1024**3
KEPT_SECONDS = 86_400.0
LEFT_FREE = 512 * 1024**2
"""Bytes of the disk that are not filled: the history needs them."""


class Incoming:
    """Keeps them.

    Args:
        directory: Made when the first one comes.
        largest: Bytes of one file.
        wall: Seconds since 1970.
    """

    def __init__(self, directory: Path, largest: int = LARGEST, wall: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._largest = largest
        self._wall = wall

    async def take(self, actor: Actor, name: str, pieces: AsyncIterator[bytes]) -> Path:
        """Keep a file, and tell its path.

        Raises:
            UsageError: The name is none of a file, or it is too large.
            StoreError: It cannot be written, or the disk is nearly full.
        """
        if name != Path(name).name or name in ("", ".", ".."):
            raise UsageError(f"{name!r} is no name of a file.", "name", "Give the last part of its path alone.")
        try:
            return await self._take(actor, name, pieces)
        except OSError as problem:
            reason = problem.strerror or type(problem).__name__
            raise StoreError(
                f"The file cannot be kept: {reason}.", str(self._directory), "Make room there."
            ) from problem

    def holds(self, actor: Actor, path: str) -> bool:
        """Whether a path is of a file that this person sent."""
        own = self._of(actor)
        return Path(path) == Path(os.path.normpath(path)) and Path(path).parent.parent == own and Path(path).is_file()

    def check(self, actor: Actor, local: Mapping[str, str], arguments: Mapping[str, object]) -> None:
        """The worker's rights reach further than theirs, its secrets included: only what they sent is opened for them.

        Args:
            local: Arguments that are paths of the worker's host, and whether each is `read` or `written`.

        Raises:
            Refused: They name another path.
        """
        for name, how in local.items():
            path = str(arguments.get(name) or "")
            if not path or (how == "read" and self.holds(actor, path)):
                continue
            remedy = "Have the worker's own user do it."
            if how == "read":
                remedy = (
                    "`quarterdeck act` sends a file for you; a directory can only be named by the worker's own user."
                )
            what = f"{actor} may name no path of the worker's host to be {how}: the worker has other rights."
            raise Refused(what, f"{name} {path}", remedy)

    async def _take(self, actor: Actor, name: str, pieces: AsyncIterator[bytes]) -> Path:
        own = self._of(actor)
        await asyncio.to_thread(self._make_ready, own)
        handle, draft = tempfile.mkstemp(dir=own, prefix=".")
        digest, size = hashlib.sha256(), 0
        try:
            with os.fdopen(handle, "wb") as file:
                async for piece in pieces:
                    size += len(piece)
                    if size > self._largest:
                        words = f"{name} is larger than {self._largest // 1024**2} MiB, the most that can be sent."
                        raise UsageError(words, "file", "The worker's own user can name its path instead.")
                    digest.update(piece)
                    await asyncio.to_thread(file.write, piece)
            final = own / digest.hexdigest() / name
            final.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(draft, final)
            os.utime(final.parent, (self._wall(), self._wall()))
        finally:
            with suppress(FileNotFoundError):
                os.unlink(draft)
        return final

    def _make_ready(self, own: Path) -> None:
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in self._directory.glob("*/*"):
            if self._wall() - old.lstat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)
        free = shutil.disk_usage(own).free
        if free < LEFT_FREE:
            words = f"Only {free // 1024**2} MiB are free on the worker's disk; no file is taken."
            raise StoreError(words, str(own), f"Make room: {LEFT_FREE // 1024**2} MiB stay free.")

    def _of(self, actor: Actor) -> Path:
        """Names of people may hold anything; a digest of one is a name of a directory."""
        return self._directory / hashlib.sha256(actor.encode()).hexdigest()[:16]

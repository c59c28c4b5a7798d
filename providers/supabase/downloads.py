"""Download a file of Storage to a file of the worker's host, in pieces, whole or not at all.

The pieces go into a hidden file beside the destination, which takes the destination's name only when size and digest
are what Storage tells: SHA-256 where we uploaded it, else the MD5 that is the etag of files that came in one part. Each
piece must be of the same version of the file.

One that was interrupted begins anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Annotated

from console.domain.errors import Rejected, UnexpectedReply, UsageError
from providers.contract import Operation, OperationKey, OperationStatus
from providers.contract.desk import LocalPath
from providers.supabase.buckets import BucketName
from providers.supabase.fields import ProjectRef
from providers.supabase.hosts import ProjectHosts
from providers.supabase.objects import FilePath, Objects, file_path
from providers.supabase.relocating import digest_of
from providers.supabase.transfers import Transfers, read_reference, refer
from providers.wire import text, whole

PIECE = 8 * 1024 * 1024
PIECE_SECONDS = 60.0


@dataclass(frozen=True)
class DownloadFile:
    project: ProjectRef
    bucket: BucketName
    path: FilePath
    file: Annotated[str, "whole path on the worker's host to write it to", LocalPath(writes=True)]
    replace: Annotated[bool, "take the place of another file there"] = False


@dataclass(frozen=True)
class _Wanted:
    """What a reference says: this content shall be in this file. Of the digests, those that Storage tells."""

    project: str
    bucket: str
    path: str
    file: str
    size: int
    etag: str
    md5: str
    sha256: str

    @property
    def reference(self) -> str:
        return refer(self)

    def fits(self, path: Path) -> bool:
        """Whether a local file is this content. Reads it whole. Raises OSError."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        for name in filter(None, ("sha256" if self.sha256 else "", "md5" if self.md5 else "")):
            with path.open("rb") as file:
                found = hashlib.file_digest(file, partial(hashlib.new, name, usedforsecurity=False))
            if found.hexdigest() != getattr(self, name):
                return False
        return True


class Downloads:
    """`Actuator[DownloadFile]`."""

    def __init__(self, hosts: ProjectHosts, objects: Objects) -> None:
        self._hosts = hosts
        self._http = hosts.http
        self._objects = objects
        self._transfers = Transfers()

    async def start(self, request: DownloadFile, key: OperationKey) -> Operation:
        wanted = await self._look_up(request)
        if wanted is None:
            raise Rejected(
                self._http.provider,
                f"Supabase has no file {request.path} in the bucket {request.bucket}.",
                f"project {request.project}",
                "`ask` the reading `files` for what is there.",
            )
        if await _is_there(wanted):
            return _succeeded(wanted)
        reference = wanted.reference
        if reference not in self._transfers:
            await asyncio.to_thread(_check_destination, request)
        await self._transfers.run(reference, lambda: self._download(wanted, replace=request.replace))
        return await self.observe(reference)

    async def observe(self, reference: str) -> Operation:
        wanted = read_reference(_Wanted, reference)
        if wanted is None:
            return Operation(reference, OperationStatus.LOST, "nothing is known of it")
        known = await self._objects.find_or_none(wanted.project, wanted.bucket, wanted.path)
        if await _is_there(wanted):
            return _succeeded(wanted)
        gone = "" if known else "; Supabase has the file no longer"
        words = f"{wanted.file} is not that file, and nobody is downloading it{gone}"
        begun = self._transfers.describe(reference, wanted.size)
        return begun or Operation(reference, OperationStatus.LOST, words)

    async def find(self, request: DownloadFile, key: OperationKey) -> Operation | None:
        wanted = await self._look_up(request)
        return _succeeded(wanted) if wanted is not None and await _is_there(wanted) else None

    async def close(self) -> None:
        """Stop what is being downloaded; nothing of it is left."""
        await self._transfers.close()

    async def _look_up(self, request: DownloadFile) -> _Wanted | None:
        if not Path(request.file).is_absolute():
            what = f"{request.file!r} is no place to download to."
            raise UsageError(what, "file", "Name the file by its whole path, as it is on the worker's host.")
        info = await self._objects.find_or_none(request.project, request.bucket, request.path)
        if info is None:
            return None
        return _Wanted(
            request.project,
            request.bucket,
            request.path.strip("/"),
            request.file,
            whole(info, "size") or 0,
            text(info, "etag"),
            digest_of(info),
            text(info, "metadata", "sha256"),
        )

    async def _download(self, wanted: _Wanted, *, replace: bool) -> None:
        final = Path(wanted.file)
        try:
            with tempfile.NamedTemporaryFile(dir=final.parent, prefix=f".{final.name}.", delete=False) as part:
                try:
                    await self._fill(part, wanted)
                    await asyncio.to_thread(self._finish, part, wanted, replace=replace)
                finally:
                    with suppress(FileNotFoundError):
                        os.unlink(part.name)
        except OSError as problem:
            raise _unwritable(wanted.file, problem) from problem

    async def _fill(self, part: IO[bytes], wanted: _Wanted) -> None:
        got = 0
        while got < wanted.size:
            piece = await self._fetch_piece(wanted, got)
            await asyncio.to_thread(part.write, piece)
            got += len(piece)
            self._transfers.count(wanted.reference, got)

    async def _fetch_piece(self, wanted: _Wanted, offset: int) -> bytes:
        last = min(offset + PIECE, wanted.size) - 1
        reply = await self._hosts.storage(
            wanted.project,
            "GET",
            f"/object/authenticated/{file_path(wanted.bucket, wanted.path)}",
            headers={"accept": "*/*", "accept-encoding": "identity", "range": f"bytes={offset}-{last}"},
            as_bytes=True,
            answer=PIECE_SECONDS,
        )
        etag = reply.headers.get("etag", "")
        if wanted.etag and etag and etag.removeprefix("W/") != wanted.etag.removeprefix("W/"):
            raise self._unexpected(wanted, "the file was changed while it was downloaded")
        if len(reply.content) != last - offset + 1:
            raise self._unexpected(wanted, f"{len(reply.content)} bytes came where {last - offset + 1} were asked for")
        return reply.content

    def _finish(self, part: IO[bytes], wanted: _Wanted, *, replace: bool) -> None:
        """Give the file its name, once it is on disk and what it should be."""
        part.flush()
        os.fsync(part.fileno())
        if not wanted.fits(Path(part.name)):
            raise self._unexpected(wanted, "its digest is not the one that Storage tells")
        if replace:
            os.replace(part.name, wanted.file)
        else:
            os.link(part.name, wanted.file)

    def _unexpected(self, wanted: _Wanted, words: str) -> UnexpectedReply:
        what = f"{wanted.bucket}/{wanted.path} was not downloaded: {words}. Nothing of it is left."
        return UnexpectedReply(self._http.provider, what, f"project {wanted.project}", "Download it again.")


async def _is_there(wanted: _Wanted) -> bool:
    try:
        return await asyncio.to_thread(wanted.fits, Path(wanted.file))
    except OSError:
        return False


def _check_destination(request: DownloadFile) -> None:
    """Raises UsageError for a place that cannot be written to, or where another file is that shall stay."""
    final = Path(request.file)
    if final.is_dir() or not final.parent.is_dir():
        what = f"{request.file} cannot be written: it is a directory, or is in none."
        raise UsageError(what, "file", "Name a file in a directory that exists on the worker's host.")
    if os.path.lexists(final) and not request.replace:
        what = f"{request.file} is there already; it is not overwritten."
        raise UsageError(what, "file", "Name another file, or say replace=yes.")


def _unwritable(file: str, problem: OSError) -> UsageError:
    what = f"{file} cannot be written: {problem.strerror or type(problem).__name__}."
    return UsageError(what, "file", "Name a file that the worker may write, with room for it.")


def _succeeded(wanted: _Wanted) -> Operation:
    checked = "its digest is right" if wanted.md5 or wanted.sha256 else "Storage tells no digest to check it by"
    words = f"{wanted.file}: {wanted.size} bytes, {checked}"
    outputs = {"file": wanted.file, "size": wanted.size, "checked": bool(wanted.md5 or wanted.sha256)}
    return Operation(wanted.reference, OperationStatus.SUCCEEDED, words, outputs)

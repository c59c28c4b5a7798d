"""Upload a file to Storage: in one request, or in pieces that can go on where they stopped (TUS 1.0.0).

A file above six MiB goes in pieces; the platform wants pieces of exactly that size. Its SHA-256 is kept with it as
metadata, which tells on any later day that it is there: the platform's own etag is a digest for whole uploads only.

One that is interrupted goes on where it stopped, also when it is started again; another process begins anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from console.domain.errors import Rejected, Unreachable, UsageError
from providers.contract import Operation, OperationKey, OperationStatus
from providers.contract.desk import LocalPath
from providers.supabase.buckets import BucketName
from providers.supabase.fields import ProjectRef
from providers.supabase.hosts import ProjectHosts
from providers.supabase.objects import Objects
from providers.supabase.pieces import PIECE as PIECE
from providers.supabase.pieces import Pieces, Place
from providers.supabase.transfers import Transfers, read_reference, refer
from providers.wire import text, whole

CHECKSUM = "sha256"
ANYTHING = "application/octet-stream"
MOST_TROUBLES = 3


@dataclass(frozen=True)
class UploadFile:
    project: ProjectRef
    bucket: BucketName
    path: Annotated[str, "the file's path in the bucket; ASCII only"]
    file: Annotated[str, "whole path of the file on the worker's host", LocalPath()]
    content_type: Annotated[str, "e.g. image/png; empty to go by the file's name"] = ""
    cache_seconds: Annotated[int, "for how long readers may keep it"] = 3600
    replace: Annotated[bool, "take the place of another file of that path"] = False


@dataclass(frozen=True)
class _Wanted:
    """What a reference says: this content is at this place."""

    project: str
    bucket: str
    path: str
    size: int
    checksum: str

    @property
    def reference(self) -> str:
        return refer(self)


class Uploads:
    """`Actuator[UploadFile]`."""

    def __init__(self, hosts: ProjectHosts, objects: Objects) -> None:
        self._hosts = hosts
        self._http = hosts.http
        self._objects = objects
        self._pieces = Pieces(hosts)
        self._transfers = Transfers()
        self._places: dict[str, str] = {}

    async def start(self, request: UploadFile, key: OperationKey) -> Operation:
        wanted = await asyncio.to_thread(_measure, request)
        if await self._is_there(wanted):
            return _succeeded(wanted)
        await self._transfers.run(wanted.reference, lambda: self._upload(request, wanted))
        return await self.observe(wanted.reference)

    async def observe(self, reference: str) -> Operation:
        wanted = read_reference(_Wanted, reference)
        if wanted is None:
            return Operation(reference, OperationStatus.LOST, "Supabase knows nothing of it")
        if await self._is_there(wanted):
            return _succeeded(wanted)
        begun = self._transfers.describe(reference, wanted.size)
        words = "the file is not there, and nobody is uploading it"
        return begun or Operation(reference, OperationStatus.LOST, words)

    async def find(self, request: UploadFile, key: OperationKey) -> Operation | None:
        wanted = await asyncio.to_thread(_measure, request)
        return _succeeded(wanted) if await self._is_there(wanted) else None

    async def close(self) -> None:
        """Stop what is being uploaded; what has arrived stays for a day."""
        await self._transfers.close()

    async def _is_there(self, wanted: _Wanted) -> bool:
        found = await self._objects.find_or_none(wanted.project, wanted.bucket, wanted.path)
        if found is None or whole(found, "size") != wanted.size:
            return False
        return text(found, "metadata", CHECKSUM) == wanted.checksum

    async def _upload(self, request: UploadFile, wanted: _Wanted) -> None:
        place = _place_of(request, wanted)
        if wanted.size > PIECE:
            await self._send_pieces(request, wanted, place)
            return
        content = await asyncio.to_thread(Path(request.file).read_bytes)
        if not await self._pieces.send_whole(place, content):
            raise self._taken(place)

    async def _send_pieces(self, request: UploadFile, wanted: _Wanted, place: Place) -> None:
        offset, troubles = await self._go_on(wanted, place), 0
        while offset < wanted.size:
            try:
                offset, troubles = await self._send_piece(request, wanted, offset), 0
            except Unreachable:
                troubles += 1
                if troubles > MOST_TROUBLES:
                    raise
                await self._http.sleep(float(troubles))
                offset = await self._go_on(wanted, place)
            self._transfers.count(wanted.reference, offset)
        del self._places[wanted.reference]

    async def _send_piece(self, request: UploadFile, wanted: _Wanted, offset: int) -> int:
        """Send what comes at `offset`, and tell how much has arrived.

        Raises:
            Unreachable: It is not known whether the piece arrived, or another request is still writing.
        """
        piece = await asyncio.to_thread(_read_piece, request.file, offset)
        arrived = await self._pieces.append(request.project, self._places[wanted.reference], offset, piece)
        if arrived is None:
            what = "Supabase Storage did not take a piece: something else is writing, or more has arrived."
            raise Unreachable(self._http.provider, what, wanted.path, "It is asked how much has arrived.")
        return arrived

    async def _go_on(self, wanted: _Wanted, place: Place) -> int:
        """How much of an interrupted upload has arrived; begins anew where there is none, or it is too old."""
        upload = self._places.get(wanted.reference)
        arrived = None if upload is None else await self._pieces.arrived(wanted.project, upload)
        if arrived is not None:
            return arrived
        begun = await self._pieces.begin(place, wanted.size)
        if begun is None:
            raise self._taken(place)
        self._places[wanted.reference] = begun
        return 0

    def _taken(self, place: Place) -> Rejected:
        what = f"Supabase refused {place.bucket}/{place.path}: The resource already exists."
        remedy = "Say replace=yes to take the place of what is there."
        return Rejected(self._http.provider, what, f"project {place.project}", remedy)


def _place_of(request: UploadFile, wanted: _Wanted) -> Place:
    return Place(
        request.project,
        request.bucket,
        request.path,
        _type_of(request),
        request.cache_seconds,
        {CHECKSUM: wanted.checksum},
        request.replace,
    )


def _succeeded(wanted: _Wanted) -> Operation:
    outputs = {"size": wanted.size, CHECKSUM: wanted.checksum}
    return Operation(wanted.reference, OperationStatus.SUCCEEDED, f"{wanted.bucket}/{wanted.path} is there", outputs)


def _measure(request: UploadFile) -> _Wanted:
    """Raises UsageError when the file cannot be read."""
    path, digest, size = Path(request.file), hashlib.sha256(), 0
    if not path.is_absolute() or not path.is_file():
        what = f"{request.file!r} is no file that can be uploaded."
        raise UsageError(what, "file", "Name it by its whole path, as it is on the worker's host.")
    try:
        with path.open("rb") as file:
            for piece in iter(_reader(file.read), b""):
                digest.update(piece)
                size += len(piece)
    except OSError as error:
        raise UsageError(f"{request.file} cannot be read: {error.strerror}.", "file") from error
    return _Wanted(request.project, request.bucket, request.path.strip("/"), size, digest.hexdigest())


def _reader(read: Callable[[int], bytes]) -> Callable[[], bytes]:
    return lambda: read(PIECE)


def _read_piece(file: str, offset: int) -> bytes:
    with Path(file).open("rb") as opened:
        opened.seek(offset)
        return opened.read(PIECE)


def _type_of(request: UploadFile) -> str:
    return request.content_type or mimetypes.guess_type(request.file)[0] or ANYTHING

"""A platform's store of files, as a transfer of many needs it.

Unlike an actuator's `start`, nothing here waits for a file's end or remembers one: whoever moves thousands keeps the
journal. What a `FileStore` does under one key is safe to do again: what is there is found, and never overwritten unless
asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class FileHead:
    """What is told with a file. `facts` are kept beside it and come back with `find`."""

    content_type: str
    facts: Mapping[str, str] = field(default_factory=dict)
    cache_seconds: int = 3600


@dataclass(frozen=True)
class StoredFile:
    """A file that is there. `md5` is hexadecimal, empty where the platform tells no digest of the content."""

    key: str
    size: int
    content_type: str = ""
    md5: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BucketFacts:
    """A bucket. `largest` bytes of a file, None for no limit of its own; `types` as `image/*`, empty for all."""

    name: str
    public: bool
    largest: int | None = None
    types: tuple[str, ...] = ()


class FileStore(Protocol):
    """One bucket. Everything raises the contract's errors; keys divide folders by slashes."""

    @property
    def whole_up_to(self) -> int:
        """Bytes up to which a file goes in one request."""
        ...

    @property
    def piece(self) -> int:
        """Bytes of each piece of a larger one, its last excepted."""
        ...

    async def fetch_bucket(self) -> BucketFacts | None:
        """None where there is no such bucket."""
        ...

    async def find(self, key: str) -> StoredFile | None: ...

    def list(self, prefix: str = "") -> AsyncIterator[StoredFile]:
        """Every file whose key begins so, in the order of keys. Its `facts` are not told."""
        ...

    async def put(self, key: str, content: bytes, head: FileHead, *, replace: bool = False) -> bool:
        """Place a small file. False where a file is there already, which may be this one of an attempt before."""
        ...

    async def begin(self, key: str, size: int, head: FileHead, *, replace: bool = False) -> str | None:
        """Begin a large one; answers with what names it in `arrived` and `append`. None where a file is there."""
        ...

    async def arrived(self, upload: str) -> int | None:
        """Bytes that have arrived; None where the platform knows no such upload any more."""
        ...

    async def append(self, upload: str, offset: int, piece: bytes) -> int | None:
        """Send what comes at `offset`; answers with what has arrived.

        None where it was not taken, because something else is writing or more has arrived: ask `arrived`.
        """
        ...

    async def read(self, key: str, first: int, last: int) -> bytes:
        """Bytes `first` to `last`, both included."""
        ...

    async def read_as_visitor(self, key: str, *, public: bool) -> bytes:
        """The first byte, through the door that visitors use: the public address, or a signed one."""
        ...

    def address(self, key: str) -> str:
        """The public address, which answers where the bucket is public."""
        ...


class FileStores(Protocol):
    def open(self, project: str, bucket: str) -> FileStore: ...

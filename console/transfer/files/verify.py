"""Whether what lies in the bucket is a file's content: by the digest that the bucket tells, else by reading it back.

The facts that came with an upload say what was meant to be there and are no proof of what is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from console.transfer.files.kinds import ANYTHING
from console.transfer.files.scan import Found
from providers.contract import FileStore, StoredFile

CHECKSUM = "sha256"
READ_AT_ONCE = 8 * 1024 * 1024


class Lies(StrEnum):
    """What lies under a key."""

    NOTHING = "nothing"
    SAME = "same"
    OTHER = "other"


@dataclass(frozen=True)
class Sight:
    """What was seen under a key. `by`: `etag` or `download`. `claims`: the SHA-256 that it was uploaded as, if any."""

    lies: Lies
    by: str = ""
    claims: str = ""
    detail: str = ""


async def examine(store: FileStore, key: str, found: Found, *, download: bool = False) -> Sight:
    """Look under a key; `download` reads the content back also where a digest is told."""
    there = await store.find(key)
    if there is None:
        return Sight(Lies.NOTHING)
    return await compare(store, there, found, download=download)


async def compare(store: FileStore, there: StoredFile, found: Found, *, download: bool = False) -> Sight:
    claims = there.facts.get(CHECKSUM, "")
    if there.size != found.size:
        return Sight(Lies.OTHER, "size", claims, f"{there.size} bytes instead of {found.size}")
    if there.md5 == found.md5 and not download:
        return Sight(Lies.SAME, "etag", claims)
    # A digest that differs may be none of the content: with keys of its own kept by the platform it is something else.
    digest = await _digest(store, there)
    lies = Lies.SAME if digest == found.sha256 else Lies.OTHER
    return Sight(lies, "download", claims, "" if lies is Lies.SAME else "another content")


async def _digest(store: FileStore, there: StoredFile) -> str:
    digest, at = hashlib.sha256(), 0
    while at < there.size:
        piece = await store.read(there.key, at, min(at + READ_AT_ONCE, there.size) - 1)
        digest.update(piece)
        at += len(piece)
    return digest.hexdigest()


def type_fits(content_type: str, allowed: tuple[str, ...]) -> bool:
    """Whether a bucket that takes these types (`image/*`; empty for all) takes this one."""
    bare = (content_type or ANYTHING).partition(";")[0].strip()
    return not allowed or any(bare == one or (one.endswith("/*") and bare.startswith(one[:-1])) for one in allowed)

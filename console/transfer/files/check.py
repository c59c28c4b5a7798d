"""Compare a folder with a bucket and change nothing. The letters are those of rclone's `check --combined`.

`=` the same · `+` only in the folder · `-` only in the bucket · `*` both, and different · `!` could not be compared
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from console.domain.errors import ProviderError, Unauthorized
from console.transfer.files import keys
from console.transfer.files.scan import Found, Left, Why
from console.transfer.files.verify import CHECKSUM, Lies, compare
from providers.contract import FileStore, StoredFile


class Letter(StrEnum):
    SAME = "="
    ONLY_THERE = "-"
    ONLY_HERE = "+"
    DIFFERENT = "*"
    ERROR = "!"


@dataclass(frozen=True)
class Line:
    """One file. `detail`: what differs or went wrong; empty for nothing."""

    letter: Letter
    path: str
    detail: str = ""


async def check(
    store: FileStore,
    here: Sequence[Found | Left],
    prefix: str,
    *,
    download: bool = False,
    at_once: int = 8,
) -> list[Line]:
    """Compare everything.

    A file that came in pieces has no digest; the one kept beside it counts, unless `download` reads every content back.
    """
    there = {one.key: one async for one in store.list(prefix)}
    found = [one for one in here if isinstance(one, Found)]
    unread = [one for one in here if isinstance(one, Left) and one.why in (Why.UNREADABLE, Why.CHANGING)]
    lines = [Line(Letter.ERROR, keys.shown(one.path), one.reason) for one in unread]
    turns = asyncio.Semaphore(at_once)

    async def one_line(file: Found) -> Line:
        async with turns:
            return await _line(store, there, file, prefix, download)

    lines += await asyncio.gather(*map(one_line, found))
    known = {f"{prefix}{file.key}" for file in found}
    for key in sorted(set(there) - known):
        below = key.removeprefix(prefix)
        lines.append(Line(Letter.ONLY_THERE, keys.shown(keys.to_path(below) or below)))
    return sorted(lines, key=lambda line: line.path)


async def _line(store: FileStore, there: Mapping[str, StoredFile], file: Found, prefix: str, download: bool) -> Line:
    path, one = keys.shown(file.path), there.get(f"{prefix}{file.key}")
    if one is None:
        return Line(Letter.ONLY_HERE, path)
    try:
        if not download and not one.md5 and one.size == file.size:
            told = await store.find(one.key)
            claims = told.facts.get(CHECKSUM, "") if told else ""
            if claims:
                same = claims == file.sha256
                return Line(Letter.SAME if same else Letter.DIFFERENT, path, "" if same else "another digest")
        sight = await compare(store, one, file, download=download)
    except Unauthorized:
        raise
    except ProviderError as problem:
        return Line(Letter.ERROR, path, problem.what)
    return Line(Letter.SAME if sight.lies is Lies.SAME else Letter.DIFFERENT, path, sight.detail)

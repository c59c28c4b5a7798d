"""What lies in a folder: every file with its digests and type, and all that cannot or should not go, with the reason.

The folder is only read. A link is not followed unless asked, because it may lead out of the folder or in a circle.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from console.transfer.files import keys, kinds

BLOCK = 1024 * 1024
SETTLED_NS = 100_000_000
"""What changed less long ago may change again without another time of change: clocks of file systems are coarse."""


class Why(StrEnum):
    """Why something stays behind."""

    LINK = "link"
    UNREADABLE = "unreadable"
    SPECIAL = "special"
    CHANGING = "changing"
    TOO_LARGE = "too large"
    TYPE = "type"
    OURS = "ours"


@dataclass(frozen=True)
class Found:
    """One file.

    Attributes:
        path: Below the folder, parts divided by `/`. `size` in bytes.
        ctime_ns: When its content or its facts last changed, which no program can set; 0 where it may change unseen.
        doubt: About its type.
    """

    path: str
    size: int
    mtime_ns: int
    sha256: str
    md5: str
    content_type: str
    doubt: str = ""
    ctime_ns: int = 0

    @property
    def key(self) -> str:
        return keys.to_key(self.path)


@dataclass(frozen=True)
class Left:
    """Something that does not go."""

    path: str
    why: Why
    reason: str


@dataclass(frozen=True)
class Remark:
    """Something to know about names that do go."""

    about: str
    paths: tuple[str, ...]


Known = Mapping[str, Found]


def walk(folder: Path, *, follow_links: bool = False, ours: str = "") -> Iterator[str | Left]:
    """Every regular file's path, in order, and what is none. Folders without files leave nothing.

    Args:
        ours: A path below the folder that is left out with all below it; empty for none.
    """
    pending = [""]
    while pending:
        below = pending.pop()
        try:
            with os.scandir(folder / below) as listed:
                entries = sorted(listed, key=lambda entry: os.fsencode(entry.name))
        except OSError as problem:
            yield Left(below or ".", Why.UNREADABLE, f"the folder cannot be read: {problem.strerror}")
            continue
        folders = []
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_symlink():
                yield _of_link(entry, path, follow_links)
            elif path == ours:
                yield Left(path, Why.OURS, "it is Quarterdeck's own state")
            elif entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path
            else:
                yield Left(path, Why.SPECIAL, "it is a device, a pipe or a socket")
        pending += reversed(folders)


def _of_link(entry: os.DirEntry[str], path: str, follow: bool) -> str | Left:
    try:
        leads = keys.shown(os.readlink(entry.path))
        if follow and entry.is_file():
            return path
        is_folder = entry.is_dir()
    except OSError as problem:
        return Left(path, Why.LINK, f"the link leads nowhere: {problem.strerror}")
    if follow and not is_folder:
        return Left(path, Why.LINK, f"the link leads to {leads}, which is no file and no folder")
    words = "links to folders are not followed" if follow else "--follow-links uploads what links to files lead to"
    return Left(path, Why.LINK, f"it is a link to {leads}; {words}")


def scan(
    folder: Path,
    known: Known,
    *,
    follow_links: bool = False,
    ours: str = "",
    told: Callable[[str], None] = lambda path: None,
    beat: Callable[[], None] = lambda: None,
) -> Iterator[Found | Left]:
    """Look at everything.

    Args:
        known: Files of an earlier look; one whose size and times of change are the same is not read again.
        ours: What is left out, as for `walk`.
        told: Hears of each path before it is read. `beat`: called again and again while one is read.
    """
    for one in walk(folder, follow_links=follow_links, ours=ours):
        if isinstance(one, Left):
            yield one
            continue
        told(one)
        yield look(folder, one, known.get(one), beat)


def look(folder: Path, path: str, before: Found | None = None, beat: Callable[[], None] = lambda: None) -> Found | Left:
    """Read one file, unless it is as it was `before`."""
    try:
        with open(folder / path, "rb", opener=_without_waiting) as file:
            first = os.fstat(file.fileno())
            if not stat.S_ISREG(first.st_mode):
                return Left(path, Why.SPECIAL, "it is no file any more")
            if before is not None and (before.size, before.mtime_ns, before.ctime_ns) == _state(first):
                return before
            sha256, md5, begin, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), b"", 0
            while block := file.read(BLOCK):
                begin = begin or block[: kinds.SNIFFED]
                size += len(block)
                sha256.update(block)
                md5.update(block)
                beat()
            last = os.fstat(file.fileno())
    except OSError as problem:
        return Left(path, Why.UNREADABLE, f"it cannot be read: {problem.strerror}")
    if size != last.st_size or _state(first) != _state(last):
        return Left(path, Why.CHANGING, "it was written to while it was read")
    kind = kinds.decide(path, begin)
    _, mtime, ctime = _state(last)
    settled = ctime if time.time_ns() - ctime > SETTLED_NS else 0
    return Found(path, size, mtime, sha256.hexdigest(), md5.hexdigest(), kind.content_type, kind.doubt, settled)


def _state(facts: os.stat_result) -> tuple[int, int, int]:
    """What differs once a file was written to."""
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def remarks(found: Iterable[Found]) -> list[Remark]:
    """What to know about files that do go: empty ones, doubtful types, names that somewhere else would be one name."""
    files = list(found)
    told = []
    if empty := [file.path for file in files if not file.size]:
        told.append(Remark("empty", tuple(empty)))
    doubts = sorted({file.doubt for file in files if file.doubt})
    told += [Remark(about, tuple(file.path for file in files if file.doubt == about)) for about in doubts]
    told += _alike(files)
    if coded := [file.path for file in files if file.key != file.path]:
        told.append(Remark("kept under a key that spells the name in ASCII", tuple(coded)))
    return told


def _alike(files: Iterable[Found]) -> Iterator[Remark]:
    groups: dict[str, list[str]] = {}
    for file in files:
        groups.setdefault(unicodedata.normalize("NFC", file.path).casefold(), []).append(file.path)
    for paths in groups.values():
        if len(paths) > 1:
            same_text = len({unicodedata.normalize("NFC", path) for path in paths}) < len(paths)
            words = "the same letters in other bytes" if same_text else "names that differ in case only"
            yield Remark(words, tuple(paths))


def _without_waiting(path: str, flags: int) -> int:
    """A pipe that took a file's place is opened without waiting for its writer."""
    return os.open(path, flags | os.O_NONBLOCK)

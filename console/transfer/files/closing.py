"""Close a folder for writes, and open it again as it was: whoever may write loses that right, file by file.

What each file and folder was allowed is on disk before it is taken away, so that a process that dies at any moment
leaves nothing closed that nobody can open. A folder is closed before its names are read: what is there then is all that
comes to be there. Root writes all the same, as does who has a file open already.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

WRITING = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Touched:
    """A file that only lost its right to be written: its size and times stayed, but for one."""

    path: str
    size: int
    mtime_ns: int
    ctime_before: int
    ctime_after: int


@dataclass(frozen=True)
class Closed:
    """What came of it: how many files and folders are closed, and those that belong to others."""

    count: int
    refused: tuple[str, ...] = ()


def close_folder(
    folder: Path,
    journal: Path,
    *,
    touched: Callable[[Touched], None] = lambda one: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Closed:
    """Take the right to write from everybody. Done again after a kill it goes on; the first words on disk hold.

    Args:
        journal: A file of ours that says what was allowed before; made where there is none.
        touched: Told of every file that nobody wrote to while it was closed, by its path below the folder.
        stopped: Asked between folders; what is closed then stays so until the folder is opened.
    """
    known = _read(journal)
    count, refused = 0, list[str]()
    journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as words:
        for paths in _by_folder(os.fsencode(folder), stopped):
            before = {path: facts for path in paths if (facts := _facts_of(path)) is not None}
            new = {path: stat.S_IMODE(facts.st_mode) for path, facts in before.items() if path not in known}
            words.writelines(json.dumps([os.fsdecode(path), mode]).encode() + b"\n" for path, mode in new.items())
            words.flush()
            os.fsync(words.fileno())
            for path, facts in before.items():
                try:
                    os.chmod(path, stat.S_IMODE(facts.st_mode) & ~WRITING)
                except FileNotFoundError:
                    continue
                except OSError:
                    refused.append(os.fsdecode(path))
                    continue
                count += 1
                if one := _touch(folder, path, facts):
                    touched(one)
    return Closed(count, tuple(refused))


def open_folder(journal: Path) -> int:
    """Give back what was allowed; how many there were. What somebody else has changed since stays as it is."""
    count = 0
    for path, mode in reversed(_read(journal).items()):
        facts = _facts_of(path)
        if facts is not None and stat.S_IMODE(facts.st_mode) == mode & ~WRITING:
            with suppress(FileNotFoundError):
                os.chmod(path, mode)
                count += 1
    journal.unlink(missing_ok=True)
    return count


def _by_folder(top: bytes, stopped: Callable[[], bool]) -> Iterator[list[bytes]]:
    """The folder itself, then what is in each folder, once that takes no new names."""
    yield [top]
    waiting = [top]
    while waiting and not stopped():
        with os.scandir(waiting.pop()) as entries:
            found = [entry for entry in entries if not entry.is_symlink()]
        folders = [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
        yield [entry.path for entry in found]
        waiting += folders


def _touch(folder: Path, path: bytes, before: os.stat_result) -> Touched | None:
    """What closing changed of a file; None for a folder, and where somebody wrote meanwhile."""
    after = _facts_of(path)
    same = after is not None and (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    if after is None or not same or not stat.S_ISREG(after.st_mode):
        return None
    below = os.fsdecode(os.path.relpath(path, os.fsencode(folder)))
    return Touched(below, after.st_size, after.st_mtime_ns, before.st_ctime_ns, after.st_ctime_ns)


def _facts_of(path: bytes) -> os.stat_result | None:
    """What is known of it; None for what is gone, or is neither a file nor a folder."""
    try:
        facts = os.lstat(path)
    except FileNotFoundError:
        return None
    return facts if stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode) else None


def _read(journal: Path) -> dict[bytes, int]:
    """What was allowed first, by path. A line that a death cut short had no effect yet."""
    known: dict[bytes, int] = {}
    with suppress(FileNotFoundError):
        for line in journal.read_bytes().splitlines():
            with suppress(ValueError):
                path, mode = json.loads(line)
                known.setdefault(os.fsencode(path), int(mode))
    return known

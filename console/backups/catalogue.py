"""Where backups are: a folder each, by whose they are and their id, with `backup.json` beside the data.

    ROOT/production%2Fapi/20261122-181730-3f2a/backup.json
                                               data/            pg_dump's directory format
                                               data.tar.age     the same, encrypted
                                               data.db          a SQLite file

`backup.json` is there before the first byte of the data, and is replaced whole. It has a digest of itself: one that was
harmed, or cannot be read, makes a damaged backup, whose data stay as they are. A backup whose maker is gone before the
end is half a backup: `sweep` names and removes it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote

from console.backups.values import Backup, Kind, Proof, State
from console.domain.codec import from_json, to_json
from console.domain.errors import StoreError, UsageError

RECORD = "backup.json"
DIGEST = "digest"
DUMP = "data"
SEALED_DUMP = "data.tar.age"
LITE = "data.db"
SEALED_LITE = "data.db.age"
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_DRAFT = ".draft-"
_WORK = "work-"
_ELSEWHERE = "elsewhere"
_SCRATCH = "qdpg-"
NAMELESS_FOR_S = 60.0
"""An empty folder is only just being made, or nobody's: the second after this long."""


class Catalogue:
    """All backups under one directory. Nothing is remembered between two calls."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def begin(self, name: str, kind: Kind, now: datetime) -> Backup:
        """Make the folder of a new backup.

        Raises:
            StoreError: It cannot be written there.
        """
        stamp = now.astimezone(UTC).strftime("%Y%m%d-%H%M%S")
        backup_id = f"{stamp}-{secrets.token_hex(2)}"
        folder = self.root / quote(name, safe="") / backup_id
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.parent.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700)
        except OSError as problem:
            raise cannot_write(folder, problem) from problem
        backup = Backup(
            backup_id, name, kind, now, process=_this_process(), host=socket.gethostname(), folder=str(folder)
        )
        self.write(backup)
        return backup

    def write(self, backup: Backup) -> None:
        """Replace what is known of a backup, whole or not at all.

        Raises:
            StoreError: It cannot be written.
        """
        told = to_json(replace(backup, folder="", harmed=""))
        text = json.dumps({DIGEST: _digest_of(told), **told}, indent=1, ensure_ascii=False)
        try:
            descriptor, draft = tempfile.mkstemp(dir=backup.path, prefix=_DRAFT)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, backup.path / RECORD)
        except OSError as problem:
            raise cannot_write(backup.path, problem) from problem

    def find_all(self, name: str = "") -> list[Backup]:
        """All backups, or those of one name, the newest first."""
        found = [backup for folder in self._folders() if (backup := _read(folder)) is not None]
        return sorted((one for one in found if name in ("", one.name)), key=lambda one: one.at, reverse=True)

    def find(self, backup_id: str, *, verified: bool = False) -> Backup:
        """One backup by its id, the beginning of it, or by a name for the newest whole one, or the newest verified.

        Raises:
            UsageError: There is none, or several.
        """
        everything = self.find_all()
        whole = [one for one in everything if one.name == backup_id and one.state is not State.TAKING]
        named = [one for one in whole if one.is_verified] if verified else whole
        begun = [one for one in everything if one.id.startswith(backup_id)] if backup_id else []
        exact = [one for one in begun if one.id == backup_id]
        found = exact or named[:1] or begun
        if len(found) == 1:
            return found[0]
        what = f"{backup_id!r} could be any of {len(found)} backups." if found else f"There is no backup {backup_id!r}."
        raise UsageError(what, str(self.root), "`quarterdeck backup list` names them.")

    def remove(self, backup: Backup) -> None:
        """Delete a backup, its record last but for the folder, so that half a removal is still known.

        Raises:
            StoreError: Not all of it could be deleted.
        """
        try:
            for path in backup.path.iterdir():
                if path.name != RECORD:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.rmtree(backup.path)
        except FileNotFoundError:
            return
        except OSError as problem:
            raise cannot_write(backup.path, problem) from problem

    def sweep(self) -> list[str]:
        """Remove what was left half taken by processes of this host that are gone; returns their ids."""
        removed = []
        for folder in list(self._folders()):
            backup = _read(folder)
            if backup is None:
                is_left = time.time() - folder.stat().st_mtime > NAMELESS_FOR_S
            else:
                here = backup.host == socket.gethostname()
                is_left = backup.state is State.TAKING and here and not _runs(backup.process)
            if is_left:
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder.name)
        for place in (*self.root.glob(f"{_WORK}*"), *self.root.glob(f"*/{_WORK}*")):
            pid, _, rest = place.name.removeprefix(_WORK).partition("-")
            if not _runs(f"{pid} {rest.partition('-')[0]}"):
                for directory in _elsewhere(place):
                    shutil.rmtree(directory, ignore_errors=True)
                shutil.rmtree(place, ignore_errors=True)
        return removed

    def _folders(self) -> Iterator[Path]:
        if self.root.is_dir():
            yield from (path for path in self.root.glob("*/*") if path.is_dir() and _ID.fullmatch(path.name))


@contextmanager
def work_directory(parent: Path) -> Iterator[Path]:
    """A directory for what may not stay, as the clear text of an encrypted backup; `sweep` knows one that was left."""
    prefix = f"{_WORK}{_this_process().replace(' ', '-')}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as directory:
        yield Path(directory)


def note_elsewhere(work: Path, directory: Path) -> None:
    """Let `sweep` remove a directory of a scratch server too, should this process be killed."""
    (work / _ELSEWHERE).write_text(str(directory), encoding="utf-8")


def _elsewhere(work: Path) -> list[Path]:
    try:
        directory = Path((work / _ELSEWHERE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return []
    return [directory] if directory.name.startswith(_SCRATCH) else []


def digest_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a backup but its record, by the path within its folder."""
    return {
        str(path.relative_to(folder)): digest_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / RECORD
    }


def digest_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_files(backup: Backup) -> list[str]:
    """What is wrong with the files of a backup: missing, changed, or of nobody."""
    if backup.harmed:
        return [backup.harmed]
    found = digest_files(backup.path)
    wrong = [f"The file {name} is missing." for name in backup.files if name not in found]
    wrong += [
        f"The file {name} was changed." for name in backup.files if found.get(name, "") not in ("", backup.files[name])
    ]
    return wrong + [f"The file {name} does not belong to it." for name in found if name not in backup.files]


def _read(folder: Path) -> Backup | None:
    """What is known of a backup; None where nothing was written yet, not even data."""
    record = folder / RECORD
    try:
        return _parse(str(record), record.stat().st_mtime_ns)
    except FileNotFoundError:
        has_data = any(not path.name.startswith(_DRAFT) for path in folder.iterdir()) if folder.is_dir() else False
        return _unreadable(folder, "Its record is missing.") if has_data else None
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as problem:
        return _unreadable(folder, f"Its record cannot be read: {type(problem).__name__}.")


@lru_cache(maxsize=512)
def _parse(record: str, written_at_ns: int) -> Backup:
    """A record as it was written then; the worker asks again and again."""
    told = json.loads(Path(record).read_text(encoding="utf-8"))
    # The first backups had none.
    digest = told.pop(DIGEST, None)
    folder = Path(record).parent
    if digest is not None and digest != _digest_of(told):
        return _unreadable(folder, "Its record was changed.")
    return replace(from_json(Backup, told), folder=str(folder))


def _unreadable(folder: Path, why: str) -> Backup:
    """A damaged backup, of which the names of its folders tell all that is known."""
    try:
        at = datetime.strptime(folder.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        at = datetime.fromtimestamp(0, UTC)
    proof = Proof(False, at, (why,), "its record")
    name = unquote(folder.parent.name)
    return Backup(folder.name, name, Kind.POSTGRES, at, State.DAMAGED, proof=proof, folder=str(folder), harmed=why)


def _digest_of(told: object) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _this_process() -> str:
    return f"{os.getpid()} {_start_of(os.getpid())}"


def _runs(process: str) -> bool:
    pid, _, started = process.partition(" ")
    return pid.isdecimal() and _start_of(int(pid)) == started != ""


def _start_of(pid: int) -> str:
    """When a process began, in kernel ticks since boot; a later one with the same id has another. Empty for none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return fields[19]


def cannot_write(folder: Path, problem: OSError) -> StoreError:
    """The error for what a disk does not take."""
    return StoreError(
        f"The backup cannot be written: {problem.strerror or problem}.",
        str(folder),
        "Check the owner and the free space of the directory, or name another one.",
    )

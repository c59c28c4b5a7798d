"""Encrypt a backup to public keys (age), and open it again with one of their identities.

What is written before it is encrypted lies in the backup's own folder, mode 0700, and is deleted as soon as the
encrypted file is whole; what is opened lies in a directory of its own for as long as it is needed. An age file is
authenticated: a changed byte is an error, never another content.
"""

from __future__ import annotations

import errno
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from console.backups.catalogue import work_directory
from console.backups.values import Backup
from console.domain.errors import ConsoleError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = 1 << 20


class Unreadable(Exception):
    """The file was changed or cut."""


NO_MATCH = "No matching keys"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE)
"""What says nothing of the file that is read."""


def check_recipients(recipients: Sequence[str]) -> None:
    """Refuse what is no public key.

    Raises:
        UsageError: Names the first that is none.
        ConsoleError: Encryption is not installed.
    """
    if recipients:
        _recipients(_pyrage(), recipients)


def seal(source: Path, into: Path, recipients: Sequence[str]) -> None:
    """Encrypt a file as it is, or a directory as a tar stream; then delete the source."""
    pyrage = _pyrage()
    keys = _recipients(pyrage, recipients)
    part = into.with_name(f".{into.name}.part")
    with part.open("wb") as file:
        if source.is_dir():
            _through_pipe(lambda end: _write_tar(source, end), lambda end: pyrage.encrypt_io(end, file, keys))
        else:
            with source.open("rb") as clear:
                pyrage.encrypt_io(clear, file, keys)
        file.flush()
        os.fsync(file.fileno())
    part.replace(into)
    shutil.rmtree(source) if source.is_dir() else source.unlink()


@contextmanager
def opened(sealed: Path, identity: str, work: Path) -> Iterator[Path]:
    """Open what `seal` made: the directory, or the file, for as long as the block lasts.

    Args:
        identity: A secret key of age, `AGE-SECRET-KEY-1…`; several lines hold several.
        work: Where the directory of its own is made; needs room for the dump.

    Raises:
        Unreadable: It is damaged.
        UsageError: The identity is none, or none of those that it was encrypted to.
        ConsoleError: There is no room to open it in.
    """
    pyrage = _pyrage()
    keys = _identities(pyrage, identity)
    with work_directory(work) as directory:
        clear = directory / sealed.name.removesuffix(".age").removesuffix(".tar")
        try:
            with sealed.open("rb") as file:
                if sealed.name.endswith(".tar.age"):
                    _through_pipe(lambda end: pyrage.decrypt_io(file, end, keys), lambda end: _read_tar(end, directory))
                else:
                    with clear.open("wb") as into:
                        pyrage.decrypt_io(file, into, keys)
        except pyrage.DecryptError as problem:
            if NO_MATCH in str(problem):
                raise UsageError(
                    "The identity is none of those that this backup is encrypted to.",
                    str(sealed),
                    "Name the secret key of that time; a file may hold old and new ones, a line each.",
                ) from None
            raise Unreadable(f"It cannot be decrypted: {problem}.") from None
        except (OSError, tarfile.TarError) as problem:
            if isinstance(problem, OSError) and problem.errno in _NO_ROOM:
                raise ConsoleError(
                    f"The backup cannot be opened: {problem.strerror}.",
                    str(directory),
                    "That is no fault of the backup. Opening it takes as much room again.",
                ) from None
            raise Unreadable(f"It cannot be decrypted to its end: {problem}.") from None
        yield clear


@contextmanager
def opened_with(backup: Backup, sealed: Path, identity: str, work: Path | None = None) -> Iterator[Path]:
    """Open the file of a backup, by default beside it, where there is room for backups.

    Raises:
        Unreadable: It is damaged.
        UsageError: There is no identity, or not the right one.
        ConsoleError: There is no room to open it in.
    """
    if not identity:
        raise UsageError(
            "This backup is encrypted, and no identity is known that opens it.",
            f"{backup.id} · encrypted to {', '.join(backup.recipients)}",
            "Name one by reference: `--identity file:PATH`, or `identity` in the configuration.",
        )
    with opened(sealed, identity, work or backup.path.parent) as clear:
        yield clear


def _write_tar(source: Path, end: IO[bytes]) -> None:
    with tarfile.open(fileobj=end, mode="w|", bufsize=BLOCK) as archive:
        archive.add(source, arcname=source.name)


def _read_tar(end: IO[bytes], into: Path) -> None:
    """Only plain files and directories, and none outside: a dump has no others. Python 3.11.2 knows no filters yet."""
    with tarfile.open(fileobj=end, mode="r|") as archive:
        for member in archive:
            target = into / member.name
            if not target.resolve().is_relative_to(into.resolve()):
                raise tarfile.ExtractError(f"{member.name} lies outside")
            if member.isdir():
                target.mkdir(mode=0o700, exist_ok=True)
                continue
            source = archive.extractfile(member) if member.isreg() else None
            if source is None:
                raise tarfile.ExtractError(f"{member.name} is no file")
            with target.open("xb") as out:
                shutil.copyfileobj(source, out)
    while end.read(BLOCK):  # to its end, or the last block's authenticity would not be looked at
        pass


def _through_pipe(write: Callable[[IO[bytes]], Any], read: Callable[[IO[bytes]], Any]) -> None:
    """Let one side write what the other reads; what the writer fails by says more than the reader's cut stream."""
    inlet, outlet = os.pipe()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with os.fdopen(outlet, "wb") as end:
                write(end)
        except BaseException as problem:
            failed.append(problem)

    writer = threading.Thread(target=run, name="age", daemon=True)
    with os.fdopen(inlet, "rb") as end:
        writer.start()
        try:
            read(end)
        except BaseException as problem:
            end.close()  # the writer must not wait for a reader that is gone
            writer.join()
            cause = next((one for one in failed if not isinstance(one, BrokenPipeError)), problem)
            raise cause from None
    writer.join()
    if failed:
        raise failed[0]


def _recipients(pyrage: Any, recipients: Sequence[str]) -> list[Any]:
    keys = []
    for text in recipients:
        try:
            kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
            keys.append(kind.Recipient.from_str(text))
        except pyrage.RecipientError as problem:
            raise UsageError(
                f"{text[:24]}… is no public key of age: {problem}.",
                "recipients",
                "Write age1… keys, or ssh-ed25519 and ssh-rsa ones; `age-keygen` makes a pair.",
            ) from None
    return keys


def _identities(pyrage: Any, text: str) -> list[Any]:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        if text.lstrip().startswith("-----BEGIN"):
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        return [pyrage.x25519.Identity.from_str(line) for line in lines]
    except pyrage.IdentityError:
        raise UsageError(
            "What the reference leads to is no identity of age.",
            "identity",
            "It holds AGE-SECRET-KEY-1…, as `age-keygen` writes it, or an SSH key without a passphrase.",
        ) from None


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError as problem:
        raise ConsoleError(
            "Encryption of backups is not installed: the package pyrage is missing.",
            "",
            "Install quarterdeck[database].",
        ) from problem
    return pyrage

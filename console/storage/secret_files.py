"""A file with one secret in it: read it, and put another one in its place, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from console.domain.errors import StoreError


def read_secret(path: Path) -> str:
    """The secret, without the white space around it.

    Raises:
        StoreError: There is no such file, or it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise StoreError(f"The secret cannot be read: {reason}.", str(path), "Check its permissions.") from problem


def why_fixed(path: Path) -> str:
    """Why the secret could not be replaced, or nothing."""
    folder = path.resolve().parent
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"The worker's user may not write in {folder}."


def replace_secret(path: Path, value: str) -> None:
    """Write the value under the same name, mode 0600. A link is followed: what it leads to is replaced.

    Raises:
        StoreError: It could not be written; the file is as it was.
    """
    place = path.resolve()
    try:
        descriptor, draft = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}-")  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(f"{value}\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, place)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)
            raise
    except OSError as problem:
        raise StoreError(
            f"The secret cannot be written: {problem.strerror or problem}.",
            str(path),
            "Let the worker's user write in that directory, then try again.",
        ) from problem

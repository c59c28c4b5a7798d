"""Values of variables that were replaced, so that they can be put back. The only place of ours where values are.

One file for each step that replaced some, in a directory of mode 0700, the files 0600, written whole or not at all.
They are no record: they go after a time, and they stay on the host that made the change.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from console.domain.errors import StoreError

SUFFIX = ".json"
KEPT_FOR = timedelta(days=30)
"""After this long nobody takes a change back any more, and a secret that lies about is a risk."""


class KeptValues:
    """What can still be put back, by the place it was in."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, name: str, target: str, values: Mapping[str, str]) -> None:
        """Keep values under a name; what is kept under it already stays as it is.

        Raises:
            StoreError: They could not be written; then nothing may be replaced.
        """
        path = self._directory / f"{quote(name, safe='')}{SUFFIX}"
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                self._write(path, json.dumps({"target": target, "values": dict(values)}))
        except OSError as problem:
            raise StoreError(
                f"The values that would be replaced cannot be kept: {problem.strerror or problem}.",
                str(self._directory),
                "Nothing was changed. Free some space, or check the owner of the state directory, then try again.",
            ) from problem

    def find(self, target: str, variable: str, fits: Callable[[str], bool]) -> str | None:
        """The newest value that a variable of a place had and that fits; None where nobody has it any more."""
        for path in self._newest_first():
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                value = kept["values"].get(variable) if kept["target"] == target else None
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue
            if isinstance(value, str) and fits(value):
                return value
        return None

    def drop(self, fits: Callable[[str], bool]) -> int:
        """Remove every value that fits, wherever it was; returns how many there were.

        Raises:
            StoreError: Not all of them could be removed; asked again, it goes on.
        """
        count = 0
        for path in self._newest_first():
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                left = {name: value for name, value in kept["values"].items() if not fits(value)}
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
            except OSError as problem:
                raise _not_dropped(path, problem) from problem
            if len(left) == len(kept["values"]):
                continue
            count += len(kept["values"]) - len(left)
            try:
                self._write(path, json.dumps({**kept, "values": left}))
            except OSError as problem:
                raise _not_dropped(path, problem) from problem
        return count

    def forget(self, before: datetime) -> int:
        """Remove what is older; returns how many files."""
        old = [path for path in self._newest_first() if path.stat().st_mtime < before.timestamp()]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _newest_first(self) -> list[Path]:
        return sorted(self._files(), key=lambda path: path.stat().st_mtime_ns, reverse=True)

    def _files(self) -> Iterator[Path]:
        with contextlib.suppress(FileNotFoundError):
            yield from self._directory.glob(f"*{SUFFIX}")

    def _write(self, path: Path, text: str) -> None:
        descriptor, draft = tempfile.mkstemp(dir=self._directory, prefix=".draft-")  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)
            raise


def _not_dropped(path: Path, problem: OSError) -> StoreError:
    return StoreError(
        f"A value that is to be forgotten is still kept: {problem.strerror or problem}.",
        str(path),
        "Check the owner and the space of the state directory, then try again.",
    )

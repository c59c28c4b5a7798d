"""What has lost its other half: files that no reference names, and references that name no file."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from console.transfer.files import keys
from console.transfer.files.journal import Entry


def find_unnamed(entries: Iterable[Entry], named: Collection[str]) -> tuple[str, ...]:
    """Files that no reference names, as they may be shown. `named`: paths that some text names."""
    return tuple(keys.shown(entry.path) for entry in entries if entry.path not in named)

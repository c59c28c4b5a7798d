"""Chores that close where data comes from, a SQLite file and a folder of uploads, and that open it again."""

from __future__ import annotations

from pathlib import Path

from console.chores.lines import Done, Stopped
from console.chores.tasks import Asked, Outcome

JOURNAL = "closed.jsonl"


def fence_source(asked: Asked) -> Outcome:
    """Let nobody write to the source any more, and to its uploads as far as that can be had."""
    from console.transfer.data.fence import fence

    tables = fence(Path(asked.argument("source")))
    words, outputs = f"{len(tables)} tables take no writes", {"tables": list(tables)}
    if not asked.argument("files"):
        return Done(words, outputs)
    more, open_ones = _close(asked)
    if asked.stopped():
        return Stopped()
    return Done(f"{words}; {more}", {**outputs, "open": open_ones})


def open_source(asked: Asked) -> Outcome:
    """Let the source be written to again."""
    from console.transfer.data.fence import unfence

    words = "it takes writes again" if unfence(Path(asked.argument("source"))) else "it was not closed"
    if not asked.argument("files"):
        return Done(words)
    from console.transfer.files.closing import open_folder

    count = open_folder(asked.folder / JOURNAL)
    return Done(f"{words}; {count} files and folders are as they were")


def _close(asked: Asked) -> tuple[str, list[str]]:
    import os

    from console.transfer.files.closing import SHOWN, close_folder

    closed = close_folder(Path(asked.argument("files")), asked.folder / JOURNAL, asked.stopped)
    words = f"{closed.count} files and folders are closed"
    if closed.refused:
        first = ", ".join(closed.refused[:SHOWN])
        words += f", {len(closed.refused)} belong to others and stay open: {first}"
    if os.geteuid() == 0:
        words += "; what root writes is not kept out"
    return words, list(closed.refused[:SHOWN])

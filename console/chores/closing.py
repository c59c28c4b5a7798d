"""Chores that close where data comes from, a SQLite file and a folder of uploads, and that open it again."""

from __future__ import annotations

import os
from pathlib import Path

from console.chores.lines import Done, Stopped
from console.chores.tasks import Asked, Outcome

JOURNAL = "closed.jsonl"
SHOWN = 5


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
    from console.chores.files import journal_of
    from console.transfer.files.closing import close_folder
    from console.transfer.files.journal import open_journal

    with open_journal(journal_of(asked)) as journal:
        closed = close_folder(
            Path(asked.argument("files")),
            asked.folder / JOURNAL,
            touched=lambda one: journal.touched(one.path, one.size, one.mtime_ns, one.ctime_before, one.ctime_after),
            stopped=asked.stopped,
        )
    words = f"{closed.count} files and folders are closed"
    if closed.refused:
        first = ", ".join(closed.refused[:SHOWN])
        words += f", {len(closed.refused)} belong to others and stay open: {first}"
    if os.geteuid() == 0:
        words += "; what root writes is not kept out"
    return words, list(closed.refused[:SHOWN])

"""Chores on files: a folder into a bucket, each file once and verified."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from console.chores.databases import of_database
from console.chores.lines import Done, Failed, Stopped
from console.chores.tasks import Asked, Outcome

if TYPE_CHECKING:
    from console.transfer.files.progress import Progress
    from console.transfer.files.run import Request, Result
    from providers.contract import FileStore

SHOWN = 5
LOOKS = 20
"""Looks at a folder that is to have come to rest, the first one included."""


def journal_of(asked: Asked) -> Path:
    """Where the journal of one folder and one bucket lies: one deployment knows what another has brought."""
    names = ("files", "provider", "project", "bucket", "prefix")
    told = json.dumps([str(asked.argument(name, "")) for name in names])
    return asked.folder.parent / f"files-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


@of_database
def bring_files(asked: Asked) -> Outcome:
    """Bring what is not there yet; go on where a run before was cut short."""
    from console.transfer.connecting import connect_target
    from console.transfer.data.taking_back import set_mark
    from console.transfer.files.journal import State
    from console.transfer.files.keys import shown
    from console.transfer.files.progress import Stopped as Halted
    from console.transfer.files.references import References
    from console.transfer.files.report import size_words
    from console.transfer.files.run import Request
    from console.transfer.files.scan import Why

    prefix = str(asked.argument("prefix", "")).strip("/")
    request = Request(
        Path(asked.argument("files")),
        lambda: _open(asked),
        journal_of(asked),
        prefix=f"{prefix}/" if prefix else "",
        place="/".join(str(asked.argument(name, "")) for name in ("provider", "project", "bucket", "prefix")),
        database=asked.order.secrets.get("address", ""),
        rewrite=tuple(asked.argument("rewrite", ())),
        old_prefixes=tuple(asked.argument("old_prefixes", ())),
        state=asked.folder,
    )
    try:
        result, still = _bring(asked, request)
    except Halted:
        return Stopped()
    where, first = f"bucket {asked.argument('bucket')}", not asked.argument("until_still", False)
    gone = _moving(request.folder, result, changing=first)
    bad = [f"{shown(one.path)}: {one.error}" for one in result.failed if one.path not in gone]
    bad += [f"{one.path}: {one.problem}" for one in result.visits if one.problem]
    if bad:
        return Failed(
            f"{len(bad)} files did not arrive as they are: {'; '.join(bad[:SHOWN])}.",
            where,
            "What arrived is in the journal and is not sent again.",
            again=True,
        )
    left = [f"{shown(one.path)}: {one.reason}" for one in result.left if one.path not in gone]
    if left and not asked.argument("leave_ok", False):
        return Failed(
            f"{len(left)} files cannot go: {'; '.join(left[:SHOWN])}.",
            where,
            "Mend them, change the bucket's limits, or go on without them with --leave-ok.",
            again=any(one.why is Why.CHANGING for one in result.left),
        )
    behind = f", {len(left)} left behind" if left else ""
    arrived = [one for one in result.entries if one.state is State.VERIFIED]
    size = sum(one.found.size for one in arrived)
    words = f"{len(arrived)} files, {size_words(size)}, each read back as it is{behind}"
    if not still:
        words += "; files keep coming, and what comes from here on stays behind"
    outputs = {"files": len(arrived), "bytes": size, "left": left[:SHOWN]}
    if not request.rewrite:
        return Done(words, outputs)
    changed = ", ".join(f"{one.rows} of {one.column}" for one in (result.references or References()).changed)
    with connect_target(request.database) as target:
        mark = set_mark(target)
    return Done(f"{words}; references rewritten: {changed or 'none'}", {**outputs, "mark": mark})


def _bring(asked: Asked, request: Request) -> tuple[Result, bool]:
    """What became of it, and whether the folder had come to rest where that was to be waited for.

    Then what came meanwhile is brought, and what came while that was brought, until a look finds nothing new: never,
    where files keep coming to a folder that nothing can close. References are rewritten once, at the very end.
    """
    from console.transfer.files.run import run

    def look(wanted: Request) -> Result:
        return run(wanted, told=_teller(asked), stopped=asked.stopped)

    if not asked.argument("until_still", False):
        return look(request), True
    seen, still = None, False
    for _ in range(LOOKS):
        result = look(replace(request, rewrite=()))
        found = {one.path: one.found.sha256 for one in result.entries}
        if still := found == seen:
            break
        seen = found
    return look(request) if request.rewrite else result, still


def _moving(folder: Path, result: Result, *, changing: bool) -> frozenset[str]:
    """Files that were gone when their turn came; with `changing` also those that somebody was writing.

    While people still work with the folder neither is a fault: what is there in the end comes with the last look.
    """
    from console.transfer.files.scan import Why

    found = {one.path: one.found.mtime_ns for one in result.failed}
    found |= {one.path: -1 for one in result.left if one.why in (Why.CHANGING, Why.UNREADABLE)}
    moving = set()
    for path, mtime in found.items():
        try:
            now = os.lstat(folder / path).st_mtime_ns
        except FileNotFoundError:
            moving.add(path)
            continue
        if changing and mtime not in (-1, now):
            moving.add(path)
    busy = {one.path for one in result.left if one.why is Why.CHANGING} if changing else set()
    return frozenset(moving | busy)


def _teller(asked: Asked) -> Callable[[Progress], None]:
    return lambda told: asked.told(told.phase, "files", told.files, told.total)


@asynccontextmanager
async def _open(asked: Asked) -> AsyncIterator[FileStore]:
    """The bucket, through a connection of this process's own."""
    from console.domain.clock import SystemClock
    from console.domain.errors import UsageError
    from providers.contract import Unsupported
    from providers.registry import open_provider

    provider = str(asked.argument("provider"))
    options = json.loads(asked.order.secrets["provider"])
    connection = open_provider(provider, options, clock=SystemClock().now)
    try:
        stores = connection.capabilities.files
        if isinstance(stores, Unsupported):
            raise UsageError(stores.reason, f"provider {provider}", stores.remedy)
        yield stores.open(str(asked.argument("project")), str(asked.argument("bucket")))
    finally:
        await connection.close()

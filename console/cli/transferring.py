"""`transfer`: bring data over, tell how it goes, and end badly when something stayed behind without leave."""

from __future__ import annotations

import asyncio
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from console.cli.addresses import find_address, in_words
from console.cli.output import show_json, show_lines
from console.cli.session import Session
from console.cli.telling import Pace
from console.domain.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from console.transfer.data.request import Progress, Request, Result

R = TypeVar("R")


async def data(session: Session) -> int:
    """Transfer a SQLite file. Ctrl+C ends it after the piece that is under way; the same command goes on from there."""
    from console.transfer.data.rehearsal import rehearse
    from console.transfer.data.report import to_lines, to_values
    from console.transfer.data.request import Request
    from console.transfer.data.rules import load_rules
    from console.transfer.data.run import run

    options = session.options
    source: Path = options.source.expanduser()
    work = session.home / "transfers" / _folder(source)
    request = Request(
        source,
        work,
        find_address(options.to, "--to"),
        options.schema,
        tuple(options.table),
        load_rules(options.rules) if options.rules else {},
        options.keep_case,
        options.dry_run,
    )
    if options.incremental:
        return await _increment(session, request)
    if options.deletes or options.on_conflict:
        raise UsageError(
            "--deletes and --on-conflict speak of an increment.", "transfer data", "Give --incremental with them."
        )
    result = await _in_thread(session, rehearse if request.dry_run else run, request)
    if result is None:
        return ExitCode.WAITING
    shutil.rmtree(work, ignore_errors=True)
    if session.form == "text":
        show_lines(session, to_lines(result))
    else:
        show_json(session, to_values(result))
    # What SQLite finds wrong with its rows keeps a foreign key or a condition from being made, which a run then tells.
    is_sound = not (request.dry_run and result.faults)
    return _code(result, may_leave=options.quarantine_ok) if is_sound else ExitCode.FAILED


async def _increment(session: Session, request: Request) -> int:
    from console.transfer.data.increment import Increment, OnConflict, run_increment
    from console.transfer.data.told import to_lines, to_values

    options = session.options
    wanted = Increment(request, options.deletes, OnConflict(options.on_conflict or OnConflict.STOP))
    result = await _in_thread(session, run_increment, wanted)
    if result is None:
        return ExitCode.WAITING
    if session.form == "text":
        show_lines(session, to_lines(result))
    else:
        show_json(session, to_values(result))
    is_good = result.holds and (options.quarantine_ok or not result.quarantined)
    return ExitCode.GOOD if is_good else ExitCode.FAILED


async def _in_thread(session: Session, run: Callable[..., R], wanted: object) -> R | None:
    """Run it beside the loop and tell how it goes; None when Ctrl+C ended it.

    Raises:
        ConsoleError: The database does not go on.
    """
    import psycopg

    from console.transfer.data.load import Stopped

    stop, loop = threading.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    try:
        return await asyncio.to_thread(run, wanted, told=_teller(session), stopped=stop.is_set)
    except Stopped:
        session.say("Stopped. What is over there is on record; the same command goes on from there.")
        return None
    except psycopg.Error as problem:
        raise in_words(problem, "--to") from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _code(result: Result, *, may_leave: bool) -> int:
    return ExitCode.GOOD if result.holds and (may_leave or not result.quarantined) else ExitCode.FAILED


def _folder(source: Path) -> str:
    """Where the snapshot is kept: by the file's whole path, so that going on finds it again."""
    import hashlib

    return f"{source.stem}-{hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:12]}"


def _teller(session: Session) -> Callable[[Progress], None]:
    """Say how it goes, with the rate and the time left of the rows."""
    pace = Pace()

    def tell(progress: Progress) -> None:
        if not pace.is_due(progress.phase):
            return
        rate = progress.rows / pace.seconds if pace.seconds else 0.0
        left = f", {(progress.total - progress.rows) / rate:.0f} s left" if rate and progress.total else ""
        counted = f" {progress.rows} of {progress.total}" if progress.total else ""
        speed = f" ({rate:.0f}/s{left})" if rate > 1 else ""
        session.say(f"{progress.phase}: {progress.about}{counted}{speed}")

    return tell

"""`migrate`: the schema of one database, from files, with this user's own connection."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli.migration_backup import back_up, find_before, restore_before
from console.cli.migration_files import Place, find_place
from console.cli.migration_run import perform
from console.cli.migration_words import finding_lines, lint_lines, plan_lines, row_lines
from console.cli.output import show
from console.cli.session import Session
from console.cli.words import counted
from console.domain.errors import ConsoleError, ExitCode, Refused, UsageError
from console.migrations import history, ledger, performance
from console.migrations import repair as repairing
from console.migrations.advisors import advise
from console.migrations.checks import Leave, check_up
from console.migrations.findings import Severity
from console.migrations.forecast import fetch_sizes, forecast
from console.migrations.lint import lint as lint_files
from console.migrations.patience import Patience
from console.migrations.performance import Change
from console.migrations.read_only import find_forgotten, take_back
from console.migrations.reindex import rebuild
from console.migrations.requests import Request
from console.migrations.scripts import Direction, build_scripts
from console.migrations.standing import Row, compare
from console.migrations.verify import run_script
from providers.contract import MigrationFile
from providers.database import Database

if TYPE_CHECKING:
    from providers.database import Connection

SLOWER = 1.5
BAD = frozenset({"half done", "half taken back", "edited", "no file", "late"})


async def status(session: Session) -> int:
    """Show how files and history stand; 1 when something is half done, edited, late or without a file, or when a run
    that died left the database read-only.
    """
    place = find_place(session)
    rows = await _rows(place)
    async with place.need().connect() as connection:
        left = await find_forgotten(connection)
    if left is not None:
        session.say(
            f"The database takes no writes: a run of {left.who}, which is gone, made it read-only at {left.since}. "
            "`quarterdeck migrate repair --writable` takes it back."
        )
    show(session, rows, row_lines(rows))
    return ExitCode.FAILED if left or any(row.state in BAD for row in rows) else ExitCode.GOOD


async def lint(session: Session) -> int:
    """Lint; 1 when something blocks, or a part could not be run."""
    place = find_place(session)
    files: Sequence[MigrationFile] = place.files
    if place.database is not None and not session.options.all:
        files = _not_applied(files, await _rows(place))
    linted = await asyncio.to_thread(lint_files, files)
    show(session, linted, lint_lines(linted))
    return ExitCode.FAILED if linted.blocks or linted.not_run else ExitCode.GOOD


async def plan(session: Session) -> int:
    """Show what `up` would run; 4 when it would refuse."""
    place = find_place(session)
    files = _not_applied(place.files, await _rows(place))
    linted = await asyncio.to_thread(lint_files, files)
    scripts = build_scripts(place.name, Direction.UP, files)
    database = place.need()
    async with database.connect() as connection:
        sizes = await fetch_sizes(connection)
        stored, facts = await history.fetch_statements(connection), await ledger.fetch(connection)
    try:
        check_up(database, place.scripts, stored, facts, Leave())
        refusal = ""
    except ConsoleError as problem:
        refusal = f"{problem.what} {problem.remedy}"
    entries = forecast(scripts, sizes)
    data = {"files": [one.filename for one in scripts], "forecast": entries, "lint": linted, "refusal": refusal}
    show(session, data, plan_lines(scripts, entries, linted, refusal))
    return ExitCode.REFUSED if refusal or linted.blocks else ExitCode.GOOD


async def up(session: Session) -> int:
    """Apply what is not applied; 0 when all of it is, and verified."""
    place, options = find_place(session), session.options
    database = place.need()
    due = _not_applied(place.files, await _rows(place))
    if not due:
        show(session, {"applied": []}, ["Nothing to apply."])
        return ExitCode.GOOD
    linted = await asyncio.to_thread(lint_files, due)
    blocks = [one for one in linted.findings if one.severity is Severity.BLOCKS and one.rule not in options.allow]
    if blocks:
        session.say(*finding_lines(blocks))
        rules = " ".join(sorted({one.rule for one in blocks}))
        raise Refused("The linter found what blocks.", place.name, f"Correct it, or pass over it with --allow {rules}.")
    session.say(f"{place.name}: {counted(len(due), 'file')} to apply.")
    _ask(session, f"Apply {', '.join(file.version for file in due)}?")
    leave = Leave(options.include_all, options.contract, options.serving)
    downs = [file for file in place.files if file.down.strip()]
    request = Request(
        Direction.UP,
        place.scripts,
        leave,
        build_scripts(place.name, Direction.DOWN, downs),
        getpass.getuser(),
        options.backup_id,
        linted.words_by_version(due),
        writes_anyway=options.read_only,
    )
    if options.figures:
        await _keep_figures(session, database, Path(options.figures))
    required = options.backup == "required" or (not options.backup and not options.backup_id and place.guarded)

    async def secure() -> str:
        assert place.source is not None, "a database was named"
        # On purpose in the loop's own thread: nothing else goes on here, and a proof may start a server.
        return back_up(session, place.source).id

    alone = options.read_only
    ended = await perform(session, database, request, alone=alone, secure=secure if required else None)
    data = {"applied": ended.done, "unnamed": ended.unnamed, "differs": ended.differs, "invalid": ended.invalid}
    show(session, data, [f"Applied {', '.join(ended.done)}.", *ended.lines])
    return ExitCode.GOOD if ended.is_good else ExitCode.FAILED


async def down(session: Session) -> int:
    """Take back by down scripts, newest first."""
    place, options = find_place(session), session.options
    rows = [row for row in await _rows(place) if row.state not in ("pending", "late")]
    known = [row.version for row in rows]
    wanted = options.versions or known[known.index(options.to) + 1 :] if not options.to or options.to in known else None
    strange = [version for version in wanted or () if version not in known]
    if wanted is None or strange:
        named = options.to if wanted is None else ", ".join(strange)
        raise UsageError(f"{named} is not applied.", place.name, "`quarterdeck migrate status` lists what is.")
    if not wanted:
        show(session, {"reverted": []}, ["Nothing to take back."])
        return ExitCode.GOOD
    if options.restore_database:
        return await restore_before(session, place, [row for row in rows if row.version in wanted], rows)
    without = [version for version in wanted if version not in {file.version for file in place.files}]
    if without:
        raise UsageError(
            f"There is no file of {', '.join(without)}.",
            place.name,
            "Bring the files; or say --restore-database, which loses what was written since.",
        )
    _check_ways_back(place, [row for row in rows if row.version in wanted])
    scripts = build_scripts(place.name, Direction.DOWN, [file for file in place.files if file.version in wanted])
    _ask(session, f"Take back {', '.join(one.version for one in scripts)}? What they hold is lost.")
    request = Request(Direction.DOWN, scripts, who=getpass.getuser())
    ended = await perform(session, place.need(), request)
    data = {"reverted": ended.done, "unnamed": ended.unnamed, "invalid": ended.invalid}
    show(session, data, [f"Took back {', '.join(ended.done)}.", *ended.lines])
    return ExitCode.GOOD if ended.is_good else ExitCode.FAILED


async def verify(session: Session) -> int:
    """Ask all verify scripts of applied files, and for advice; 1 when one says no, or advice blocks."""
    place, options = find_place(session), session.options
    applied = {row.version for row in await _rows(place) if row.state in ("applied", "edited")}
    database = place.need()
    answers: list[dict[str, str]] = []
    async with database.connect() as connection:
        for file in place.files:
            if file.verify.strip() and file.version in applied:
                words = await run_script(connection, file.verify, database.words_of)
                answers.append({"version": file.version, "wrong": words})
        advice = await advise(connection)
        slower = await _slower(connection, Path(options.figures)) if options.figures else []
    lines = [f"{'✗' if one['wrong'] else '✓'} {one['version']} {one['wrong']}".rstrip() for one in answers]
    lines += [f"{one.severity.value:<7} {one.object}: {one.what} ({one.rule})\n{'':7} {one.remedy}" for one in advice]
    lines += [
        f"slower  {one.before_ms:.1f} → {one.after_ms:.1f} ms: {' '.join(one.query.split())[:90]}" for one in slower
    ]
    show(
        session,
        {"verified": answers, "advice": advice, "slower": slower},
        lines or ["Nothing to verify, and no advice."],
    )
    is_bad = any(one["wrong"] for one in answers) or any(one.severity is Severity.BLOCKS for one in advice)
    return ExitCode.FAILED if is_bad else ExitCode.GOOD


async def repair(session: Session) -> int:
    """Make the history say what is so; or rebuild indexes; or end a read-only mode that was left behind."""
    place, options = find_place(session), session.options
    if options.reindex is not None:
        return await _reindex(session, place.need(), options.reindex)
    if options.writable:
        left = await take_back(place.need())
        show(
            session, {"writable": left is not None}, ["It takes writes again." if left else "No run left it read-only."]
        )
        return ExitCode.GOOD
    database, files = place.need(), {one.version: one for one in place.scripts}
    named = options.applied or options.done[:1]
    missing = [version for version in named if version not in files]
    if missing:
        raise UsageError(f"There is no file of {', '.join(missing)}.", place.name, "Name versions that have one.")
    if options.done and not options.done[1].isdecimal():
        raise UsageError(f"{options.done[1]!r} is not a number of statements.", "--done", "Write a whole number.")
    _ask(session, "Change the history? No SQL of any file is run.")
    async with database.connect() as connection:
        if not await history.try_lock(connection):
            raise Refused("Somebody runs migrations now.", await history.find_holder(connection), "Wait for its end.")
        await history.prepare(connection)
        await ledger.prepare(connection)
        if options.done:
            count = int(options.done[1])
            await repairing.mark_done(connection, files[options.done[0]], count, getpass.getuser())
        elif options.applied:
            await repairing.mark_applied(connection, [files[one] for one in options.applied], getpass.getuser())
        else:
            await repairing.mark_reverted(connection, options.reverted)
    return await status(session)


def _check_ways_back(place: Place, rows: Sequence[Row]) -> None:
    """Where a down script is missing, a backup is all that is left, and nobody restores one unasked."""
    bare = {file.version for file in place.files if not file.down.strip()}
    missing = [row for row in rows if row.version in bare]
    if not missing:
        return
    backup = find_before(place, rows)
    named = f"restores {backup}" if backup else "looks for a backup from before it"
    raise Refused(
        f"No down script: {', '.join(f'{row.version}_{row.name}' for row in missing)}.",
        f"{place.name} · nothing was taken back",
        f"Write what is missing; or say --restore-database, which {named}: what was written since is lost then.",
    )


async def _reindex(session: Session, database: Database, names: Sequence[str]) -> int:
    """Rebuild indexes; 1 when one is not whole afterwards."""
    async with database.connect() as connection:
        if not await history.try_lock(connection):
            raise Refused("Somebody runs migrations now.", await history.find_holder(connection), "Wait for its end.")
        found = await rebuild(connection, database, names, Patience(), lambda index: session.say(f"rebuilds {index}"))
    lines = [f"{'✗' if one.problem else '✓'} {one.index} {one.problem}".rstrip() for one in found]
    show(session, found, lines or ["No index is invalid."])
    return ExitCode.FAILED if any(one.problem for one in found) else ExitCode.GOOD


async def _rows(place: Place) -> Sequence[Row]:
    async with place.need().connect() as connection:
        stored, facts = await history.fetch_statements(connection), await ledger.fetch(connection)
    return compare(place.scripts, stored, facts)


def _not_applied(files: Iterable[MigrationFile], rows: Iterable[Row]) -> list[MigrationFile]:
    due = {row.version for row in rows if row.state in ("pending", "late", "half done")}
    return [file for file in files if file.version in due]


async def _keep_figures(session: Session, database: Database, file: Path) -> None:
    async with database.connect() as connection:
        reading = await performance.read(connection)
    if reading is None:
        session.say("pg_stat_statements is not there: no figures were kept.")
    else:
        await asyncio.to_thread(file.write_text, performance.to_text(reading), encoding="utf-8")


async def _slower(connection: Connection, file: Path) -> list[Change]:
    """Statements whose mean time grew by half and more since the file was written."""
    try:
        before = performance.from_text(await asyncio.to_thread(file.read_text, encoding="utf-8"))
    except (OSError, ValueError):
        remedy = "`migrate up --figures FILE` keeps them."
        raise UsageError(f"{file} holds no figures.", "--figures", remedy) from None
    after = await performance.read(connection)
    return [one for one in performance.compare({}, before, after or {}) if one.factor >= SLOWER]


def _ask(session: Session, question: str) -> None:
    if session.options.yes:
        return
    from console.cli.asking import ask_text

    if ask_text(session, f"{question} [y/N]").lower() not in ("y", "yes"):
        raise Refused("Nothing was done.", "", "")

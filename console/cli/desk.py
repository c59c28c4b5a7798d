"""`providers`, `ask` and `act`: what every platform can do, and doing it by hand."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from console.cli.output import show, show_json, show_lines, show_rows
from console.cli.session import Session
from console.cli.values import value_lines
from console.cli.words import say_state, table
from console.client.service import DeskChange, DeskOperation, DeskQuestion, DeskWish, ProviderAbout, Service
from console.domain.errors import ConsoleError, ExitCode, UsageError
from console.domain.exchange import DeskEntry

FIRST_LOOK, LONGEST_PAUSE, GROWTH = 0.1, 2.0, 1.5
MOST_SILENCES = 20
"""Looks in a row that a worker may leave unanswered, as while it is started anew."""
STANDARD_INPUT = "-"
FROM_FILE = "@"


async def providers(session: Session) -> int:
    """What each can do; the one named, in full."""
    service = await session.service()
    named = session.options.provider
    found = await service.providers(named)
    show_rows(session, found, _provider_lines(found, whole=bool(named)))
    return ExitCode.GOOD


async def ask(session: Session) -> int:
    """Ask a platform something and print its answer."""
    options = session.options
    question = DeskQuestion(read_pairs(options.arguments))
    service = await session.service()
    value = (await service.ask(options.provider, options.reading, question)).value
    if session.form == "text":
        show_lines(session, value_lines(value))
    elif session.form == "jsonl" and isinstance(value, list):
        show_rows(session, value, ())
    else:
        show_json(session, value)
    return ExitCode.GOOD


async def act(session: Session) -> int:
    """Change something at a platform; stay until it has ended, unless told not to."""
    options = session.options
    if options.list:
        return await _list_changes(session)
    if not options.provider or not options.action:
        raise UsageError(
            "act needs a platform and an action.",
            "act PROVIDER ACTION [NAME=VALUE …]",
            "`quarterdeck providers` lists both; `quarterdeck act --list` what was changed by hand.",
        )
    arguments = read_pairs(options.arguments)
    service = await session.service()
    entry = await _find_action(service, options.provider, options.action)
    _refuse_open_secrets(options.provider, entry, options.arguments)
    arguments = await _settle_paths(service, entry, arguments)
    request_id = options.request_id or uuid.uuid4().hex[:12]
    wish = DeskWish(arguments, request_id, options.yes)
    again = f"The same command with --request-id {request_id} looks at what was begun before it does anything."
    session.farewell = f"What was begun goes on. {again}"
    try:
        operation = await service.act(options.provider, options.action, wish)
    except ConsoleError as problem:
        if problem.transient:
            session.say(f"It may have happened all the same. {again}")
        raise
    if operation.again:
        session.say("This request had been made before; this is what became of it.")
    if options.wait:
        operation = await _follow(session, service, operation)
    show(session, operation, _operation_lines(operation))
    if operation.status == "running":
        session.say(f"It goes on. {again}")
        return ExitCode.WAITING if options.wait else ExitCode.GOOD
    return ExitCode.GOOD if operation.status == "succeeded" else ExitCode.FAILED


async def _list_changes(session: Session) -> int:
    options = session.options
    service = await session.service()
    found = await service.operations(options.limit)
    chosen = [one for one in found if options.provider in ("", one.provider) and options.action in ("", one.action)]
    show_rows(session, chosen, _change_lines(chosen))
    if any(one.status == "unknown" for one in chosen):
        session.say("unknown: no answer came. The same command with --request-id looks before it does anything.")
    return ExitCode.GOOD


def _change_lines(found: Sequence[DeskChange]) -> Iterator[str]:
    if not found:
        yield "Nothing was changed by hand in thirty days."
        return
    heads = ["ASKED", "REQUEST", "STATUS", "BY", "CHANGE"]
    rows = [
        [
            f"{one.asked_at:%Y-%m-%d %H:%M}",
            one.request_id,
            one.status,
            one.asked_by,
            _change_words(one),
        ]
        for one in found
    ]
    yield from table(heads, rows)


def _change_words(one: DeskChange) -> str:
    detail = f": {' '.join(one.detail.split())}" if one.detail else ""
    return f"{one.provider} {one.action}{detail}"


def read_pairs(pairs: Sequence[str]) -> dict[str, object]:
    """`name=value` as arguments: a name again makes a list, `name.key=value` an entry of a table.

    `name=@FILE` reads a file and `name=-` standard input, without the last line's end; `@@` begins a text with an @.

    Raises:
        UsageError: One of them is no such pair, or cannot be read.
    """
    found: dict[str, object] = {}
    if sum(pair.endswith(f"={STANDARD_INPUT}") for pair in pairs) > 1:
        raise UsageError("Standard input can only be one argument.", "NAME=-", "Use NAME=@FILE for the others.")
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator or not name:
            raise UsageError(f"{pair!r} is no argument.", "", "Write NAME=VALUE, NAME=@FILE or NAME=-.")
        value = _read_value(name, text)
        name, dotted, key = name.partition(".")
        before = found.get(name)
        if dotted:
            if before is not None and not isinstance(before, dict):
                raise UsageError(f"{name} is given as a value and as a table.", pair, "Give it one way.")
            found[name] = {**(before or {}), key: value}
        elif isinstance(before, dict):
            raise UsageError(f"{name} is given as a value and as a table.", pair, "Give it one way.")
        else:
            found[name] = value if name not in found else [*(before if isinstance(before, list) else [before]), value]
    return found


def _read_value(name: str, text: str) -> str:
    if text == STANDARD_INPUT:
        return _without_last_end(sys.stdin.read())
    if not text.startswith(FROM_FILE):
        return text
    if text.startswith(FROM_FILE * 2):
        return text[1:]
    path = Path(text[1:]).expanduser()
    try:
        return _without_last_end(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise UsageError(f"The file of {name} cannot be read: {reason}.", str(path), "Check it.") from problem


def _without_last_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


async def _find_action(service: Service, provider: str, action: str) -> DeskEntry:
    """What is known of an action; the worker itself refuses one that is not there."""
    (about,) = await service.providers(provider)
    return next((entry for entry in about.actions if entry.name == action), DeskEntry(action))


async def _settle_paths(service: Service, entry: DeskEntry, arguments: Mapping[str, object]) -> dict[str, object]:
    """Make paths whole, since the worker stands elsewhere; send files to a worker that is another user's.

    Raises:
        UsageError: A file cannot be read, or a directory would have to be sent.
    """
    settled = dict(arguments)
    local = {field.name: field.local for field in entry.fields if field.local and settled.get(field.name)}
    if not local:
        return settled
    owns_worker = (await service.whoami()).owns_worker
    for name, how in local.items():
        path = _whole_path(str(settled[name]))
        settled[name] = str(path)
        if not owns_worker and how == "read":
            _refuse_directory(path, f"{entry.name} {name}")
            settled[name] = (await service.send_file(path)).path
    return settled


def _whole_path(text: str) -> Path:
    return Path(os.path.abspath(Path(text).expanduser()))


def _refuse_directory(path: Path, where: str) -> None:
    if path.is_dir():
        what = f"{path} is a directory, which cannot be sent to the worker of another user."
        raise UsageError(what, where, "Have the worker's own user do it.")


def _refuse_open_secrets(provider: str, entry: DeskEntry, pairs: Sequence[str]) -> None:
    """A secret on the command line would be in the shell's history and in everybody's list of processes.

    Raises:
        UsageError: There is one.
    """
    secret = {field.name for field in entry.fields if field.secret}
    for pair in pairs:
        name, _, text = pair.partition("=")
        is_open = text and text != STANDARD_INPUT and (not text.startswith(FROM_FILE) or text.startswith("@@"))
        if name.partition(".")[0] in secret and is_open:
            raise UsageError(
                f"{name} is a secret, and a command line is no place for one.",
                f"{provider} {entry.name}",
                f"Write {name}=@FILE, or {name}=- and give it on standard input.",
            )


async def _follow(session: Session, service: Service, operation: DeskOperation) -> DeskOperation:
    """Look until it has ended or the time is over."""
    timeout = session.options.timeout
    end = None if timeout is None else time.monotonic() + timeout
    pause, silences, told = FIRST_LOOK, 0, ""
    while operation.status == "running" and (end is None or time.monotonic() < end):
        if operation.detail != told:
            told = operation.detail
            session.say(f"{say_state(operation.status)}: {told}")
        await asyncio.sleep(pause if end is None else max(0.0, min(pause, end - time.monotonic())))
        pause = min(pause * GROWTH, LONGEST_PAUSE)
        try:
            operation = await service.operation(operation.request_id)
            silences = 0
        except ConsoleError as problem:
            silences += 1
            if not problem.transient or silences > MOST_SILENCES:
                raise
    return operation


def _operation_lines(operation: DeskOperation) -> Iterator[str]:
    words = f": {operation.detail}" if operation.detail else ""
    yield f"{say_state(operation.status)}  {operation.provider} {operation.action}{words}"
    yield from value_lines(operation.outputs, "  ") if operation.outputs else ()


def _provider_lines(found: Sequence[ProviderAbout], *, whole: bool) -> Iterator[str]:
    for number, provider in enumerate(found):
        if number:
            yield ""
        yield f"{provider.name} ({provider.kind})"
        offered = [one.name for one in provider.capabilities if one.offered]
        yield f"  used by deployments: {', '.join(offered) or 'nothing'}"
        if whole:
            for one in provider.capabilities:
                if not one.offered:
                    yield f"    not {one.name}: {_because(one.reason, one.remedy)}"
        for heading, entries in (("ask", provider.readings), ("act", provider.actions)):
            if not whole:
                yield f"  {heading}: {', '.join(_short(entry) for entry in entries) or 'nothing'}"
                continue
            yield f"  {heading}:" if entries else f"  {heading}: nothing"
            for entry in entries:
                yield from _entry_lines(entry)
    if not whole and found:
        yield ""
        yield "`quarterdeck providers NAME` says what each does and takes."


def _short(entry: DeskEntry) -> str:
    return entry.name if entry.offered else f"({entry.name})"


def _entry_lines(entry: DeskEntry) -> Iterator[str]:
    if not entry.offered:
        yield f"    {entry.name}: not here. {_because(entry.reason, entry.remedy)}"
        return
    warning = " Needs --yes." if entry.destroys else ""
    yield f"    {entry.name}: {entry.about.rstrip('.')}.{warning}"
    for field in entry.fields:
        yield f"      {field.words}"


def _because(reason: str, remedy: str) -> str:
    return " ".join(part for part in (reason, remedy) if part)

"""`demo`: a playground of its own, a story told on it, and nothing left running."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli.output import show_json
from console.cli.playground import stop_worker
from console.cli.session import Session
from console.cli.words import say_length
from console.domain.errors import ConsoleError, ExitCode, UsageError

if TYPE_CHECKING:
    from console.cli.story import Part

REPORTS = "artifacts"
CONFIG = "config.toml"


def demo(session: Session) -> int:
    """Bring a playground up, show deployments on it, take it down; 0 only if everything held."""
    if not session.options.headless and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The guided demo needs a terminal.",
            "standard input or output is not one",
            "Use `quarterdeck demo --headless`, which tells the story as text.",
        )
    for number in (signal.SIGTERM, signal.SIGHUP):  # whatever ends us, the playground goes down first
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with _home(session) as home:
        with _playground(session, home):
            code = asyncio.run(_and_close(session, home)) if session.options.headless else _guided(session)
        if code == ExitCode.FAILED:
            raise ConsoleError("The demo did not hold.", f"everything is kept in {home}", "worker.log there has more.")
        return code


def _guided(session: Session) -> int:
    from console.cli.guide import guided

    return asyncio.run(guided(session))


@contextlib.contextmanager
def _home(session: Session) -> Iterator[Path]:
    """The home named, or one of its own of which only the reports stay, or everything when something went wrong."""
    if session.options.home:
        session.options.config_file = str(session.home / CONFIG)
        yield session.home
        return
    home = Path(tempfile.mkdtemp(prefix="quarterdeck-demo-"))
    session.options.home = str(home)
    session.options.config_file = str(home / CONFIG)  # whatever the environment names, this is about the playground
    try:
        yield home
    except Exception:
        raise  # everything stays: whoever looks for the reason finds it there
    except BaseException:
        _keep_only_reports(home)  # somebody had enough
        raise
    _keep_only_reports(home)


def _keep_only_reports(home: Path) -> None:
    for entry in home.iterdir():
        if entry.name != REPORTS:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        home.rmdir()


@contextlib.contextmanager
def _playground(session: Session, home: Path) -> Iterator[None]:
    from console.playground import commands

    began = time.monotonic()
    session.say("Bringing up Render, Vercel, Supabase, GitHub, PostgreSQL, Caddy and a shop with customers …")
    try:
        commands.up(home, session.options.rps)
        session.say(f"The playground is up after {say_length(time.monotonic() - began)}, in {home}.")
        yield
    finally:
        # Whatever happened, nothing may be left running.
        with contextlib.suppress(Exception):
            stop_worker(home)
        commands.down(home)
        session.say("The playground is down.")


async def _and_close(session: Session, home: Path) -> int:
    try:
        return await _headless(session, home)
    finally:
        await session.reach.close()


async def _headless(session: Session, home: Path) -> int:
    from console.cli.story import Counts, Story
    from console.playground import commands

    def count() -> Counts:
        found = commands.status(home)
        reasons = tuple(str(failure["reason"]) for failure in found["failures"])
        return Counts(found["requests_total"], found["requests_failed"], reasons)

    def tell(words: str) -> None:
        if session.form == "text":
            print(words, file=session.out, flush=True)

    service = await session.service()
    story = Story(session, service, count, home / REPORTS, tell)
    began = time.monotonic()
    parts: list[Part] = []
    for chapter in (story.good, story.erring, story.by_hand):
        parts.append(await chapter())
        if not parts[-1].has_ended:
            break  # the environment is still held: nothing more can be shown
    broken = [f"{part.name}: {words}" for part in parts for words in part.broken]
    if session.form == "text":
        tell("Reports:")
        for part in parts:
            tell(f"   {part.report}")
        tell("Everything held." if not broken else "Not everything held:")
        for words in broken:
            tell(f"   ✗ {words}")
        session.say(f"The story took {say_length(time.monotonic() - began)}.")
    else:
        show_json(
            session, {"held": not broken, "parts": [dataclasses.asdict(part) for part in parts], "broken": broken}
        )
    return ExitCode.FAILED if broken else ExitCode.GOOD

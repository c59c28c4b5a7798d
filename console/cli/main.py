"""The entry point of `quarterdeck` and `qd`: read the command line, do it, and end with a code that scripts rely on."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from console.cli.parser import parse
from console.cli.session import Reach, Session
from console.domain.errors import ConsoleError, ExitCode

INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None, reach: Reach | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: Without the program's name; None takes the process's own.
        reach: How to find the worker; None connects over the socket in the state directory.
    """
    _speak_utf8()
    try:
        options = parse(argv)
    except SystemExit as ended:
        return int(ended.code or 0)
    if options.version:
        return _print_version()
    session = Session(options, reach or _over_the_socket())
    try:
        return int(_run(_find(options.handler), session))
    except ConsoleError as problem:
        session.say(*_three_lines(problem))
        return int(problem.exit_code)
    except (KeyboardInterrupt, asyncio.CancelledError):
        session.say(*([session.farewell] if session.farewell else ["Interrupted."]))
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has enough; the interpreter must not complain when it flushes at its end.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as problem:
        if os.environ.get("QUARTERDECK_DEBUG"):
            raise
        session.say(
            f"Quarterdeck itself failed: {type(problem).__name__}: {problem}",
            f"The worker's log is {session.home / 'worker.log'}.",
            "Run it again with QUARTERDECK_DEBUG=1 to see where, and report it.",
        )
        return int(ExitCode.FAILED)


def _run(handler: Callable[[Session], Any], session: Session) -> int:
    if not inspect.iscoroutinefunction(handler):
        return int(handler(session))
    return int(asyncio.run(_and_close(handler, session)))


async def _and_close(handler: Callable[[Session], Any], session: Session) -> int:
    try:
        return int(await handler(session))
    finally:
        await session.reach.close()


def _find(place: str) -> Callable[[Session], Any]:
    module, _, name = place.partition(":")
    found: Callable[[Session], Any] = getattr(importlib.import_module(module), name)
    return found


def _over_the_socket() -> Reach:
    from console.cli.reach import SocketReach

    return SocketReach()


def _three_lines(problem: ConsoleError) -> list[str]:
    return [part for part in (problem.what, problem.where, problem.remedy) if part]


def _print_version() -> int:
    from importlib.metadata import version

    print(f"quarterdeck {version('quarterdeck')}")
    return int(ExitCode.GOOD)


def _speak_utf8() -> None:
    """A terminal that knows no arrows gets question marks, not a crash."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a test's stream has none: suppressed


if __name__ == "__main__":
    sys.exit(main())

"""Without a command: the console."""

from __future__ import annotations

import sys

from console.cli.session import Session
from console.domain.errors import UsageError


def open_console(session: Session) -> int:
    """Open the console on the worker of the state directory; returns when it is closed.

    Raises:
        UsageError: This is not a terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The console needs a terminal.",
            "standard input or output is not one",
            "Use a command instead: `quarterdeck --help` lists them.",
        )
    from screens.run import run_console

    return run_console(session.service)

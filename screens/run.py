"""Opens the console in this terminal, and leaves the terminal as it was however it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import cast

from console.client.late import LateService
from console.client.service import Service
from console.domain.errors import UsageError

HANGUP, TERMINATED = 128 + signal.SIGHUP, 128 + signal.SIGTERM
MOUSE = "QUARTERDECK_MOUSE"
SLOW = "QUARTERDECK_SLOW"
ASCII = "QUARTERDECK_ASCII"
FRAMES_A_SECOND = "240"
"""The most there can be, while keys are pressed under a flood of lines; what rests draws none."""


def is_set(environ: Mapping[str, str], name: str) -> bool:
    """Whether a switch is on: set, and neither empty nor `0`."""
    return environ.get(name, "") not in {"", "0"}


def check_terminal(environ: Mapping[str, str], *, input_is_terminal: bool, output_is_terminal: bool) -> None:
    """Refuse what cannot show the console.

    Raises:
        UsageError: Says what is missing and which command shows the same as text.
    """
    remedy = "`quarterdeck status` and `quarterdeck show` say the same as text."
    if environ.get("TERM", "") == "dumb":
        raise UsageError("This terminal (TERM=dumb) cannot show the console.", "TERM", remedy)
    if not input_is_terminal or not output_is_terminal:
        where = "standard input" if not input_is_terminal else "standard error"
        raise UsageError("The console needs a terminal, and this is none.", where, remedy)


def theme_for(environ: Mapping[str, str], theme: str) -> str:
    """The theme asked for; the terminal's own colours where there are few, none are wanted or the line is slow."""
    few = environ.get("TERM", "") in {"linux", "vt100", "screen", "ansi"}
    if "NO_COLOR" in environ or is_set(environ, SLOW):
        return "ansi"
    return theme or ("ansi" if few else "dark")


def favour_keys() -> None:
    """Have nothing keep a key from being answered; called before Textual is imported.

    No thread keeps the interpreter for the usual 5 ms, no collection looks again and again at log lines, which come and
    go without cycles (up to 50 ms at a time), and a frame does not wait a sixtieth of a second for its turn.
    """
    os.environ.setdefault("TEXTUAL_FPS", FRAMES_A_SECOND)
    gc.set_threshold(50_000, 20, 100)
    sys.setswitchinterval(0.0005)


def run_console(
    service_factory: Callable[[], Awaitable[Service]] | Callable[[], Service],
    *,
    theme: str = "",
    environment: str = "",
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Run until somebody quits; returns an exit code: 0, 1 after a fault of ours, 129 or 143 after a signal.

    Args:
        service_factory: Makes the service inside the event loop, once the first frame is drawn; may be a coroutine
            function. A service with a coroutine `close` is closed at the end.
        theme: One of `screens.themes.NAMES`, or empty for what fits the terminal.
        environment: The one to show first.

    Raises:
        UsageError: This is no terminal that can show it, or there is no such theme.
        ConsoleError: The service could not be made; raised once the terminal is as it was.
    """
    check_terminal(
        environ,
        input_is_terminal=sys.__stdin__ is not None and sys.__stdin__.isatty(),
        output_is_terminal=sys.__stderr__ is not None and sys.__stderr__.isatty(),
    )
    favour_keys()
    from screens import themes

    chosen = theme_for(environ, theme)
    if chosen not in themes.NAMES:
        raise UsageError(f"There is no theme {chosen}.", "--theme", f"There are {', '.join(themes.NAMES)}.")
    try:
        return asyncio.run(_run(service_factory, chosen, environment, environ))
    except KeyboardInterrupt:
        return TERMINATED


async def _run(
    service_factory: Callable[[], Awaitable[Service]] | Callable[[], Service],
    theme: str,
    environment: str,
    environ: Mapping[str, str],
) -> int:
    from screens.app import QuarterdeckApp
    from screens.driver import DiffDriver

    slow = is_set(environ, SLOW)

    async def connect() -> Service:
        made = service_factory()
        return await made if isinstance(made, Awaitable) else made

    service = LateService(connect, failed=lambda: app.exit())
    app = QuarterdeckApp(
        cast(Service, service),
        theme=theme,
        slow=slow,
        ascii_only=is_set(environ, ASCII) or environ.get("TERM", "") in {"linux", "vt100"},
        environment=environment,
        driver_class=DiffDriver,
    )
    gc.freeze()  # what was imported lives as long as the console: no collection needs to look at it again
    loop = asyncio.get_running_loop()
    for number, code in ((signal.SIGTERM, TERMINATED), (signal.SIGHUP, HANGUP)):
        loop.add_signal_handler(number, app.exit, code)
    try:
        await app.run_async(mouse=is_set(environ, MOUSE))
    finally:
        await service.close()
    if service.failure is not None:
        raise service.failure
    return app.return_value if app.return_value is not None else (app.return_code or 0)

"""The demo with a terminal: the console on a playground, and a voice that says what to look at and what to press."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from console.cli.session import Session
from console.cli.story import ERRING, GOOD, PRODUCTION
from console.client.service import Pulse, Service
from console.domain import events as ev
from console.domain.errors import ConsoleError
from console.domain.plan import Wish

if TYPE_CHECKING:
    from screens.app import QuarterdeckApp

OPENING_SECONDS = 3.0

WELCOME = f"Real traffic flows. In a moment {GOOD} goes live by blue-green: watch the pipeline and the traffic."
LIVE = f"{GOOD} is live and nobody noticed. Press d, name production, and deploy {ERRING}: it takes itself back."
BACK = "Taken back. Deploy v1.2 now and press R then y in the middle of it. ? shows all keys, q leaves."
HALF = "Half of the traffic is on the new release. R takes it back within a second, any time."


async def guided(session: Session) -> int:
    """Open the console and start the good deployment in it; returns when the console is closed."""
    service = await session.service()
    from screens.app import QuarterdeckApp
    from screens.driver import DiffDriver
    from screens.run import theme_for

    app = QuarterdeckApp(service, theme=theme_for(os.environ, ""), environment=PRODUCTION, driver_class=DiffDriver)
    for number in (signal.SIGTERM, signal.SIGHUP):  # the playground must go down with us
        asyncio.get_running_loop().add_signal_handler(number, app.exit, 128 + number)
    voice = asyncio.create_task(_speak(app, service, session))
    try:
        return await app.run_async(mouse=False) or 0
    finally:
        voice.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await voice
        await session.reach.close()


async def _speak(app: QuarterdeckApp, service: Service, session: Session) -> None:
    from screens.view.notice import Notice

    def say(words: str) -> None:
        with contextlib.suppress(Exception):  # the console may be closing; a hint is not worth a fault
            app.say(Notice("done", words))

    await asyncio.sleep(OPENING_SECONDS)
    say(WELCOME)
    await asyncio.sleep(OPENING_SECONDS)
    try:
        wish = Wish(PRODUCTION, GOOD, reason="the demo")
        submitted = await service.deploy(wish, uuid.uuid4().hex)
        after = (await service.deployment(submitted.deployment)).seq
        await _comment(service, after, say)
    except ConsoleError as problem:
        say(problem.what)


async def _comment(service: Service, after: int, say: Callable[[str], None]) -> None:
    async for item in service.events(after):
        if isinstance(item, Pulse):
            continue
        match item.payload:
            case ev.DeploymentSucceeded():
                say(LIVE)
            case ev.DeploymentRolledBack():
                say(BACK)
            case ev.TrafficShifted(weights=weights) if 50 in weights.values():
                say(HALF)
            case _:
                pass

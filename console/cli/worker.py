"""`worker run · start · stop · status`."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from console.cli.output import show
from console.cli.session import Session
from console.cli.words import say_memory, say_moment
from console.client.places import Places
from console.client.service import WorkerStatus, WorkerUnavailable
from console.client.starting import is_held
from console.domain.errors import ConsoleError, ExitCode

STOP_SECONDS = 15.0
LOOK_EVERY = 0.05


def worker(session: Session) -> int:
    """Do what was asked of the worker itself."""
    action = session.options.action
    if action == "run":
        from console.server.process import run_worker

        return run_worker(session.home, config=session.config)
    return asyncio.run({"start": _start, "stop": _stop, "status": _status}[action](session))


async def _start(session: Session) -> int:
    from console.client.http import connect

    async with await connect(session.home, config=session.config) as service:
        found = await service.worker_status()
    show(session, found, _lines(found))
    return ExitCode.GOOD


async def _status(session: Session) -> int:
    from console.client.http import connect

    async with await connect(session.home, start=False) as service:
        found = await service.worker_status()
    show(session, found, _lines(found))
    return ExitCode.GOOD


async def _stop(session: Session) -> int:
    from console.client.http import connect

    places = Places(session.home)
    try:
        async with await connect(session.home, start=False) as service:
            found = await service.worker_status()
            await service.stop_worker()
    except WorkerUnavailable:
        show(session, {"stopped": False, "pid": None}, ["No worker was running."])
        return ExitCode.GOOD
    await asyncio.to_thread(wait_until_free, places.lock, STOP_SECONDS)
    show(session, {"stopped": True, "pid": found.pid}, [f"The worker (process {found.pid}) has stopped."])
    if found.running:
        session.say(f"{len(found.running)} deployments are unfinished; the next worker goes on with them.")
    return ExitCode.GOOD


def wait_until_free(lock: Path, seconds: float) -> None:
    """Wait until no process holds the worker's lock, which the kernel frees when its holder is gone.

    Raises:
        ConsoleError: It is still held when the time is over.
    """
    end = time.monotonic() + seconds
    while is_held(lock):
        if time.monotonic() > end:
            raise ConsoleError(
                f"The worker has not ended after {seconds:.0f} s.",
                str(lock),
                "Its log, worker.log, says what it waits for.",
            )
        time.sleep(LOOK_EVERY)


def _lines(found: WorkerStatus) -> list[str]:
    return [
        f"worker    {found.worker}, process {found.pid}, version {found.version}",
        f"home      {found.home}",
        f"socket    {found.socket}",
        f"engine    {found.engine}",
        f"since     {say_moment(found.started_at)}",
        f"memory    {say_memory(found.memory)}",
        f"clients   {found.clients}",
        f"events    {found.events}",
        f"running   {', '.join(found.running) or 'nothing'}",
        *([f"dropped   {found.log_lines_dropped} log lines"] if found.log_lines_dropped else []),
    ]

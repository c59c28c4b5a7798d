"""From start to end: lock, log, worker, signals."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import sys
from pathlib import Path

from console.client.places import Places
from console.domain.errors import ConsoleError, ExitCode, StoreError
from console.server.lifecycle import HomeLock, Starter, notify_systemd, prepare_home, set_up_log

log = logging.getLogger(__name__)

STOP_SECONDS = 10.0
SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter from another. A commit hands over four times between the loop and the
ledger's thread; with the usual 5 ms each may wait that long for a loop that is busy, and a rollback is many commits."""


def run_worker(home: Path, *, config: Path | None = None, ready: int | None = None) -> int:
    """Run the worker until it is told to stop; returns the exit code.

    Args:
        home: The state directory.
        config: The configuration file, where it is not the usual one.
        ready: A pipe on which a client waits for one line; given, the worker runs detached and logs to its file only.
    """
    starter = Starter(ready)
    places = Places(home)
    lock = HomeLock(places)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal that started us may go
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        prepare_home(places)
        lock.take()
        set_up_log(places, detached=ready is not None)
        asyncio.run(_run(places, config, starter))
    except ConsoleError as error:
        starter.tell_error(error)
        print(error, file=sys.stderr)  # noqa: T201 - the log where detached, else the terminal
        return int(error.exit_code)
    except Exception as error:
        log.exception("The worker failed")
        starter.tell_error(_in_words(error, places))
        return int(ExitCode.FAILED)
    finally:
        lock.release()
    return int(ExitCode.GOOD)


def _in_words(error: Exception, places: Places) -> ConsoleError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(
            "The disk is full: the worker could not start.",
            str(places.home),
            "What was recorded before is intact. Free some space, then try again.",
        )
    return ConsoleError(
        f"The worker failed: {type(error).__name__}: {error}",
        str(places.log),
        "This is a fault of Quarterdeck; the log has the details.",
    )


async def _run(places: Places, config: Path | None, starter: Starter) -> None:
    from console.server.worker import Worker

    worker = Worker(places, config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.ask_to_stop)
    try:
        await worker.start()
        starter.tell_ready()
        await worker.wait_until_asked()
        notify_systemd("STOPPING=1")
    finally:
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await worker.stop()
        except TimeoutError:
            log.warning("The worker did not end within %.0f s; what runs is taken up by the next one.", STOP_SECONDS)

"""The one process that a playground hangs on: starts everything, answers on the control socket, takes everything down.

Run by `commands.up` as `python -m console.playground.supervisor --home DIR`, detached, with its output in a log.
"""

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO

from console.domain.errors import ConsoleError
from console.playground.control import Control
from console.playground.home import EXIT_ALREADY_UP, PlaygroundHome, PlaygroundState
from console.playground.processes import identify
from console.playground.serving import Served, bind_unix
from console.playground.traffic_control import DEFAULT_RPS
from console.playground.world import LIMIT_SCALE, World

EXIT_FAILED = 1
# The kernel allows 107 bytes and a closing zero.
_MAX_SOCKET_PATH = 107
_KEEP_HOUSE_EVERY_S = 1.0
_log = logging.getLogger("playground")


def main() -> int:
    """Run a playground until it is asked to end."""
    parser = argparse.ArgumentParser(prog="supervisor")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rps", type=float, default=DEFAULT_RPS)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--limit-scale", type=float, default=LIMIT_SCALE)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.Formatter.converter = time.gmtime
    home = PlaygroundHome(arguments.home)
    home.make()
    with (home.directory / "lock").open("w") as lock:
        if not _lock(lock):
            return EXIT_ALREADY_UP
        home.sweep()
        try:
            asyncio.run(_run(home, World(home, arguments.speed, arguments.limit_scale), arguments.rps))
        except ConsoleError as error:
            _log.error("%s", error)
            return EXIT_FAILED
    return 0


def _lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


async def _run(home: PlaygroundHome, world: World, rps: float) -> None:
    wanted = home.directory / "control.sock"
    path = wanted if len(os.fsencode(wanted)) <= _MAX_SOCKET_PATH else world.sockets / "control.sock"
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _record(home, world, path)
    door: Served | None = None
    house: asyncio.Task[None] | None = None
    try:
        starting = asyncio.create_task(world.start(rps))
        stop_asked = asyncio.create_task(stopping.wait())
        await asyncio.wait({starting, stop_asked}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            control = Control(world)
            _record(home, world, path)
            door = Served(control.app, bind_unix(str(path)))
            door.start()
            house = asyncio.create_task(_keep_house(home, world, path))
            down_asked = asyncio.create_task(control.down.wait())
            await asyncio.wait({down_asked, stop_asked}, return_when=asyncio.FIRST_COMPLETED)
        else:
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
    finally:
        _log.info("going down")
        if house is not None:
            house.cancel()
        if door is not None:
            # The one who asked for the end gets an answer first.
            await asyncio.sleep(0.05)
            await door.stop()
        await world.stop()
        path.unlink(missing_ok=True)
        home.state.unlink(missing_ok=True)
        _log.info("down")


async def _keep_house(home: PlaygroundHome, world: World, path: Path) -> None:
    known = world.children()
    while True:
        await asyncio.sleep(_KEEP_HOUSE_EVERY_S)
        world.hosting.trim_logs()
        children = world.children()
        if children != known:
            known = children
            _record(home, world, path)


def _record(home: PlaygroundHome, world: World, path: Path) -> None:
    me = identify(os.getpid(), "supervisor")
    assert me is not None
    scratch = tuple(str(directory) for directory in world.scratch)
    ports = world.ports() if world.emulators else {}
    home.write_state(PlaygroundState(me, str(path), world.children(), scratch, ports))


if __name__ == "__main__":
    sys.exit(main())

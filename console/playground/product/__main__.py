"""Run one process of the product: `python -m console.playground.product --role api --port 8000 --release v1.0`.

SIGTERM drains: a little longer for what is on its way, then no new connections, then the end.
`DATABASE_URL` names the database for the roles that need one.
"""

import argparse
import asyncio
import os
import signal
import sys
from functools import partial

from console.playground.product.conditions import Conditions, Log, Weather
from console.playground.product.database import Database
from console.playground.product.http import HttpServer
from console.playground.product.roles import Shop, answer_api, answer_frontend, answer_worker, take_jobs

_ANSWERS = {"api": answer_api, "worker": answer_worker, "frontend": answer_frontend}
_GRACE_S = 8.0


def main() -> int:
    """Read the arguments and serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="product")
    parser.add_argument("--role", choices=sorted(_ANSWERS), required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--release", required=True)
    parser.add_argument("--commit", default="0" * 40)
    parser.add_argument("--faults", help="file with the conditions to suffer, re-read while running")
    parser.add_argument("--error-rate", type=float, default=0.0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--crash", action="store_true", help="exit at the start, as a broken release does")
    arguments = parser.parse_args()
    log = Log(arguments.release, arguments.role)
    if arguments.crash:
        log.write("error", "fatal: SHOP_SETTINGS_URL is not set")
        return 1
    weather = Weather(Conditions(arguments.error_rate, arguments.latency_ms), arguments.faults)
    database = None if arguments.role == "frontend" else Database(os.environ["DATABASE_URL"])
    shop = Shop(arguments.release, arguments.commit, weather, log, database)
    return asyncio.run(_serve(shop, arguments.role, arguments.port))


async def _serve(shop: Shop, role: str, port: int) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    server = HttpServer(partial(_ANSWERS[role], shop), {"X-Release": shop.release})
    await server.listen(port)
    shop.log.write("info", f"listening on port {port}")
    background = [asyncio.create_task(shop.log.flood(shop.weather))]
    if shop.database is not None:
        await _open(shop, shop.database, stopping)
    shop.is_ready = True
    if role == "worker":
        background.append(asyncio.create_task(take_jobs(shop)))
    await stopping.wait()
    shop.log.write("info", "stopping: finishing what is in flight")
    for task in background:
        task.cancel()
    await server.drain(_GRACE_S)
    shop.log.write("info", "stopped")
    return 0


async def _open(shop: Shop, database: Database, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await database.open()
            return
        except Exception as error:
            shop.log.write("warning", f"waiting for the database: {error}")
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())

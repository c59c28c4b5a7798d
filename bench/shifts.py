"""Requests that are lost while an edge's weights move: wrk in front, real HAProxy and real Caddy, our adapters behind.

`python -m bench.shifts [--requests N] [haproxy|caddy …]`. Weights move all the time through the stages of a rollout and
back; half way the edge is reloaded: HAProxy by its master, Caddy's router by loading its configuration anew. Both stand
in front of the same two arms. Takes the packages `haproxy` and `wrk`; without HAProxy or wrk it says so.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, table
from console.playground.caddy import Caddy, build_config, build_server
from console.playground.edge import ROUTE_ID, Edge
from console.playground.processes import end, free_port, spawn
from console.playground.unix_http import ask
from providers.caddy.adapter import open_connection as open_caddy
from providers.caddy.settings import CaddySettings
from providers.contract import Actuator, Connection, OperationKey, OperationStatus, ShiftTraffic, Unsupported
from providers.haproxy.adapter import open_connection as open_haproxy
from providers.haproxy.settings import HAProxySettings

ARMS = ("blue", "green")
ROLLOUT = (10, 50, 100, 50, 0, 5, 25, 100, 0)
"""Percent for green: promoted, taken back, promoted by other stages, taken back at once."""
SHIFTS_AT_LEAST = 50
ROUND_S = 10
PAUSE_S = 0.15
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin"


@dataclass
class Count:
    """`failed` are connections that broke or timed out and answers that were no success, as wrk counts them."""

    requests: int = 0
    failed: int = 0
    shifts: int = 0
    reloads: int = 0
    seconds: list[float] = field(default_factory=list)


def measure(home: Path, requests: int = 300_000, edges: Sequence[str] = ("haproxy", "caddy")) -> list[Figure]:
    """Needs nothing in `home`; the edges and arms are its own."""
    missing = [name for name in ("wrk", *(["haproxy"] if "haproxy" in edges else [])) if not _find(name)]
    if missing:
        return [Figure("shifts · not measured", 0, "", note=f"install {' and '.join(missing)}")]
    return asyncio.run(_measure(requests, edges))


async def _measure(requests: int, edges: Sequence[str]) -> list[Figure]:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="qds-") as made:
        directory = Path(made)
        arms = Caddy("arms", directory, directory)
        addresses = {arm: f"127.0.0.1:{free_port()}" for arm in ARMS}
        await arms.start(build_config(arms.admin_socket, {arm: _answering(addresses[arm], arm) for arm in ARMS}))
        try:
            for name in edges:
                run = {"haproxy": _through_haproxy, "caddy": _through_caddy}[name]
                figures += _figures(name, await run(directory, addresses, requests))
        finally:
            await arms.stop()
    return figures


def _figures(name: str, count: Count) -> list[Figure]:
    ordered = sorted(count.seconds)
    slowest = ordered[round(0.95 * (len(ordered) - 1))] * 1000
    words = f"{count.shifts} shifts, {count.reloads} reload"
    return [
        Figure(f"shifts · {name} · requests", count.requests / 1000, "thousand", 300, words, at_least=True),
        Figure(f"shifts · {name} · failed", count.failed, "", 0, words),
        Figure(f"shifts · {name} · one shift, read back, p95", slowest, "ms"),
    ]


async def _through_haproxy(directory: Path, addresses: Mapping[str, str], requests: int) -> Count:
    port, socket, master = free_port(), directory / "admin.sock", directory / "master.sock"
    state, config = directory / "state", directory / "haproxy.cfg"
    state.write_text("")
    config.write_text(f"""global
    stats socket {socket} mode 600 level admin expose-fd listeners
    server-state-file {state}
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    option redispatch
    retries 3
    option idle-close-on-response
    load-server-state-from-file global
frontend public
    bind 127.0.0.1:{port}
    default_backend app
backend app
    balance roundrobin
    server blue {addresses["blue"]} weight 1
    server green {addresses["green"]} weight 0
""")
    program = _find("haproxy")
    with (directory / "haproxy.log").open("wb") as log:
        process = spawn([program, "-W", "-S", str(master), "-f", str(config)], log, {}, directory)
    for _ in range(500):
        if socket.exists():
            break
        await asyncio.sleep(0.02)
    connection = open_haproxy("edge", HAProxySettings(socket=f"unix://{socket}", state_file=str(state)))

    async def reload() -> None:
        _, writer = await asyncio.open_unix_connection(str(master))
        writer.write(b"reload\n")
        await writer.drain()
        writer.close()

    try:
        return await _press(f"http://127.0.0.1:{port}/", connection, "app", reload, requests)
    finally:
        await connection.close()
        await end(process, 5.0)


async def _through_caddy(directory: Path, addresses: Mapping[str, str], requests: int) -> Count:
    edge = Edge(free_port(), directory, directory)
    urls = {arm: f"http://{address}" for arm, address in addresses.items()}
    await edge.start(urls, urls["blue"])
    sockets = {"admin_url": edge.router.admin_socket, "metrics_url": edge.harbour.admin_socket}
    connection = open_caddy("edge", CaddySettings(**{name: f"unix://{path}" for name, path in sockets.items()}))

    async def reload() -> None:
        running = await edge.router.read("/config/")
        # What is loaded already is loaded again only for whoever insists.
        headers = {"Content-Type": "application/json", "Cache-Control": "must-revalidate"}
        await ask(edge.router.admin_socket, "POST", "/load", json.dumps(running).encode(), headers)

    try:
        return await _press(f"{edge.url}/api/x", connection, ROUTE_ID, reload, requests)
    finally:
        await connection.close()
        await edge.stop()


async def _press(
    url: str, connection: Connection, route: str, reload: Callable[[], Awaitable[None]], requests: int
) -> Count:
    """Rounds of load until there were enough requests and shifts."""
    count, stages = Count(), itertools.cycle(ROLLOUT)
    shift = connection.capabilities.shift_traffic
    assert not isinstance(shift, Unsupported)
    while count.requests < requests or count.shifts < SHIFTS_AT_LEAST or not count.reloads:
        load = asyncio.create_task(_wrk(url, count))
        while not load.done():
            await _move(shift, route, next(stages), count)
            if count.requests >= requests / 2 and not count.reloads:
                await reload()
                count.reloads += 1
            await asyncio.sleep(PAUSE_S)
        await load
    return count


async def _move(shift: Actuator[ShiftTraffic], route: str, green: int, count: Count) -> None:
    began = asyncio.get_running_loop().time()
    key = OperationKey(f"shift-{count.shifts}", datetime.now(UTC))
    ended = await shift.start(ShiftTraffic(route, {"blue": 100 - green, "green": green}), key)
    if ended.status is not OperationStatus.SUCCEEDED:
        raise RuntimeError(f"{route}: {ended.detail}")
    count.seconds.append(asyncio.get_running_loop().time() - began)
    count.shifts += 1


async def _wrk(url: str, count: Count) -> None:
    arguments = ["-t1", "-c16", f"-d{ROUND_S}s", "--timeout", "10s", url]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(_find("wrk"), *arguments, stdout=pipe)
    told = (await process.communicate())[0].decode()
    counted = re.search(r"(\d+) requests in", told)
    if counted is None:
        raise RuntimeError(f"wrk did not count: {told}")
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    count.requests += int(counted[1])
    count.failed += sum(map(int, broken.groups())) if broken else 0
    count.failed += int(refused[1]) if refused else 0


def _answering(listen: str, arm: str) -> dict[str, object]:
    return build_server(listen, [{"handle": [{"handler": "static_response", "status_code": 200, "body": arm}]}])


def _find(name: str) -> str:
    return shutil.which(name, path=SEARCHED) or ""


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench.shifts", description=__doc__)
    options.add_argument("edges", nargs="*", default=["haproxy", "caddy"])
    options.add_argument("--requests", type=int, default=300_000)
    chosen = options.parse_args()
    print(table(measure(Path(), chosen.requests, chosen.edges)))


if __name__ == "__main__":
    main()

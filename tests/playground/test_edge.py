"""Real Caddy, real processes, real load: what a switch must not cost."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.domain.errors import ConsoleError
from console.playground.admin_proxy import AdminProxy
from console.playground.edge import ARMS, Edge, build_load_balancing
from console.playground.hosting import Instance
from console.playground.ingress import Ingress
from console.playground.process_hosting import ProcessHosting, answers_ok
from console.playground.processes import free_port
from console.playground.releases import build_catalogue
from console.playground.serving import Served, bind_loopback
from console.playground.traffic import Load
from console.playground.unix_http import ask
from providers.caddy.adapter import open_connection
from providers.caddy.settings import CaddySettings
from providers.contract import Maintain, OperationKey, ShiftTraffic

pytestmark = pytest.mark.e2e

SWITCHES, WEIGHT_CHANGES, PAGES, CLIENTS = 20, 50, 10, 6
BREATH_S = 0.008


class Shore:
    """An ingress, hosting and an edge. Frontends stand in for the API: they need no database."""

    def __init__(self, directory: Path) -> None:
        directories = {name: directory / name for name in ("logs", "faults")}
        for path in directories.values():
            path.mkdir()
        self.sockets = directory
        self.ingress = Ingress(directory, directories["logs"], prepared_ports=8)
        self.hosting = ProcessHosting(self.ingress, build_catalogue(), "postgresql://none/none", **directories)
        self.edge = Edge(free_port(), directory, directories["logs"])
        self.port = int(self.edge.url.rpartition(":")[2])

    async def start(self) -> None:
        await self.ingress.start()
        arms = {arm: self.hosting.url_of(f"backend-{arm}") for arm in ARMS}
        await self.edge.start(arms, self.hosting.url_of("frontend"))

    async def run(self, name: str, release: str) -> Instance:
        instance = await self.hosting.start(name, "frontend", release)
        while not await self.hosting.healthy(instance):
            assert await self.hosting.alive(instance)
            await asyncio.sleep(0.03)
        await self.hosting.route(name, [instance])
        return instance

    async def stop(self) -> None:
        await self.hosting.stop_all()
        await self.edge.stop()
        await self.ingress.stop()


@pytest.fixture
async def shore(tmp_path: Path) -> AsyncIterator[Shore]:
    built = Shore(tmp_path)
    await built.start()
    yield built
    await built.stop()


class Sea(Load):
    """Load on the root only, part of it on kept connections."""

    def pick(self, keeps: bool) -> bytes:
        ending = "" if keeps else "Connection: close\r\n"
        return f"GET / HTTP/1.1\r\nHost: shop\r\n{ending}\r\n".encode()


class Arms(Load):
    """Load on a path that the weights divide; it is answered 404 by a frontend, which is an answer all the same."""

    def pick(self, keeps: bool) -> bytes:
        ending = "" if keeps else "Connection: close\r\n"
        return f"POST /api/orders HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n{ending}\r\n{{}}".encode()


@asynccontextmanager
async def sailing(load: Load) -> AsyncIterator[None]:
    """Send from a few clients, each soon after its last answer: a slow machine makes fewer requests, none that fail."""

    async def client() -> None:
        while not is_over:
            await load.send_one()
            await asyncio.sleep(BREATH_S)

    is_over = False
    clients = [asyncio.create_task(client()) for _ in range(CLIENTS)]
    try:
        yield
    finally:
        is_over = True
        await asyncio.gather(*clients)


class TestGivenAnIngressUnderLoad:
    async def test_when_its_target_is_replaced_again_and_again_then_no_request_is_lost(self, shore: Shore):
        current = await shore.run("frontend", "v1.0")
        load = Sea(shore.port, 0, keep_alive_share=0.5)

        async with sailing(load):
            for number in range(SWITCHES):
                replacement = await shore.run("frontend", "v1.1" if number % 2 == 0 else "v1.2")
                await shore.hosting.stop(current)
                current = replacement

        assert load.totals.requests > 100
        assert {"v1.0", "v1.1", "v1.2"} <= set(load.totals.by_release)
        assert (load.totals.failed, load.totals.by_reason) == (0, {})

    async def test_when_nobody_stands_behind_a_name_then_it_answers_503(self, shore: Shore):
        await shore.hosting.route("backend-green", [])
        port = int(shore.hosting.url_of("backend-green").rpartition(":")[2])

        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")

        assert b" 503 " in await reader.readline()
        writer.close()


class TestGivenAnEdgeUnderLoad:
    async def test_when_the_weights_change_again_and_again_then_no_request_is_lost(self, shore: Shore):
        await shore.run("backend-blue", "v1.0")
        await shore.run("backend-green", "v1.1")
        load = Arms(shore.port, 0, keep_alive_share=0.5)

        async with sailing(load):
            for number in range(WEIGHT_CHANGES):
                weights = [(0, 100), (100, 0), (50, 50), (90, 10)][number % 4]
                await shore.edge.router.change("PATCH", "/id/backend/load_balancing", build_load_balancing(weights))
                await asyncio.sleep(0.05)

        assert set(load.totals.by_release) == {"v1.0", "v1.1"}
        assert (load.totals.failed, load.totals.by_reason) == (0, {})

    async def test_when_a_holding_page_comes_and_goes_then_no_request_is_lost(self, shore: Shore):
        await shore.run("backend-blue", "v1.0")
        await shore.run("backend-green", "v1.1")
        connection = open_connection("edge", CaddySettings(admin_url=f"unix:{shore.edge.router.admin_socket}"))
        router = connection.capabilities
        load = Arms(shore.port, 0, keep_alive_share=0.5)
        key = OperationKey("page", datetime(2026, 11, 22, tzinfo=UTC))

        async with sailing(load):
            for number in range(PAGES):
                await router.maintain.start(Maintain("backend", True), key)
                share = 100 if number % 2 else 0
                await router.shift_traffic.start(ShiftTraffic("backend", {"blue": share, "green": 100 - share}), key)
                await asyncio.sleep(0.05)
                await router.maintain.start(Maintain("backend", False), key)
                await asyncio.sleep(0.05)
        await connection.close()

        answered = load.totals.by_release
        assert {"v1.0", "v1.1"} <= set(answered)
        assert set(load.totals.by_reason) == {"status 503"}
        assert load.totals.by_reason["status 503"] == answered["none"]["failed"] > PAGES  # nothing else is without one

    async def test_when_weights_are_set_then_each_arm_gets_its_share_exactly(self, shore: Shore):
        await shore.run("backend-blue", "v1.0")
        await shore.run("backend-green", "v1.1")

        for weights, requests in (((0, 100), {"v1.1": 50}), ((50, 50), {"v1.0": 10, "v1.1": 10})):
            await shore.edge.router.change("PATCH", "/id/backend/load_balancing", build_load_balancing(weights))
            load = Arms(shore.port, 0, keep_alive_share=0.0)
            for _ in range(sum(requests.values())):
                await load.send_one()

            assert {name: counted["requests"] for name, counted in load.totals.by_release.items()} == requests
            assert await shore.edge.weights() == dict(zip(("blue", "green"), weights, strict=True))


class TestGivenTheEdgesAdminAddress:
    async def test_then_it_tells_each_arms_answers_and_counts_only_real_changes_of_weight(self, shore: Shore):
        await shore.run("backend-blue", "v1.0")
        admin = AdminProxy(shore.edge)
        served = Served(admin, bind_loopback())
        served.start()
        base = served.port

        async def call(method: str, path: str, value: object = None) -> tuple[int, bytes]:
            body = b"" if value is None else json.dumps(value).encode()
            reader, writer = await asyncio.open_connection("127.0.0.1", base)
            head = f"{method} {path} HTTP/1.0\r\nHost: x\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.read()
            writer.close()
            return int(answer.split(b" ")[1]), answer.partition(b"\r\n\r\n")[2]

        try:
            await answers_ok(shore.port, "/api/items")
            same = build_load_balancing((90, 10))
            await call("PATCH", "/id/backend/load_balancing", same)
            in_other_terms = {"selection_policy": {"policy": "weighted_round_robin", "weights": [90, 10]}}
            await call("PATCH", "/id/backend/load_balancing", in_other_terms)
            refused, _ = await call("PATCH", "/id/nobody/load_balancing", same)
            _, metrics = await call("GET", "/metrics")
            _, read_back = await call("GET", "/id/backend/load_balancing/selection_policy/weights")
        finally:
            await served.stop()

        assert refused >= 400
        assert json.loads(read_back) == [90, 10]  # Caddy gives back what was written last
        assert admin.changes == 1
        assert b'caddy_http_request_duration_seconds_bucket{code="404"' in metrics
        assert b'server="backend-blue"' in metrics

    async def test_when_weights_change_then_the_arms_counters_go_on(self, shore: Shore):
        await shore.run("backend-blue", "v1.0")
        await answers_ok(shore.port, "/api/items")

        await shore.edge.router.change("PATCH", "/id/backend/load_balancing", build_load_balancing((50, 50)))

        metrics = (await ask(shore.edge.harbour.admin_socket, "GET", "/metrics")).body
        assert b'server="backend-blue"' in metrics


class TestGivenAProcessOfTheEdgeThatEnds:
    async def test_then_it_is_named(self, shore: Shore):
        shore.edge.check()

        await shore.edge.harbour.stop()

        with pytest.raises(ConsoleError, match=r"Caddy \(harbour\) did not start"):
            shore.edge.check()

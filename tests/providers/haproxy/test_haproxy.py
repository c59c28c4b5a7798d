"""The HAProxy adapter against HAProxy itself."""

import asyncio
import tempfile
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.domain.errors import Rejected, Unauthorized, Unreachable, UsageError
from providers.contract import Nothing, OperationKey, OperationStatus, ShiftTraffic
from providers.haproxy.adapter import open_connection
from providers.haproxy.checks import Checks
from providers.haproxy.servers import OneServer, Servers
from providers.haproxy.settings import HAProxySettings, RouteSettings
from tests.providers.haproxy.real import ABSENT, PROGRAM, SLOW_MS, RealHAProxy, real_haproxy

KEY = OperationKey("wish-1", datetime(2026, 11, 22, 5, 0, tzinfo=UTC))
ROUTES = {"app": RouteSettings(), "many": RouteSettings(metrics="{arm}-*")}


@pytest.fixture
def haproxy() -> RealHAProxy:
    found = real_haproxy()
    found.reset()
    return found


@pytest.fixture
async def edge(haproxy):
    connection = connect(haproxy)
    yield connection
    await connection.close()


@pytest.fixture
def can(edge):
    return edge.capabilities


@pytest.fixture
def own():
    """A process of the test's own, to be reloaded; its state survives reloads."""
    if PROGRAM is None:
        pytest.skip(ABSENT)
    found = RealHAProxy(Path(tempfile.mkdtemp(prefix="qdh-")), keeps_state=True)
    yield found
    found.stop()


def connect(haproxy: RealHAProxy, **settings):
    return open_connection("edge", HAProxySettings(**{"socket": haproxy.address, "routes": ROUTES} | settings))


async def shift(can, route="app", **weights):
    return await can.shift_traffic.start(ShiftTraffic(route, weights), KEY)


class TestGivenABackendWithAllTrafficOnBlue:
    async def test_when_weights_are_shifted_then_requests_follow_them(self, haproxy, can):
        ended = await shift(can, blue=90, green=10)

        assert ended.status is OperationStatus.SUCCEEDED
        assert await can.router.fetch_weights("app") == {"blue": 90, "green": 10}
        assert Counter(haproxy.ask(times=100))["green"] == pytest.approx(10, abs=1)

    async def test_when_it_is_divided_in_half_then_weights_are_in_lowest_terms(self, haproxy, can):
        await shift(can, blue=50, green=50)

        assert haproxy.weights() == {"blue": 1, "green": 1}

    async def test_when_everything_goes_to_green_then_blue_gets_nothing(self, haproxy, can):
        await shift(can, green=100)

        assert set(haproxy.ask(times=10)) == {"green"}

    async def test_when_green_was_drained_then_it_is_made_ready(self, haproxy, can):
        haproxy.command("set server app/green state drain")

        await shift(can, blue=50, green=50)

        assert set(haproxy.ask(times=10)) == {"blue", "green"}

    async def test_when_a_header_forces_an_arm_without_weight_then_it_answers(self, haproxy):
        assert haproxy.ask(x_arm="green") == ["green"]

    async def test_when_somebody_moves_it_afterwards_then_the_operation_says_so(self, haproxy, can):
        ended = await shift(can, blue=50, green=50)
        haproxy.command("set server app/green weight 4")

        seen = await can.shift_traffic.observe(ended.reference)

        assert seen.status is OperationStatus.FAILED
        assert "blue 20 % · green 80 %; somebody else" in seen.detail

    async def test_when_an_arm_is_drained_then_its_share_is_nothing(self, haproxy, can):
        await shift(can, blue=50, green=50)
        haproxy.command("set server app/green state drain")

        assert await can.router.fetch_weights("app") == {"blue": 100, "green": 0}

    async def test_when_an_arm_is_unknown_then_nothing_moves(self, haproxy, can):
        with pytest.raises(Rejected, match="no arm red"):
            await shift(can, blue=50, red=50)
        assert haproxy.weights() == {"blue": 1, "green": 0}

    async def test_when_weights_do_not_sum_up_then_nothing_is_asked(self, can):
        with pytest.raises(UsageError, match="sum to 90"):
            await shift(can, blue=90)

    @pytest.mark.parametrize("route", ["frontend", "app;shutdown", "app/green", "a b", ""])
    async def test_when_there_is_no_such_backend_then_it_is_refused(self, haproxy, can, route):
        with pytest.raises(Rejected):
            await shift(can, route, blue=50, green=50)
        assert haproxy.weights() == {"blue": 1, "green": 0}

    async def test_when_it_balances_by_something_fixed_then_haproxys_words_are_quoted(self, can):
        with pytest.raises(Rejected, match="static LB algorithm"):
            await shift(can, "fixed", blue=90, green=10)


class TestGivenArmsOfSeveralServers:
    async def test_when_weights_are_shifted_then_arms_divide_as_set(self, haproxy, can):
        await shift(can, "many", blue=75, green=25)

        assert haproxy.weights("many") == {"blue-1": 3, "blue-2": 3, "green-1": 2}
        assert await can.router.fetch_weights("many") == {"blue": 75, "green": 25}

    async def test_when_one_server_was_taken_out_by_hand_then_it_stays_out(self, haproxy, can):
        haproxy.command("set server many/blue-2 state maint")

        ended = await shift(can, "many", blue=50, green=50)

        assert ended.status is OperationStatus.SUCCEEDED
        assert haproxy.weights("many") == {"blue-1": 1, "blue-2": 0, "green-1": 1}

    async def test_when_servers_do_not_fit_the_arms_then_they_are_listed(self, haproxy):
        connection = connect(haproxy, routes={"many": RouteSettings()})
        with pytest.raises(Rejected, match=r"no server for blue .* it has blue-1, blue-2, green-1"):
            await connection.capabilities.router.fetch_weights("many")
        await connection.close()


class TestGivenRequestsWereAnswered:
    async def test_when_counters_are_read_then_each_arm_has_its_own(self, haproxy, can):
        haproxy.ask(times=7)
        haproxy.ask("/bad", times=2)

        counters = await can.counters.fetch_counters("app")

        assert (counters["blue"].requests, counters["blue"].errors) == (9, 2)
        assert (counters["green"].requests, counters["green"].errors) == (0, 0)

    async def test_when_there_is_a_latency_table_then_answers_are_counted_by_time(self, haproxy, can):
        haproxy.ask(times=5)
        haproxy.ask("/slow")

        blue = (await can.counters.fetch_counters("app"))["blue"]

        assert list(blue.latency_buckets.values())[-1] == 6
        assert blue.latency_buckets[SLOW_MS / 2000] == 5
        assert SLOW_MS / 1000 < blue.latency_sum < 3 * SLOW_MS / 1000

    async def test_when_there_is_none_then_only_the_mean_is_known(self, haproxy, can):
        await can.counters.fetch_counters("many")
        haproxy.ask("/slow", x_backend="many")

        blue = (await can.counters.fetch_counters("many"))["blue"]

        assert blue.latency_buckets == {}
        assert blue.latency_sum == pytest.approx(SLOW_MS / 1000, abs=0.1)

    async def test_when_a_server_refuses_then_it_counts_against_it_although_another_answered(self, haproxy):
        connection = connect(haproxy)
        haproxy.command("set server shaky/gone weight 1")

        answers = haproxy.ask(times=4, x_backend="shaky")
        counters = await connection.capabilities.counters.fetch_counters("shaky")
        await connection.close()

        assert answers == ["blue"] * 4
        assert counters["gone"].requests == counters["gone"].errors > 0
        assert (counters["blue"].requests, counters["blue"].errors) == (4, 0)

    async def test_when_bounds_do_not_fit_the_table_then_it_is_said(self, haproxy):
        connection = connect(haproxy, latency_bounds_ms=range(1, 40))
        haproxy.ask()
        with pytest.raises(Exception, match="21 counters where 40 are configured"):
            await connection.capabilities.counters.fetch_counters("app")
        await connection.close()


class TestGivenRequestsUnderWay:
    async def test_when_one_takes_a_while_then_it_is_counted_at_its_arm_until_it_is_answered(self, haproxy, can):
        slow = asyncio.create_task(asyncio.to_thread(haproxy.ask, "/slow"))
        seen = await self._look_until(can, {"blue": 1, "green": 0})
        await slow
        afterwards = await self._look_until(can, {"blue": 0, "green": 0})

        assert seen == {"blue": 1, "green": 0}
        assert afterwards == {"blue": 0, "green": 0}

    async def _look_until(self, can, wanted):
        """What is under way once it is as wanted, or after many looks."""
        for _ in range(300):
            seen = await can.underway.fetch_underway("app")
            if seen == wanted:
                break
            await asyncio.sleep(0.01)
        return seen


class TestGivenAReload:
    async def test_when_the_state_file_is_ours_then_weights_stay(self, own):
        connection = connect(own, state_file=str(own.state))
        ended = await shift(connection.capabilities, blue=30, green=70)

        own.reload()
        seen = await connection.capabilities.shift_traffic.observe(ended.reference)
        await connection.close()

        assert seen.status is OperationStatus.SUCCEEDED
        assert own.weights() == {"blue": 3, "green": 7}

    async def test_when_nobody_keeps_them_then_the_operation_names_the_reload(self, own):
        connection = connect(own)
        ended = await shift(connection.capabilities, blue=30, green=70)

        own.reload()
        seen = await connection.capabilities.shift_traffic.observe(ended.reference)
        await connection.close()

        assert seen.status is OperationStatus.FAILED
        assert "started or reloaded" in seen.detail

    async def test_when_weights_move_then_the_run_stays_and_a_reload_begins_another(self, own):
        connection = connect(own)
        runs = [await connection.capabilities.router.fetch_run("app")]
        await shift(connection.capabilities, blue=30, green=70)
        runs.append(await connection.capabilities.router.fetch_run("app"))

        own.reload()
        runs.append(await connection.capabilities.router.fetch_run("app"))
        await connection.close()

        assert runs[0] == runs[1] != runs[2]

    async def test_when_the_state_file_cannot_be_written_then_traffic_moves_all_the_same(self, haproxy):
        connection = connect(haproxy, state_file="/nowhere/state")
        ended = await shift(connection.capabilities, green=100)
        await connection.close()

        assert ended.status is OperationStatus.SUCCEEDED
        assert "state file not written: No such file" in ended.detail


class TestGivenASocket:
    async def test_when_it_is_asked_who_it_is_then_version_and_level_are_told(self, can):
        report = await can.account.fetch_account()

        assert report.identity.startswith("HAProxy 2.")
        assert (report.scopes, report.missing_scopes) == (("level admin",), ())

    async def test_when_its_level_is_too_low_then_that_is_missing_and_nothing_moves(self, haproxy):
        low = LowSocket(haproxy)
        async with low as address:
            connection = connect(haproxy, socket=address)
            report = await connection.capabilities.account.fetch_account()
            with pytest.raises(Unauthorized, match="level admin"):
                await shift(connection.capabilities, green=100)
            await connection.close()

        assert report.missing_scopes == ("level admin",)

    async def test_when_nobody_listens_then_it_is_unreachable(self, haproxy):
        connection = connect(haproxy, socket="unix:///nowhere.sock")
        with pytest.raises(Unreachable, match=r"nowhere\.sock"):
            await connection.capabilities.router.fetch_weights("app")
        await connection.close()


class LowSocket:
    """A TCP door to the real socket that lowers its level first."""

    def __init__(self, haproxy: RealHAProxy) -> None:
        self._haproxy = haproxy

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *error: object) -> None:
        self._server.close()

    async def _serve(self, reader, writer) -> None:
        line = (await reader.readline()).decode().strip()
        told = self._haproxy.command(f"operator;{line}")
        writer.write(told.removeprefix("\n").encode())
        writer.close()


class TestGivenAnOperator:
    async def test_when_servers_are_asked_for_then_each_tells_what_it_is_and_does(self, haproxy, edge):
        await shift(edge.capabilities, blue=75, green=25)
        haproxy.ask(times=4)

        blue, green = await edge.desk.readings["servers"].fetch(Servers("app"))

        assert (blue.balance, blue.sticky) == ("roundrobin", "")
        assert (blue.weight, blue.weight_of_file, blue.percent, blue.requests) == (3, 1, 75.0, 3)
        assert (green.state, green.percent, green.requests) == ("ready", 25.0, 1)

    async def test_when_no_backend_is_named_then_all_are_told_and_their_cookies(self, edge):
        found = {one.backend: one for one in await edge.desk.readings["servers"].fetch(Servers())}

        assert list(found) == ["app", "many", "shaky", "fixed"]
        assert found["app"].sticky == ""
        assert found["many"].sticky == "ARM"

    async def until_somebody_is_there(self, edge):
        for _ in range(1000):
            blue, _ = await edge.desk.readings["servers"].fetch(Servers("app"))
            if blue.sessions:
                return

    async def test_when_a_server_is_drained_then_it_ends_when_nobody_is_under_way(self, haproxy, edge):
        drain = edge.desk.actions["drain"].actuator
        visitor = threading.Thread(target=haproxy.ask, args=("/slow",))
        visitor.start()
        await self.until_somebody_is_there(edge)

        began = await drain.start(OneServer("app", "blue"), KEY)
        await asyncio.to_thread(visitor.join)
        ended = await drain.observe(began.reference)

        assert (began.status, ended.status) == (OperationStatus.RUNNING, OperationStatus.SUCCEEDED)

    async def test_when_it_is_put_back_then_it_serves(self, haproxy, edge):
        haproxy.command("set server app/blue state maint")

        await edge.desk.actions["ready"].actuator.start(OneServer("app", "blue"), KEY)

        assert haproxy.ask() == ["blue"]

    async def test_when_the_process_is_asked_for_then_it_tells_its_age(self, edge):
        process = await edge.desk.readings["process"].fetch(Nothing())

        assert process.pid > 0
        assert process.uptime_s >= 0


class TestGivenChecks:
    async def judge(self, haproxy, backend, **settings):
        connection = connect(haproxy, **settings)
        checks = await connection.desk.readings["checks"].fetch(Checks(backend))
        await connection.close()
        return {check.about: check.good for check in checks}

    async def test_when_everything_is_right_then_all_are_good(self, own):
        found = await self.judge(own, "app", config=str(own.config), state_file=str(own.state))

        assert set(found.values()) == {True}
        assert {"weights over reloads", "reloads without losses", "latency of app", "state file"} <= set(found)

    async def test_when_the_file_is_not_named_then_its_part_is_unknown(self, haproxy):
        found = await self.judge(haproxy, "app")

        assert found["reloads without losses"] is None

    async def test_when_weights_would_be_lost_then_it_is_bad(self, haproxy):
        found = await self.judge(haproxy, "app", config=str(haproxy.config))

        assert found["weights over reloads"] is False

    async def test_when_a_backend_sticks_or_balances_otherwise_then_it_is_said(self, haproxy):
        assert (await self.judge(haproxy, "fixed"))["balance of fixed"] is False
        assert "stickiness of many" in await self.judge(haproxy, "many")

    async def test_when_there_is_no_such_backend_then_it_is_bad_and_the_rest_is_told(self, haproxy):
        found = await self.judge(haproxy, "nope")

        assert found["backend nope"] is False
        assert "refused connections" in found

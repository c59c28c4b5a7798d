"""The Caddy adapter against Caddy itself."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.errors import Rejected, UsageError
from console.domain.traffic import divide_evenly
from providers.caddy.adapter import open_connection
from providers.caddy.client import CaddyClient
from providers.caddy.settings import CaddySettings, RouteSettings
from providers.caddy.traffic import Routes
from providers.caddy.wire import Handler, parse_counters
from providers.contract import OperationKey, OperationStatus, ShiftTraffic
from providers.wire import ShapeError
from tests.providers.caddy.real import RealCaddy, real_caddy

KEY = OperationKey("wish-1", datetime(2026, 11, 22, 5, 0, tzinfo=UTC))


@pytest.fixture
def caddy() -> RealCaddy:
    found = real_caddy()
    found.reset()
    return found


@pytest.fixture
async def can(caddy):
    connection = connect(caddy)
    yield connection.capabilities
    await connection.close()


def connect(caddy: RealCaddy, **route):
    routes = {"backend": RouteSettings(metrics=caddy.metrics_name, **route)}
    return open_connection("edge", CaddySettings(admin_url=f"unix://{caddy.admin}", routes=routes))


class TestGivenARouteWithAllTrafficOnBlue:
    async def test_when_weights_are_shifted_then_requests_follow_them(self, caddy, can):
        ended = await can.shift_traffic.start(ShiftTraffic("backend", {"blue": 90, "green": 10}), KEY)

        assert ended.status is OperationStatus.SUCCEEDED
        assert await can.router.fetch_weights("backend") == {"blue": 90, "green": 10}
        assert Counter(caddy.ask(times=200)) == {"blue": 180, "green": 20}

    async def test_when_everything_goes_to_green_then_blue_gets_nothing(self, caddy, can):
        await can.shift_traffic.start(ShiftTraffic("backend", {"green": 100}), KEY)

        assert await can.router.fetch_weights("backend") == {"blue": 0, "green": 100}
        assert set(caddy.ask(times=20)) == {"green"}

    async def test_when_it_is_divided_in_half_then_arms_take_turns(self, caddy, can):
        await can.shift_traffic.start(ShiftTraffic("backend", {"blue": 50, "green": 50}), KEY)

        assert await can.router.fetch_weights("backend") == {"blue": 50, "green": 50}
        assert Counter(caddy.ask(times=10)) == {"blue": 5, "green": 5}

    async def test_when_somebody_moves_it_afterwards_then_the_operation_says_so(self, caddy, can):
        ended = await can.shift_traffic.start(ShiftTraffic("backend", {"blue": 50, "green": 50}), KEY)
        caddy.reset(weights=(20, 80))

        seen = await can.shift_traffic.observe(ended.reference)

        assert seen.status is OperationStatus.FAILED
        assert "blue 20 % · green 80 %" in seen.detail

    async def test_when_an_arm_is_unknown_then_nothing_moves(self, can):
        with pytest.raises(Rejected, match="no arm red"):
            await can.shift_traffic.start(ShiftTraffic("backend", {"blue": 50, "red": 50}), KEY)
        assert await can.router.fetch_weights("backend") == {"blue": 100, "green": 0}

    async def test_when_weights_do_not_sum_up_then_nothing_is_asked(self, can):
        with pytest.raises(UsageError, match="sum to 90"):
            await can.shift_traffic.start(ShiftTraffic("backend", {"blue": 90}), KEY)

    async def test_when_the_route_is_unknown_then_the_remedy_names_the_id(self, can):
        with pytest.raises(Rejected) as raised:
            await can.router.fetch_weights("frontend")
        assert '"@id": "frontend"' in raised.value.remedy


class TestGivenSomebodyElseWhoChangesTheRoute:
    @pytest.mark.parametrize("theirs", [[1, 1], [3, 1], [0, 1]])
    async def test_when_what_was_read_is_old_then_the_shift_is_made_on_what_is_there(self, caddy, can, theirs):
        await can.router.fetch_weights("backend")
        with caddy.client() as other:
            other.patch("/id/backend/load_balancing/selection_policy/weights", json=theirs).raise_for_status()

        ended = await can.shift_traffic.start(ShiftTraffic("backend", {"blue": 0, "green": 100}), KEY)

        assert ended.status is OperationStatus.SUCCEEDED
        assert await can.router.fetch_weights("backend") == {"blue": 0, "green": 100}

    async def test_when_the_route_was_read_a_moment_ago_then_the_first_call_is_the_change(self, caddy):
        connection = connect(caddy)
        calls = []
        send = connection.http.send

        async def listen(method, path, **how):
            calls.append(method)
            return await send(method, path, **how)

        await connection.capabilities.router.fetch_weights("backend")
        connection.http.send = listen
        await connection.capabilities.shift_traffic.start(ShiftTraffic("backend", {"blue": 0, "green": 100}), KEY)
        await connection.close()

        assert calls == ["PATCH", "GET"]

    async def test_when_they_come_between_reading_and_writing_then_their_change_is_kept(self, caddy):
        connection = connect(caddy)
        client = CaddyClient(connection.http, connection.http)
        seen = await client.fetch_handler("backend")
        with caddy.client() as other:
            other.post("/id/backend/upstreams/0", json={"dial": "127.0.0.1:1"}).raise_for_status()

        taken = await client.put_weights("backend", [1, 99], seen.tag)
        now = await client.fetch_handler("backend")
        await connection.close()

        assert not taken
        assert now.handler.weights == (100, 0)

    async def test_when_they_come_once_then_the_shift_is_made_on_what_they_left(self, caddy):
        connection = connect(caddy)
        send = connection.http.send
        looks = 0

        async def meddled(method, path, **how):
            nonlocal looks
            seen = await send(method, path, **how)
            looks += method == "GET"
            if method == "GET" and looks == 1:
                with caddy.client() as other:
                    other.patch("/id/backend/load_balancing/selection_policy/weights", json=[70, 30])
            return seen

        connection.http.send = meddled
        ended = await connection.capabilities.shift_traffic.start(
            ShiftTraffic("backend", {"blue": 10, "green": 90}), KEY
        )
        await connection.close()

        assert ended.status is OperationStatus.SUCCEEDED
        assert looks == 3


class TestGivenAnotherKindOfRoute:
    async def test_when_arms_have_addresses_then_their_order_does_not_matter(self, caddy):
        connection = connect(caddy, arms={"green": caddy.dials["green"], "blue": caddy.dials["blue"]})
        can = connection.capabilities

        await can.shift_traffic.start(ShiftTraffic("backend", {"blue": 0, "green": 100}), KEY)
        answered = set(caddy.ask(times=5))
        shown = await can.router.fetch_weights("backend")
        await connection.close()

        assert (answered, shown) == ({"green"}, {"green": 100, "blue": 0})

    async def test_when_it_has_no_weights_then_the_remedy_shows_the_policy(self, caddy, can):
        caddy.reset(load_balancing={"selection_policy": {"policy": "random"}})

        with pytest.raises(Rejected) as raised:
            await can.router.fetch_weights("backend")
        assert "weighted_round_robin" in raised.value.remedy

    async def test_when_it_has_more_upstreams_than_arms_then_it_is_refused(self, caddy, can):
        caddy.reset(upstreams=[{"dial": "127.0.0.1:1"}])

        with pytest.raises(Rejected, match="1 upstreams where 2 arms"):
            await can.router.fetch_weights("backend")


class TestGivenRequestsWereAnswered:
    async def test_when_counters_are_read_then_each_arm_has_its_own(self, caddy, can):
        caddy.ask(times=7)
        caddy.ask("/api/bad", times=2)

        counters = await can.counters.fetch_counters("backend")

        assert (counters["blue"].requests, counters["blue"].errors) == (9, 2)
        assert (counters["green"].requests, counters["green"].errors) == (0, 0)
        assert list(counters["blue"].latency_buckets.values())[-1] == 9
        assert list(counters["blue"].latency_buckets)[-1] == float("inf")
        assert 0 < counters["blue"].latency_sum < 5

    async def test_when_weights_move_then_counters_begin_anew(self, caddy, can):
        caddy.ask(times=7)

        await can.shift_traffic.start(ShiftTraffic("backend", {"green": 100}), KEY)
        caddy.ask(times=3)
        counters = await can.counters.fetch_counters("backend")

        assert (counters["blue"].requests, counters["green"].requests) == (0, 3)

    async def test_when_weights_move_then_the_run_stays_and_a_reload_begins_another(self, caddy, can):
        runs = [await can.router.fetch_run("backend")]
        await can.shift_traffic.start(ShiftTraffic("backend", {"blue": 100}), KEY)
        runs.append(await can.router.fetch_run("backend"))

        caddy.reset()
        runs.append(await can.router.fetch_run("backend"))

        assert runs[0] == runs[1] != runs[2]

    async def test_when_the_route_is_not_configured_then_servers_keep_their_names(self, caddy):
        caddy.ask(times=2)
        connection = open_connection("edge", CaddySettings(admin_url=f"unix:{caddy.admin}"))

        counters = await connection.capabilities.counters.fetch_counters("backend")
        await connection.close()

        assert counters[caddy.metrics_name.replace("{arm}", "blue")].requests == 2

    async def test_when_another_caddy_counts_then_it_is_asked(self, caddy):
        settings = CaddySettings(admin_url="unix:///nowhere.sock", metrics_url=f"unix://{caddy.admin}")
        connection = open_connection("edge", settings)

        assert "public" not in await connection.capabilities.counters.fetch_counters("backend")
        await connection.close()


PAGE = Path(__file__).with_name("metrics.prom").read_text()


class TestGivenAMetricsPage:
    def test_when_several_handlers_count_a_request_then_it_counts_once(self):
        assert parse_counters(PAGE)["backend-blue"].requests == 4

    def test_when_codes_are_500_or_more_then_they_are_errors(self):
        assert parse_counters(PAGE)["backend-blue"].errors == 1

    def test_when_labels_hold_commas_and_quotes_then_they_are_read(self):
        assert parse_counters(PAGE)['odd "name", {here}'].requests == 3

    @pytest.mark.parametrize("text", ["", "<html></html>", '{"error": "no"}', "caddy_http_requests_total"])
    def test_when_it_is_none_then_that_is_said(self, text):
        with pytest.raises(ShapeError):
            parse_counters(text)


@given(st.integers(0, 100))
def test_weights_read_back_as_written(weight):
    routes, handler = Routes("edge", {}), Handler("weighted_round_robin", (), ("a", "b"))
    wanted = {"blue": 100 - weight, "green": weight}
    written = routes.write("backend", handler, wanted)

    assert routes.read("backend", Handler(handler.policy, tuple(written), handler.dials)) == wanted


@given(st.integers(2, 100), st.data())
def test_even_weights_of_instances_take_turns_and_read_back_as_set(count, data):
    names = tuple(f"i{number}" for number in range(count))
    routes = Routes("edge", {"backend": RouteSettings(arms=names)})
    handler = Handler("weighted_round_robin", (), names)
    serving = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    wanted = divide_evenly(names, serving)

    written = routes.write("backend", handler, wanted)

    assert set(written) <= {0, 1}
    assert routes.read("backend", Handler(handler.policy, tuple(written), handler.dials)) == wanted

"""The emulated Cloudflare: what it answers is in the document, and what it is told stays told."""

import httpx
import pytest

from console.playground.emulators.cloudflare import ACCOUNT, BALANCER, POOLS, ZONE, Cloudflare
from tests.playground.emulators.world import ManualClock
from tests.providers.cloudflare.document import judge_answer

TOKEN = "Sn3lZJTBX6kkg7OdcBUAxOO963GEIyGQqnFTOFYY"
LB = f"/client/v4/zones/{ZONE}/load_balancers"
POOL = f"/client/v4/accounts/{ACCOUNT}/load_balancers/pools"
BLUE, GREEN = POOLS["blue"], POOLS["green"]


class Caller:
    def __init__(self, clock: ManualClock, **emulator) -> None:
        self.clock = clock
        self.cloudflare = Cloudflare(TOKEN, clock, **emulator)

    async def ask(self, method: str, path: str, body=None, token: str = TOKEN) -> httpx.Response:
        """Every answer that is no refusal is held against the document."""
        transport = httpx.ASGITransport(app=self.cloudflare.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://cloudflare") as client:
            answer = await client.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})
        if answer.is_success:
            assert judge_answer(method, path, answer.json()) == []
        else:
            assert answer.json()["success"] is False
            assert all(set(error) == {"code", "message"} for error in answer.json()["errors"])
        return answer


@pytest.fixture
def caller():
    return Caller(ManualClock())


class TestGivenALoadBalancer:
    @pytest.mark.parametrize(
        "path",
        [LB, f"{LB}/{BALANCER}", POOL, f"{POOL}/{BLUE}", f"{POOL}/{BLUE}/health", "/client/v4/user/tokens/verify"],
    )
    async def test_when_it_is_read_then_the_answer_is_as_documented(self, caller, path):
        assert (await caller.ask("GET", path)).status_code == 200

    async def test_when_weights_are_set_then_they_are_there_and_count_once(self, caller):
        change = {"random_steering": {"pool_weights": {BLUE: 0.75, GREEN: 0.25}}}

        await caller.ask("PATCH", f"{LB}/{BALANCER}", change)
        await caller.ask("PATCH", f"{LB}/{BALANCER}", change)

        kept = (await caller.ask("GET", f"{LB}/{BALANCER}")).json()["result"]["random_steering"]
        assert kept == change["random_steering"]
        assert caller.cloudflare.kinds == {"load balancer": 1}

    @pytest.mark.parametrize(
        "change",
        [
            {"random_steering": {"pool_weights": {BLUE: 90}}},
            {"random_steering": {"pool_weights": {"nope": 0.5}}},
            {"random_steering": {"weights": {}}},
            {"steering_policy": "weighted"},
            {"default_pools": []},
            {"fallback_pool": "nope"},
            {"nonsense": 1},
        ],
    )
    async def test_when_a_change_cannot_be_then_it_is_refused(self, caller, change):
        assert (await caller.ask("PATCH", f"{LB}/{BALANCER}", change)).status_code == 400
        assert caller.cloudflare.changes == 0

    async def test_when_no_other_pool_is_healthy_then_one_of_weight_nothing_serves(self, caller):
        caller.cloudflare.pools[BLUE].ill["blue.harbour-shop.example"] = "HTTP timeout occurred"

        assert caller.cloudflare.chosen_for(0.5) == "green"


class TestGivenAPool:
    async def test_when_origins_are_set_then_the_list_is_replaced(self, caller):
        origins = [{"name": "new", "address": "192.0.2.1", "weight": 0.5}]

        await caller.ask("PATCH", f"{POOL}/{BLUE}", {"origins": origins})

        kept = (await caller.ask("GET", f"{POOL}/{BLUE}")).json()["result"]["origins"]
        assert kept == [{**origins[0], "enabled": True}]

    async def test_when_it_is_switched_off_then_it_is_unhealthy_and_gets_nobody(self, caller):
        await caller.ask("PATCH", f"{POOL}/{BLUE}", {"enabled": False})

        health = (await caller.ask("GET", f"{POOL}/{BLUE}/health")).json()["result"]["pop_health"]
        assert health["Amsterdam, NL"]["healthy"] is False
        assert caller.cloudflare.chosen_for(0.5) == "green"

    @pytest.mark.parametrize("origin", [{"name": "x"}, {"name": "x", "address": "y", "weight": 2}, {"nonsense": 1}])
    async def test_when_an_origin_cannot_be_then_it_is_refused(self, caller, origin):
        assert (await caller.ask("PATCH", f"{POOL}/{BLUE}", {"origins": [origin]})).status_code == 400


class TestGivenWhoAsks:
    async def test_when_the_token_is_wrong_then_it_is_401(self, caller):
        assert (await caller.ask("GET", LB, token="no")).status_code == 401

    async def test_when_it_may_not_then_it_is_403(self):
        caller = Caller(ManualClock(), may=frozenset({"balancers"}))

        assert (await caller.ask("GET", POOL)).status_code == 403
        assert (await caller.ask("PATCH", f"{LB}/{BALANCER}", {"enabled": True})).status_code == 403

    async def test_when_it_is_elsewhere_or_gone_then_it_is_403_or_404(self, caller):
        assert (await caller.ask("GET", f"/client/v4/zones/{'0' * 32}/load_balancers")).status_code == 403
        assert (await caller.ask("GET", f"{LB}/{'0' * 32}")).status_code == 404

    async def test_when_too_many_are_asked_then_everything_waits_for_the_window(self):
        caller = Caller(ManualClock(), limit_scale=2 / 1200)
        answers = [await caller.ask("GET", LB) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[0].headers["ratelimit"] == '"default";r=1;t=300'
        assert answers[2].headers["retry-after"] == "300"
        await caller.clock.advance(301)
        assert (await caller.ask("GET", LB)).status_code == 200

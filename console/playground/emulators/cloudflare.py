"""Cloudflare's load balancing and name servers: one zone with a load balancer and records, its account's pools.

Properties that a PATCH names are replaced whole, a pool's origins among them. 1,200 requests in five minutes; whoever
asks for more is refused until they are over. A pool of weight 0 still serves once no other is healthy.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock
from console.playground.emulators.cloudflare_dns import DOMAIN, Zone
from console.playground.emulators.cloudflare_shapes import (
    Json,
    Pool,
    build_balancer,
    build_health,
    build_pool,
    patch_balancer,
    patch_pool,
)
from console.playground.emulators.emulator import Emulator, Tally
from console.playground.emulators.limits import Budget, Spent, Windows
from console.playground.emulators.wire import Handler, Refusal, as_json, read_object, turn_back_struck

ACCOUNT = "699d98642c564d2e855e9661899b7252"
ZONE = "023e105f4ecef8ad9ca31a8372d0c353"
BALANCER = "17b5962d775c646f3f9725cbc7a53df4"
POOLS = {"blue": "9290f38c5d07c2e2f4df57b1f61d4196", "green": "00920f38ce07c2e2f4df50b1f61d4194"}
HOSTNAME = f"api.{DOMAIN}"
REQUESTS = Budget(1200, 300)

Thing = TypeVar("Thing")


class Cloudflare(Emulator):
    """The emulated Cloudflare.

    Args:
        token: What opens it; of a user, or of the account where `is_accounts` says so.
        may: What the token may touch: `balancers`, `pools`, `dns`, and `write`.
    """

    def __init__(
        self,
        token: str,
        clock: Clock,
        limit_scale: float = 1.0,
        *,
        is_accounts: bool = False,
        may: frozenset[str] = frozenset({"balancers", "pools", "dns", "write"}),
    ) -> None:
        self._token = token
        self._clock = clock
        self._is_accounts = is_accounts
        self._may = may
        self._tally = Tally()
        self._windows = Windows(clock, limit_scale)
        now = clock.now()
        self.pools: Mapping[str, Pool] = {
            identity: build_pool(identity, name, f"{name}.{DOMAIN}", now) for name, identity in POOLS.items()
        }
        self.balancers: dict[str, Json] = {BALANCER: build_balancer(BALANCER, HOSTNAME, list(POOLS.values()), now)}
        self.zone = Zone(ZONE, clock)
        super().__init__("cloudflare", Starlette(routes=self._routes()), self._tally, self._windows)

    def chosen_for(self, share: float) -> str:
        """The pool that a visitor gets whose lot is `share`, 0 to 1, by its name; "" where nobody can serve."""
        balancer = self.balancers[BALANCER]
        pools = [self.pools[identity] for identity in balancer["default_pools"]]
        well = [pool for pool in pools if build_health(pool)["pop_health"]["Amsterdam, NL"]["healthy"]]
        steering = balancer["random_steering"]
        weights = [steering["pool_weights"].get(pool.id, steering.get("default_weight", 1)) for pool in well]
        if not sum(weights):
            return str((well or [self.pools[balancer["fallback_pool"]]])[0].body["name"])
        left = share * sum(weights)
        for pool, weight in zip(well, weights, strict=True):
            if left < weight:
                return str(pool.body["name"])
            left -= weight
        return str(well[-1].body["name"])

    def _routes(self) -> list[Route]:
        pools = "/client/v4/accounts/{account}/load_balancers/pools"
        balancers = "/client/v4/zones/{zone}/load_balancers"
        records = "/client/v4/zones/{zone}/dns_records"
        return [
            self._route("GET", "/client/v4/user/tokens/verify", self._verify_user, ""),
            self._route("GET", "/client/v4/accounts/{account}/tokens/verify", self._verify_account, ""),
            self._route("GET", pools, self._list_pools, "pools"),
            self._route("GET", pools + "/{pool}", self._get_pool, "pools"),
            self._route("PATCH", pools + "/{pool}", self._patch_pool, "pools"),
            self._route("GET", pools + "/{pool}/health", self._health, "pools"),
            self._route("GET", balancers, self._list_balancers, "balancers"),
            self._route("GET", balancers + "/{balancer}", self._get_balancer, "balancers"),
            self._route("PATCH", balancers + "/{balancer}", self._patch_balancer, "balancers"),
            self._route("GET", "/client/v4/zones", self._list_zones, "dns"),
            self._route("GET", records, self._list_records, "dns"),
            self._route("POST", records + "/batch", self._change_records, "dns"),
        ]

    def _route(self, method: str, path: str, handler: Handler, right: str) -> Route:
        async def answer(request: Request) -> Response:
            spent = self._windows.spend("requests", REQUESTS)
            try:
                if not spent.allowed:
                    raise Refusal(429, "Rate limit reached", "971")
                self._admit(request, method, right)
                turn_back_struck(request)
                response = await handler(request)
            except Refusal as refusal:
                response = _refused(refusal)
            self._stamp(response, spent)
            return response

        return Route(path, answer, methods=[method])

    def _admit(self, request: Request, method: str, right: str) -> None:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            raise Refusal(401, "Invalid API Token", "1000")
        place = request.path_params
        is_here = place.get("account", ACCOUNT) == ACCOUNT and place.get("zone", ZONE) == ZONE
        may = not right or (right in self._may and (method == "GET" or "write" in self._may))
        if not is_here or not may:
            raise Refusal(403, "Authentication error", "10000")

    def _stamp(self, response: Response, spent: Spent) -> None:
        left = spent.seconds_left(self._clock.now())
        response.headers["ratelimit"] = f'"default";r={spent.remaining};t={left}'
        response.headers["ratelimit-policy"] = f'"default";q={spent.limit};w={REQUESTS.window}'
        if not spent.allowed:
            response.headers["retry-after"] = str(left)

    async def _verify_user(self, request: Request) -> Response:
        if self._is_accounts:
            raise Refusal(401, "Invalid API Token", "1000")
        return _told({"id": "ed17574386854bf78a67040be0a770b0", "status": "active"})

    async def _verify_account(self, request: Request) -> Response:
        if not self._is_accounts:
            raise Refusal(401, "Invalid API Token", "1000")
        return _told({"id": "ed17574386854bf78a67040be0a770b0", "status": "active"})

    async def _list_pools(self, request: Request) -> Response:
        return _told([pool.body for pool in self.pools.values()])

    async def _get_pool(self, request: Request) -> Response:
        return _told(self._pool(request).body)

    async def _health(self, request: Request) -> Response:
        return _told(build_health(self._pool(request)))

    async def _patch_pool(self, request: Request) -> Response:
        pool = self._pool(request)
        patched = patch_pool(pool.body, await read_object(request), self._clock.now())
        if patched != pool.body:
            self._tally.add("pool")
            pool.body = patched
        return _told(pool.body)

    async def _list_balancers(self, request: Request) -> Response:
        return _told(list(self.balancers.values()))

    async def _get_balancer(self, request: Request) -> Response:
        return _told(self._balancer(request))

    async def _patch_balancer(self, request: Request) -> Response:
        balancer = self._balancer(request)
        patched = patch_balancer(balancer, await read_object(request), self.pools)
        if patched != balancer:
            self._tally.add("load balancer")
            self.balancers[balancer["id"]] = patched
        return _told(patched)

    async def _list_zones(self, request: Request) -> Response:
        wanted = request.query_params.get("name", DOMAIN).lower()
        return _told([self.zone.describe()] if wanted == DOMAIN else [])

    async def _list_records(self, request: Request) -> Response:
        records, info = self.zone.find(request.query_params)
        return _told(records, result_info=info)

    async def _change_records(self, request: Request) -> Response:
        told = self.zone.change(await read_object(request))
        self._tally.add("records")
        return _told(told)

    def _pool(self, request: Request) -> Pool:
        return _found(self.pools, request.path_params["pool"])

    def _balancer(self, request: Request) -> Json:
        return _found(self.balancers, request.path_params["balancer"])


def _found(known: Mapping[str, Thing], identity: str) -> Thing:
    if identity not in known:
        raise Refusal(404, "resource not found", "1001")
    return known[identity]


def _told(result: Any, **more: Json) -> Response:
    return as_json({"result": result, "success": True, "errors": [], "messages": [], **more})


def _refused(refusal: Refusal) -> Response:
    code = int(refusal.code) if refusal.code.isdigit() else 1000
    errors = [{"code": code, "message": refusal.message}]
    return as_json({"result": None, "success": False, "errors": errors, "messages": []}, refusal.status)

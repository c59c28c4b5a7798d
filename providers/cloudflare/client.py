"""The calls to Cloudflare's API, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from console.domain.errors import Rejected
from providers.cloudflare.wire import (
    LoadBalancer,
    Pool,
    need_status,
    parse_health,
    parse_list,
    parse_load_balancer,
    parse_pool,
    unwrap,
)
from providers.http import ProviderHttp, segment

ID = re.compile(r"[0-9a-f]{32}")


class CloudflareClient:
    """Raises the contract's errors, as `ProviderHttp` does.

    Names of load balancers are looked up once and remembered, since they hardly change.
    """

    def __init__(self, http: ProviderHttp, account: str, zone: str) -> None:
        self.http = http
        self.account = account
        self._account = f"/accounts/{account}"
        self._balancers = f"{f'/zones/{zone}' if zone else self._account}/load_balancers"
        self._pools = f"{self._account}/load_balancers/pools"
        self._ids: dict[str, str] = {}

    async def close(self) -> None:
        await self.http.close()

    async def fetch_token_status(self) -> str:
        """`active`, `disabled` or `expired`. A token is a user's or an account's, and is asked as either."""
        reply = await self.http.send("GET", "/user/tokens/verify", accept=(401,))
        if reply.status == 401:
            reply = await self.http.send("GET", f"{self._account}/tokens/verify")
        return self.http.decode(reply, unwrap(need_status))

    async def may_read(self) -> Mapping[str, bool]:
        """Permissions that a rollout needs to look, and whether the token has them."""
        paths = {"Load Balancers": self._balancers, "Load Balancing: Monitors and Pools": self._pools}
        return {name: (await self.http.send("GET", path, accept=(403,))).status != 403 for name, path in paths.items()}

    async def fetch_load_balancers(self) -> Sequence[LoadBalancer]:
        found = await self.http.fetch(self._balancers, unwrap(parse_list(parse_load_balancer)))
        self._ids = {one.name: one.id for one in found}
        return found

    async def fetch_load_balancer(self, name: str) -> LoadBalancer:
        """By hostname or id. Raises Rejected where there is none."""
        found = await self.find_load_balancer(name)
        if found is None:
            raise self.refuse(
                f"Cloudflare has no load balancer {name!r} here.",
                f"GET {self._balancers}",
                "A route's name is the hostname of a load balancer; those of a zone need `zone`.",
            )
        return found

    async def find_load_balancer(self, name: str) -> LoadBalancer | None:
        identity = name if ID.fullmatch(name) else self._ids.get(name, "")
        if not identity:
            return next((one for one in await self.fetch_load_balancers() if one.name == name), None)
        path = f"{self._balancers}/{segment(identity)}"
        found = await self.http.fetch_or_none(path, unwrap(parse_load_balancer))
        if found is None:
            self._ids.pop(name, None)
        return found

    async def patch_load_balancer(self, identity: str, change: Mapping[str, object]) -> None:
        """Replace the properties named, each whole; what is in force already may be sent again."""
        path = f"{self._balancers}/{segment(identity)}"
        reply = await self.http.send("PATCH", path, json=change, repeatable=True)
        self.http.decode(reply, unwrap(parse_load_balancer))

    async def fetch_pools(self) -> Sequence[Pool]:
        return await self.http.fetch(self._pools, unwrap(parse_list(parse_pool)))

    async def find_pool(self, name: str) -> Pool | None:
        """By name or id."""
        return next((pool for pool in await self.fetch_pools() if name in (pool.name, pool.id)), None)

    async def patch_pool(self, identity: str, change: Mapping[str, object]) -> None:
        reply = await self.http.send("PATCH", f"{self._pools}/{segment(identity)}", json=change, repeatable=True)
        self.http.decode(reply, unwrap(parse_pool))

    async def fetch_health(self, identity: str) -> Mapping[str, str]:
        """By data centre: healthy, or unhealthy and why."""
        return await self.http.fetch(f"{self._pools}/{segment(identity)}/health", unwrap(parse_health))

    def refuse(self, what: str, where: str, remedy: str) -> Rejected:
        return Rejected(self.http.provider, what, where, remedy)

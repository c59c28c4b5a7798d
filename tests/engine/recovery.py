"""The usual product with a second region that stands by, and two servers of its database that keep their state."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from console.config.settings import Settings
from console.domain.deployment import Deployment
from console.domain.errors import Rejected, Unreachable
from console.domain.ids import DeploymentId
from console.domain.plan import Plan, Wish
from console.domain.standby import Server
from tests.engine.fake_platform import Place
from tests.engine.virtual_clock import VirtualClock
from tests.engine.world import OLD, PRODUCTION, World

T = TypeVar("T")

FRA, IAD = "postgresql://boss:pw@fra:5432/shop", "postgresql://boss:pw@iad:5432/shop"


@dataclass
class Node:
    """One server: `position` is how far its log goes, `commits` when each byte of it was committed."""

    standby: bool = False
    read_only: bool = False
    position: int = 0
    commit: datetime | None = None
    silent: bool = False


@dataclass
class FakeStandbys:
    """Obeys `providers.contract.Standbys`: the standby replays what its primary wrote `lag` earlier."""

    clock: VirtualClock
    nodes: dict[str, Node] = field(default_factory=dict)
    lag: timedelta = timedelta()
    calls: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda call: None
    after: Callable[[str], None] = lambda call: None
    writes: list[datetime] = field(default_factory=list)
    stuck: bool = False

    def place_of(self, address: str) -> str:
        return address.partition("@")[2].partition("/")[0]

    def write(self, length: timedelta = timedelta()) -> None:
        """A commit on the primary, so long ago."""
        self.writes.append(self.clock.now() - length)

    async def look(self, address: str) -> Server:
        return self._answer(await self._ask("look", address))

    async def fence(self, address: str) -> Server:
        node = await self._ask("fence", address)
        node.read_only = True
        self.after("fence")
        return self._answer(node)

    async def unfence(self, address: str) -> None:
        (await self._ask("unfence", address)).read_only = False

    async def promote(self, address: str) -> Server:
        node = await self._ask("promote", address)
        node.standby = node.read_only = False
        self.after("promote")
        return self._answer(node)

    async def try_writing(self, address: str) -> None:
        node = await self._ask("try_writing", address)
        if node.standby or node.read_only:
            raise Rejected("postgres", "The database takes no writes.")

    async def _ask(self, call: str, address: str) -> Node:
        self.clock.touch()
        node = self.nodes[address]
        self.calls.append(f"{call} {self.place_of(address)}")
        self.before(call)
        if node.silent:
            raise Unreachable("postgres", f"The database does not answer ({self.place_of(address)}).")
        return node

    def _answer(self, node: Node) -> Server:
        now = self.clock.now()
        seen = now - self.lag if node.standby else now
        replayed = [at for at in self.writes if at <= seen] if not self.stuck or not node.standby else []
        if node.standby:
            node.position = max(node.position, len(replayed))
            node.commit = max(replayed, default=node.commit)
        else:
            node.position = max(node.position, len(self.writes))
        return Server(
            in_recovery=node.standby,
            read_only=node.read_only,
            position=node.position,
            last_commit_at=node.commit,
            asked_at=now,
            cluster="one",
        )


class Regions(World):
    """`production` in Frankfurt, `dr` in Virginia, a route with an arm on each side."""

    def __init__(self, *, failover: dict[str, Any] | None = None, **environment: Any) -> None:
        settled = {
            "to": "dr",
            "databases": {"main": {"primary": "env:FRA", "standby": "env:IAD"}},
            "services": {
                "api": {
                    "traffic": {"router": "fake", "route": "world", "primary": "fra", "standby": "iad"},
                    "url": "http://public",
                }
            },
            **(failover or {}),
        }
        super().__init__(failover=settled, **environment)

    def _furnish(self) -> None:
        super()._furnish()
        data = self.settings.model_dump(mode="python", exclude_unset=True)
        data["environments"] = {**copy.deepcopy(dict(data["environments"])), "dr": _standby()}
        self.settings = Settings.model_validate(data)
        for place in ("iad-api", "iad-worker", "iad-front", "ref-iad"):
            self.platform.places[place] = Place(OLD, f"{place}-1", history={f"{place}-1": OLD})
        self.platform.weights["world"] = {"fra": 100, "iad": 0}
        self.platform.arms["world"] = ("blue", "iad-api")
        self.secrets |= {"env:FRA": FRA, "env:IAD": IAD}
        self.standbys = FakeStandbys(self.clock, {FRA: Node(), IAD: Node(standby=True)})
        self.standbys.write()

    async def preview(self, strategy: str = "failover") -> Plan:
        return await self._meanwhile(self.engine.preview(Wish(PRODUCTION, strategy=strategy)))

    async def deploy(self, release: str = "", **wish: Any) -> DeploymentId:
        return await self._meanwhile(super().deploy(release, **wish))

    async def _meanwhile(self, planning: Coroutine[Any, Any, T]) -> T:
        """Planning may wait for a standby, so time goes on."""
        task = asyncio.ensure_future(planning)
        await self.clock.settle()
        while not task.done():
            await self.clock.go_on()
        return await task

    async def failed_over(self, strategy: str = "failover", **wish: Any) -> Deployment:
        await self.start()
        return await self.until_ended(await self.deploy("", strategy=strategy, **wish))

    @property
    def writable(self) -> list[str]:
        """Where writes are taken."""
        nodes = self.standbys.nodes.items()
        return [self.standbys.place_of(at) for at, node in nodes if not (node.standby or node.read_only)]


def _standby() -> dict[str, Any]:
    return {
        "tier": "disaster-recovery",
        "services": {
            "database": {"id": "ref-iad"},
            "api": {"id": "iad-api", "url": "http://iad-api"},
            "worker": {"id": "iad-worker"},
            "front": {"id": "iad-front", "url": "http://iad-front"},
        },
    }

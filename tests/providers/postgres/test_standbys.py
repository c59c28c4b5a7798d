"""A real PostgreSQL and its standby change roles: fenced, caught up, promoted, without a write lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import psycopg
import pytest

from console.domain.deployment import DeploymentStatus
from console.domain.errors import Rejected, Unreachable
from console.domain.failover import read_figures
from providers.postgres.standbys import PostgresStandbys
from tests.engine.recovery import Regions
from tests.engine.virtual_clock import VirtualClock
from tests.providers.postgres.pair import Pair

pytestmark = pytest.mark.xdist_group("standbys")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with Pair(tmp_path_factory.mktemp("pair")) as made:
        made.run("create table orders(id int primary key)")
        yield made


class Held:
    """The real ones. The world's time stands still while a database is asked."""

    def __init__(self, real: PostgresStandbys, clock: VirtualClock) -> None:
        self._real = real
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        return self._held(real) if asyncio.iscoroutinefunction(real) else real

    def _held(self, real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any) -> Any:
            with self._clock.standing_still():
                return await real(*arguments)

        return call


async def caught_up(pair: Pair, position: int) -> bool:
    for _ in range(100):
        if (await PostgresStandbys().look(pair.standby)).position >= position:
            return True
        await asyncio.sleep(0.02)
    return False


class TestGivenAPair:
    """In the order of a failover: each test finds what the one before left."""

    standbys = PostgresStandbys()

    async def test_when_looked_at_then_each_says_what_it_is(self, pair: Pair) -> None:
        pair.run("insert into orders values (1)")
        primary = await self.standbys.look(pair.primary)
        assert await caught_up(pair, primary.position)
        standby = await self.standbys.look(pair.standby)

        assert (primary.in_recovery, standby.in_recovery) == (False, True)
        assert primary.cluster == standby.cluster != ""
        assert standby.last_commit_at is not None
        assert primary.may_fence
        assert standby.may_promote

    async def test_when_a_role_may_not_then_that_is_known_before(self, pair: Pair) -> None:
        pair.run("create role clerk login password 'clerk-pw-0001'")
        as_clerk = f"postgresql://clerk:clerk-pw-0001@{pair.primary.rpartition('@')[2]}"

        found = await self.standbys.look(as_clerk)

        assert not found.may_fence
        assert not found.may_promote

    async def test_when_fenced_then_no_session_writes_and_the_standby_hears_nothing_of_it(self, pair: Pair) -> None:
        with psycopg.connect(pair.primary, autocommit=True) as shop:
            mark = await self.standbys.fence(pair.primary)

            with pytest.raises(psycopg.OperationalError):
                shop.execute("insert into orders values (2)")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            pair.run("insert into orders values (2)")
        assert mark.read_only
        assert await caught_up(pair, mark.position)
        assert not (await self.standbys.look(pair.standby)).read_only

    async def test_when_let_go_then_it_takes_writes_again(self, pair: Pair) -> None:
        await self.standbys.unfence(pair.primary)

        await self.standbys.try_writing(pair.primary)
        pair.run("insert into orders values (3)")

    async def test_when_a_standby_is_written_to_then_it_is_refused(self, pair: Pair) -> None:
        with pytest.raises(Rejected, match="still a standby"):
            await self.standbys.try_writing(pair.standby)

    async def test_when_the_engine_fails_over_then_nothing_is_lost_and_one_server_takes_writes(
        self, pair: Pair
    ) -> None:
        world = Regions()
        world.secrets |= {"env:FRA": pair.primary, "env:IAD": pair.standby}
        world.standbys = Held(self.standbys, world.clock)
        world.engine = world._new_engine()

        written = pair.run("select id from orders order by id", pair.primary)

        ended = await world.failed_over()

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert (read_figures(ended) or {})["rpo"] == "exact"
        assert pair.run("select id from orders order by id", pair.standby) == written
        pair.run("insert into orders values (4)", pair.standby)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            pair.run("insert into orders values (4)")

    async def test_when_promoted_again_then_nothing_happens(self, pair: Pair) -> None:
        again = await self.standbys.promote(pair.standby)

        assert not again.in_recovery
        assert again.last_commit_at is not None
        await self.standbys.try_writing(pair.standby)

    async def test_when_the_primary_is_gone_then_that_is_said_without_its_password(self, pair: Pair) -> None:
        pair.lose_primary()

        with pytest.raises(Unreachable) as raised:
            await self.standbys.look(pair.primary)

        assert pair.primary.split(":")[2].split("@")[0] not in str(raised.value)

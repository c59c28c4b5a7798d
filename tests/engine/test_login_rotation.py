"""A database password is replaced as a rollout, in a real PostgreSQL: two login roles take turns."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from console.config.secrets import resolve
from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.errors import PlanRejected, Unreachable
from console.domain.events import Control
from console.domain.plan import Wish
from providers.contract import ProbeRequest, ProbeResult
from providers.postgres.logins import PostgresLogins
from tests.engine.test_rotation import Product, ids
from tests.engine.virtual_clock import VirtualClock
from tests.engine.world import PRODUCTION, Crash

ROTATE = "rotation:database:SESSION_SECRET"
SHARED = {"SESSION_SECRET": "file:session"}
PASSWORD = "first-password-0001"
NUMBERS = itertools.count(1)


class HeldLogins:
    """The real ones. The world's time stands still while the database is asked; `before` and `after` may interfere."""

    def __init__(self, clock: VirtualClock) -> None:
        self._real = PostgresLogins()
        self._clock = clock
        self.calls: list[str] = []
        self.before: Callable[[str], None] = lambda call: None
        self.after: Callable[[str], None] = lambda call: None

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        return self._held(name, real) if asyncio.iscoroutinefunction(real) else real

    def _held(self, name: str, real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any) -> Any:
            self.calls.append(name)
            self.before(name)
            with self._clock.standing_still():
                answer = await real(*arguments)
            self.after(name)
            return answer

        return call


class Shop(Product):
    """The usual product with a database whose role `app` both services log in as."""

    def __init__(self, folder: Path, superuser: str, **environment: Any) -> None:
        number = next(NUMBERS)
        self.superuser = superuser
        self.app, self.other = f"shop{number}", f"shop{number}_b"
        self.run(f"create role {self.app} login password '{PASSWORD}'")
        self.old = self.address(self.app, PASSWORD)
        admin = folder / "admin"
        admin.write_text(superuser)
        admin.chmod(0o600)
        logins = {"SESSION_SECRET": {"admin": "file:admin", "roles": (self.app, self.other)}}
        super().__init__(
            folder, value=self.old, environment={"logins": logins, **environment}, worker=SHARED, front=SHARED
        )

    def _new_engine(self) -> Any:
        if self.logins is None:
            self.logins = HeldLogins(self.clock)
        return super()._new_engine()

    def _follow(self, reference: str, where: str) -> str:
        return resolve(reference, self.folder).reveal()

    def address(self, role: str, password: str) -> str:
        return f"postgresql://{role}:{password}@{self.superuser.rpartition('@')[2]}?application_name=shop"

    def run(self, statement: str, address: str = "") -> list[Any]:
        with psycopg.connect(address or self.superuser, autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]  # written here
            return cursor.fetchall() if cursor.description else []

    def who(self, address: str) -> tuple[str, str] | None:
        """Who one is with an address; None for nobody."""
        try:
            return self.run("select session_user::text, current_user::text", address)[0]
        except psycopg.OperationalError:
            return None

    @property
    def has_password(self) -> bool:
        return bool(self.run(f"select rolpassword is not null from pg_authid where rolname = '{self.app}'")[0][0])

    def is_moved(self) -> bool:
        everywhere = {self.platform.variables[target]["SESSION_SECRET"] for target in ("worker", "front")}
        is_new = self.who(self.secret) == (self.other, self.app)
        return everywhere == {self.secret} and is_new and self.who(self.old) is None

    def is_as_before(self) -> bool:
        everywhere = {self.platform.variables[target]["SESSION_SECRET"] for target in ("worker", "front")}
        others = self.run(f"select rolcanlogin from pg_roles where rolname = '{self.other}'")
        return everywhere == {self.secret} == {self.old} and self.who(self.old) == (self.app, self.app) and not others


@pytest.fixture
async def world(tmp_path: Path, postgres_dsn: str) -> Shop:
    made = Shop(tmp_path, postgres_dsn)
    await made.start()
    return made


async def rotate(world: Shop) -> Deployment:
    return await world.until_ended(await world.deploy("", strategy=ROTATE))


def passwords(*addresses: str) -> list[str]:
    return [PostgresLogins().password_of(address) for address in addresses]


class TestGivenADatabasePassword:
    async def test_when_rotated_then_services_log_in_as_the_other_role_and_the_old_one_cannot(
        self, world: Shop
    ) -> None:
        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.is_moved()
        assert not world.has_password
        assert ids(ended)[0] == "secret.make"
        assert ids(ended)[-2:] == ["secret.unused", "secret.revoke"]
        assert not any(secret in world.told() for secret in passwords(world.old, world.secret))
        assert not any(secret in world.kept_texts() for secret in passwords(world.secret))

    async def test_when_rotated_again_then_the_first_role_has_its_turn(self, world: Shop) -> None:
        await rotate(world)
        second = world.secret

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.who(world.secret) == (world.app, world.app)
        assert world.who(second) is None
        assert PASSWORD not in world.secret

    async def test_when_it_has_ended_then_a_rollback_gives_the_old_role_its_login_back(self, world: Shop) -> None:
        ended = await rotate(world)
        new = world.secret

        await world.ask(ended.id, Control.ROLLBACK)
        back = await world.until_ended(ended.id)

        assert back.status is DeploymentStatus.ROLLED_BACK, back.failure
        assert world.is_as_before()
        assert world.who(new) is None
        steps: Any = back.steps
        restored = steps["undo:secret.revoke"].ended_at
        assert all(
            restored <= state.started_at
            for key, state in steps.items()
            if key.startswith("undo:") and key != "undo:secret.revoke"
        )
        assert not any(secret in world.told() for secret in passwords(world.old, new))

    async def test_when_only_previewed_then_nothing_is_made(self, world: Shop) -> None:
        plan = await world.engine.preview(Wish(PRODUCTION, strategy=ROTATE))

        assert world.is_as_before()
        assert all(plan.steps[place].undo for place in (0, -1))
        assert not any("cannot be taken back" in reason for reason in plan.risk.reasons)
        assert any(f"act as {world.app}" in note for note in plan.notes)


class TestGivenARotationThatFails:
    async def test_when_a_consumer_is_not_well_then_all_is_as_before(self, world: Shop) -> None:
        async def probe(request: ProbeRequest) -> ProbeResult:
            return ProbeResult(False, 0.001, 500, "it cannot sign in")

        world.platform.probe = probe  # type: ignore[method-assign]  # a consumer that fails with the new address

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.is_as_before()

    async def test_when_somebody_else_uses_the_old_role_then_it_is_named_and_all_goes_back(
        self, tmp_path: Path, postgres_dsn: str
    ) -> None:
        world = Shop(tmp_path, postgres_dsn, limits={"deploy": "1m"})
        await world.start()

        with psycopg.connect(world.old, application_name="a forgotten report"):
            ended = await rotate(world)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert "still in use: a forgotten report at 127.0.0.1" in world.told()
        assert world.is_as_before()

    async def test_when_the_last_user_goes_in_time_then_it_ends_well(self, world: Shop) -> None:
        connection = psycopg.connect(world.old)
        looks = itertools.count(1)

        def leave(call: str) -> None:
            if call == "fetch_sessions" and next(looks) == 5:
                connection.close()

        world.logins.before = leave

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.is_moved()

    async def test_when_the_file_was_changed_meanwhile_then_no_role_is_made(self, world: Shop) -> None:
        deployment = await world.deploy("", strategy=ROTATE)
        by_hand = world.address(world.app, "another-0001")
        world.file.write_text(by_hand)

        ended = await world.until_ended(deployment)

        assert ended.status is not DeploymentStatus.SUCCEEDED
        assert world.secret == by_hand
        assert "prepare" not in world.logins.calls

    async def test_when_the_database_does_not_answer_for_a_while_then_it_is_waited_for(self, world: Shop) -> None:
        silent = {"prepare", "close", "try_out", "fetch_sessions", "can_log_in"}

        def be_silent(call: str) -> None:
            if call in silent:
                silent.remove(call)
                raise Unreachable("postgres", "The database does not answer.")

        world.logins.before = be_silent

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert not silent
        assert world.is_moved()


class TestGivenACrash:
    @pytest.mark.parametrize(
        ("point", "number"),
        [("step-begun", 1), ("called", 2), ("step-ended", 1)],
    )
    async def test_when_it_falls_anywhere_then_there_is_one_new_password(
        self, world: Shop, point: str, number: int
    ) -> None:
        world.crash_at = (point, number)

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.is_moved()

    @pytest.mark.parametrize("call", ["prepare", "fetch_sessions", "close"])
    async def test_when_it_falls_after_the_database_did_it_then_the_same_goes_on(self, world: Shop, call: str) -> None:
        kept: list[str] = []

        def die(done: str) -> None:
            if done == call and not kept:
                kept.append(world.kept_texts())
                world.crashed += 1
                world.ledger.frozen = world.platform.frozen = True
                raise Crash(call)

        world.logins.after = die

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.is_moved()
        assert passwords(world.secret)[0] in kept[0]
        assert world.logins.calls.count("prepare") == 1

    @pytest.mark.parametrize("call", ["withdraw", "reopen"])
    async def test_when_it_falls_on_the_way_back_then_it_still_goes_back(self, world: Shop, call: str) -> None:
        ended = await rotate(world)
        died: list[str] = []

        def die(done: str) -> None:
            if done == call and not died:
                died.append(done)
                world.crashed += 1
                world.ledger.frozen = world.platform.frozen = True
                raise Crash(call)

        world.logins.after = die
        await world.ask(ended.id, Control.ROLLBACK)

        back = await world.until(ended.id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert died
        assert back.failure is None or back.status is DeploymentStatus.ROLLED_BACK
        assert world.is_as_before()


class TestGivenWhatSpeaksAgainstIt:
    async def refusal(self, world: Shop) -> str:
        with pytest.raises(PlanRejected) as refused:
            await world.deploy("", strategy=ROTATE)
        return str(refused.value)

    async def test_when_the_address_has_another_role_then_it_is_refused(self, world: Shop) -> None:
        world.file.write_text(world.address("somebody", "pw"))

        assert f"neither {world.app} nor {world.other}" in await self.refusal(world)

    async def test_when_the_file_holds_no_address_then_it_is_refused_without_quoting_it(self, world: Shop) -> None:
        world.file.write_text("no-address-0001")

        found = await self.refusal(world)

        assert "no address of a PostgreSQL" in found
        assert "no-address-0001" not in found

    async def test_when_the_admin_is_one_of_the_two_then_it_is_refused(self, world: Shop) -> None:
        (world.folder / "admin").write_text(world.old)

        assert "takes another role to make and alter both" in await self.refusal(world)

    async def test_when_the_admin_cannot_log_in_then_its_password_is_not_told(self, world: Shop) -> None:
        (world.folder / "admin").write_text(world.address("boss", "wrong-0001"))

        found = await self.refusal(world)

        assert "refused the log-in" in found
        assert "wrong-0001" not in found

    async def test_when_another_variable_logs_in_as_the_role_then_it_is_refused_by_name(
        self, tmp_path: Path, postgres_dsn: str
    ) -> None:
        world = Shop(tmp_path, postgres_dsn)
        (tmp_path / "direct").write_text(world.old)
        (tmp_path / "direct").chmod(0o600)
        both: Any = world.settings.environments["production"].services["worker"].variables
        both["DIRECT_URL"] = "file:direct"
        await world.start()

        assert f"DIRECT_URL of worker logs in as {world.app}, too" in await self.refusal(world)

    async def test_when_the_old_arm_runs_for_ever_then_it_is_refused(self, tmp_path: Path, postgres_dsn: str) -> None:
        world = Shop(tmp_path, postgres_dsn, keep="forever")
        places: Any = world.settings.environments["production"].services["api"].variables
        places["SESSION_SECRET"] = "file:session"
        await world.start()

        assert "keeps its old arm running for ever" in await self.refusal(world)

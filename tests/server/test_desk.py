"""What a person does to a platform by hand, over the socket."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.config.settings import RoleSettings
from console.domain.audit import AuditEntry
from console.domain.errors import ExitCode, Refused, Rejected, StoreError, Unreachable, UsageError
from console.domain.exchange import Condition, DeskOperation, DeskQuestion, DeskWish
from console.domain.ids import Actor
from console.server.desk import FrontDesk
from console.server.incoming import Incoming
from console.server.roles import Person
from providers.redaction import MASK
from tests.server.lamps import LampConnection, Switch
from tests.server.world import NOON, QuickClock, World

KITCHEN = {"lamp": "kitchen"}


async def switch(client, request_id: str = "r1", **arguments: object) -> DeskOperation:
    return await client.act("lamps", "switch", DeskWish({**KITCHEN, **arguments}, request_id))


async def until_ended(client, request_id: str) -> DeskOperation:
    for _ in range(200):
        found = await client.operation(request_id)
        if found.status != "running":
            return found
        await asyncio.sleep(0)
    raise AssertionError("it never ended")


async def outcomes(world: World) -> list[str]:
    return [row.outcome for row in reversed(await world.ledger.audit())]


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def as_after_a_restart(world: World) -> FrontDesk:
    """Another worker's desk: the same history, the same platform, no memory."""
    world.parts.desk = FrontDesk({"lamps": LampConnection(world.lamps)}, world.ledger, QuickClock())
    return world.parts.desk


class TestGivenSomebodyWhoLooks:
    async def test_when_they_list_what_there_is_then_fields_and_reasons_are_told(self, client):
        (lamps,) = await client.providers()

        assert (lamps.name, lamps.kind) == ("lamps", "lamp")
        switching = next(action for action in lamps.actions if action.name == "switch")
        assert [(f.name, f.kind, f.required, f.secret) for f in switching.fields] == [
            ("lamp", "text", True, False),
            ("on", "yes or no", False, False),
            ("password", "text", False, True),
        ]
        assert switching.fields[0].about == "its name"
        assert switching.fields[1].default == "yes"
        dim = next(action for action in lamps.actions if action.name == "dim")
        assert (dim.offered, dim.reason) == (False, "These lamps cannot be dimmed.")
        deploy = next(one for one in lamps.capabilities if one.name == "deploy")
        assert (deploy.offered, deploy.reason, deploy.remedy) == (False, "Lamps are not deployed.", "Buy a new one.")

    async def test_when_they_have_the_platforms_examined_then_findings_come_back(self, client):
        found = await client.examine(("lamps",))

        assert {finding.topic for finding in found} == {"token", "capabilities", "deploy"}
        assert all(finding.condition is Condition.GOOD for finding in found)

    async def test_when_a_provider_is_mistyped_then_the_known_ones_are_named(self, client):
        with pytest.raises(UsageError, match="no provider 'lamp'") as refusal:
            await client.providers("lamp")

        assert (refusal.value.where, refusal.value.remedy) == ("configured: lamps", "Did you mean lamps?")

    async def test_when_they_ask_then_the_platform_answers(self, client, world):
        world.lamps.shining["kitchen"] = True

        answer = await client.ask("lamps", "state", DeskQuestion())

        assert answer.value == {"kitchen": True}

    async def test_when_arguments_are_text_then_each_is_read_by_its_kind(self, client):
        given = {
            "text": "3",
            "count": "3",
            "share": "0.25",
            "names": "a,b",
            "labels": {"A": "1"},
            "since": "10m",
            "wait": "1m30s",
            "limit": "none",
        }

        answer = await client.ask("lamps", "echo", DeskQuestion(given))

        assert answer.value == {
            "text": "3",
            "count": 3,
            "share": 0.25,
            "names": ["a", "b"],
            "labels": {"A": "1"},
            "since": "2026-11-20T11:50:00Z",
            "wait": 90.0,
            "limit": None,
        }

    async def test_when_arguments_are_json_then_they_are_taken_as_they_are(self, client):
        given = {"text": "x", "count": 3, "names": ["a,b"], "labels": '{"A": "1"}', "since": "2026-11-20", "wait": 5}

        value = (await client.ask("lamps", "echo", DeskQuestion(given))).value

        assert (value["count"], value["names"], value["labels"]) == (3, ["a,b"], {"A": "1"})
        assert (value["since"], value["wait"]) == ("2026-11-20T00:00:00Z", 5.0)

    async def test_when_several_arguments_are_wrong_then_all_are_told_with_what_there_is(self, client):
        with pytest.raises(UsageError) as refusal:
            await client.ask("lamps", "echo", DeskQuestion({"cuont": "1", "share": "much", "limit": "x"}))

        where, remedy = refusal.value.where, refusal.value.remedy
        assert "There is no argument cuont. Did you mean count?" in where
        assert "text is missing." in where
        assert "share is not of its kind: number." in where
        assert "limit is not of its kind: whole number or none." in where
        assert "text (text): any text; needed" in remedy
        assert "count (whole number): how many; else 1" in remedy

    @pytest.mark.parametrize(
        ("reading", "told"),
        [("colours", "lamps cannot do colours: These lamps are white."), ("stat", "lamps has no reading 'stat'.")],
    )
    async def test_when_there_is_no_such_reading_then_they_are_told_why(self, client, reading: str, told: str):
        with pytest.raises(UsageError, match=told) as refusal:
            await client.ask("lamps", reading, DeskQuestion())

        assert refusal.value.remedy in {"Paint them.", "Did you mean state?"}


class TestGivenAChangeByHand:
    async def test_when_it_is_made_then_its_key_was_on_disk_before_the_platform_was_asked(self, client, world):
        rows_at_the_call: list[str] = []
        start = world.lamps.start

        async def looking(request, key):
            rows_at_the_call.extend(row.detail["key"] for row in await world.ledger.audit())
            return await start(request, key)

        world.lamps.start = looking

        made = await switch(client)

        assert (made.status, made.detail, made.outputs) == ("succeeded", "as asked", {"lamp": "kitchen"})
        assert rows_at_the_call == ["act-r1"]
        assert await outcomes(world) == ["intended", "done"]
        assert world.lamps.shining == {"kitchen": True}

    async def test_when_it_is_asked_for_twice_then_it_happens_once(self, client, world):
        await switch(client)
        again = await switch(client)

        assert again.again
        assert len(world.lamps.made) == 1
        assert [name for name, _ in world.lamps.calls].count("start") == 1

    async def test_when_two_ask_at_once_then_it_happens_once(self, client, world):
        await asyncio.gather(*(switch(client) for _ in range(5)))

        assert [name for name, _ in world.lamps.calls].count("start") == 1

    async def test_when_a_new_worker_is_asked_again_then_it_looks_before_it_acts(self, client, world):
        await switch(client)
        as_after_a_restart(world)

        again = await switch(client)

        assert (again.again, again.status) == (True, "succeeded")
        assert world.lamps.calls[-1] == ("observe", "act-r1")
        assert [name for name, _ in world.lamps.calls].count("start") == 1

    async def test_when_the_worker_died_after_the_call_then_what_happened_is_found_by_its_key(self, client, world):
        world.lamps.refuses_with = Unreachable("lamps", "The lamps do not answer.")
        with pytest.raises(Unreachable):
            await switch(client)
        world.lamps.refuses_with = None
        intended = world.lamps.calls[0][1]
        await world.lamps.start(*_made_meanwhile(intended))
        world.lamps.calls.clear()
        as_after_a_restart(world)

        again = await switch(client)

        assert again.status == "succeeded"
        assert world.lamps.calls == [("find", intended)]

    async def test_when_the_answer_is_lost_then_the_same_key_is_asked_again(self, client, world):
        world.lamps.loses_answers = [Unreachable("lamps", "cut")]

        made = await switch(client)

        assert made.status == "succeeded"
        assert len(world.lamps.made) == 1
        keys = {key.text for name, key in world.lamps.calls if name == "start"}
        assert keys == {"act-r1"}

    async def test_when_the_request_id_was_another_change_then_nothing_is_done(self, client, world):
        await switch(client)

        with pytest.raises(UsageError, match="r1 was another change"):
            await switch(client, on="no")

        assert world.lamps.shining == {"kitchen": True}

    async def test_when_it_takes_time_then_the_worker_observes_it_to_its_end(self, client, world):
        world.lamps.looks_needed = 3

        began = await switch(client)
        ended = await until_ended(client, "r1")

        assert (began.status, ended.status) == ("running", "succeeded")
        assert await outcomes(world) == ["intended", "begun", "done"]

    async def test_when_a_new_worker_is_asked_how_it_stands_then_it_observes(self, client, world):
        world.lamps.looks_needed = 10_000
        await switch(client)
        await world.parts.desk.stop()
        world.lamps.looks_needed = 0
        as_after_a_restart(world)

        assert (await client.operation("r1")).status == "succeeded"

    async def test_when_the_platform_refuses_then_its_words_come_back_and_are_on_record(self, client, world):
        world.lamps.refuses_with = Rejected("lamps", "The lamps refused: no such room.", "HTTP 404")

        with pytest.raises(Rejected, match="no such room"):
            await switch(client)

        last = (await world.ledger.audit())[0]
        assert (last.outcome, last.subject) == ("failed", "lamps/switch")
        assert last.detail["problem"] == "The lamps refused: no such room."

    async def test_when_nothing_is_known_of_a_request_then_that_is_said(self, client):
        with pytest.raises(UsageError, match="No change has the request id 'never'"):
            await client.operation("never")

    async def test_when_the_audit_cannot_be_written_then_the_platform_is_not_asked(self, client, world):
        async def full(entry):
            raise StoreError("The disk is full.")

        world.ledger.record_audit = full

        with pytest.raises(StoreError, match="The disk is full"):
            await switch(client)

        assert world.lamps.calls == []


class TestGivenASecretArgument:
    async def test_when_it_is_used_then_it_is_in_no_record_answer_or_error(self, client, world):
        secret = "correct horse battery"
        world.lamps.says = f"password {secret} accepted"
        made = await switch(client, password=secret)
        world.lamps.refuses_with = Rejected("lamps", f"{secret} is wrong", secret, secret)
        with pytest.raises(Rejected) as refusal:
            await switch(client, "r2", password=secret)

        assert world.lamps.made["act-r1"].password == secret
        rows = [json.dumps(dict(row.detail)) for row in await world.ledger.audit()]
        for text in (*rows, str(made), str(refusal.value)):
            assert secret not in text
        assert json.loads((await world.ledger.audit())[0].detail["arguments"])["password"] == "•••"


class TestGivenAChangeThatDestroys:
    async def test_when_nobody_says_yes_then_it_is_refused_with_what_it_would_do(self, client, world):
        with pytest.raises(Refused, match="smash needs a yes") as refusal:
            await client.act("lamps", "smash", DeskWish(KITCHEN, "r1"))

        assert refusal.value.exit_code is ExitCode.REFUSED
        assert "on lamps: smash a lamp" in refusal.value.where
        assert "kitchen" in refusal.value.where
        assert world.lamps.calls == []
        assert await outcomes(world) == ["refused"]

    async def test_when_somebody_says_yes_then_it_is_done(self, client, world):
        made = await client.act("lamps", "smash", DeskWish(KITCHEN, "r1", agreed=True))

        assert made.status == "succeeded"


class TestGivenRoles:
    @pytest.mark.parametrize(
        ("role", "action", "needed"),
        [("viewer", "switch", "deployer"), ("deployer", "smash", "admin"), ("approver", "smash", "admin")],
    )
    async def test_when_the_role_does_not_suffice_then_it_is_refused_and_written_down(
        self, world, role: str, action: str, needed: str
    ):
        world.roles = RoleSettings.model_validate({"admin": [], "viewer": [], role: ["ann"]})
        await world.close()
        await world.open()

        async with world.client() as client:
            with pytest.raises(Refused, match=f"needs {needed}"):
                await client.act("lamps", action, DeskWish(KITCHEN, "r1", agreed=True))
            assert (await client.ask("lamps", "state", DeskQuestion())).value == {}

        assert world.lamps.calls == []
        assert await outcomes(world) == ["refused"]

    async def test_when_a_deployer_changes_what_destroys_nothing_then_it_is_done(self, world):
        world.roles = RoleSettings.model_validate({"admin": [], "viewer": [], "deployer": ["ann"]})
        await world.close()
        await world.open()

        async with world.client() as client:
            assert (await switch(client)).status == "succeeded"


def _made_meanwhile(key):
    from tests.server.lamps import Switch

    assert key.intended_at == NOON == datetime(2026, 11, 20, 12, tzinfo=UTC)
    return Switch("kitchen"), key


class TestGivenAPathOfTheHost:
    @pytest.fixture
    def secret(self, world: World):
        path = world.places.home / "token"
        path.write_text("rnd_0123456789abcdef")
        return path

    async def teach(self, client, **paths: object) -> DeskOperation:
        wish = DeskWish({**KITCHEN, **{name: str(path) for name, path in paths.items()}}, "r1")
        return await client.act("lamps", "teach", wish)

    async def test_when_it_is_described_then_the_field_says_what_becomes_of_it(self, client):
        (lamps,) = await client.providers()

        teach = next(action for action in lamps.actions if action.name == "teach")
        assert [field.local for field in teach.fields] == ["", "read", "written"]

    async def test_when_the_workers_own_user_names_it_then_it_is_taken(self, world, secret):
        await world.close()
        world.owns_worker = True
        world.roles = RoleSettings(deployer=("ann",))
        await world.open()

        async with world.client() as client:
            assert (await client.whoami()).owns_worker
            await self.teach(client, file=secret, diary="/tmp/diary")

        assert world.lamps.made["act-r1"].file == str(secret)

    async def test_when_another_names_it_then_it_is_refused_and_written_down(self, world, client, secret):
        for paths in ({"file": secret}, {"file": "", "diary": secret}):
            with pytest.raises(Refused, match="may name no path"):
                await self.teach(client, **paths)

        assert world.lamps.made == {}
        assert await outcomes(world) == ["refused", "refused"]

    async def test_when_another_sends_the_file_then_that_is_read(self, world, client, tmp_path):
        morse = tmp_path / "morse.txt"
        morse.write_bytes(b"-.-." * 600_000)

        kept = [await client.send_file(morse) for _ in range(2)]
        done = await self.teach(client, file=kept[0].path)

        assert (done.status, kept[0]) == ("succeeded", kept[1])
        path = Path(world.lamps.made["act-r1"].file)
        assert (path.name, content_of(path), mode_of(path)) == ("morse.txt", content_of(morse), 0o600)
        assert list(path.parent.parent.glob(".*")) == []

    async def test_when_they_name_what_a_third_one_sent_then_it_is_refused(self, world, client, tmp_path):
        (tmp_path / "morse.txt").write_text("-.-.")
        kept = await client.send_file(tmp_path / "morse.txt")
        own = Path(kept.path)
        await world.close()
        world.person, world.roles = Person(7, "eve"), RoleSettings(deployer=("eve",))
        await world.open()

        async with world.client() as eve:
            for path in (own, own.parent / ".." / own.parent.name / own.name, own.parent.parent / "token"):
                with pytest.raises(Refused):
                    await self.teach(eve, file=path)

    async def test_when_it_is_too_large_then_the_figure_is_told_and_nothing_is_left(self, world, client, tmp_path):
        world.parts.incoming = Incoming(world.places.home / "incoming", largest=1024**2)
        (tmp_path / "morse.txt").write_bytes(b"-" * (3 * 1024**2))

        with pytest.raises(UsageError, match=r"larger than 1 MiB"):
            await client.send_file(tmp_path / "morse.txt")

        assert list((world.places.home / "incoming").glob("*/*")) == []

    async def test_when_it_is_a_day_old_then_it_goes_with_the_next_one(self, world, client, tmp_path):
        (tmp_path / "one").write_text("1")
        (tmp_path / "two").write_text("2")
        one = await client.send_file(tmp_path / "one")
        later = time.time() + 90_000
        world.parts.incoming = Incoming(world.places.home / "incoming", wall=lambda: later)

        two = await client.send_file(tmp_path / "two")

        assert [path.name for path in (world.places.home / "incoming").glob("*/*/*")] == ["two"]
        assert Path(one.path).name != Path(two.path).name

    async def test_when_a_request_is_too_long_then_it_says_how_large_things_are_given(self, client):
        with pytest.raises(UsageError, match="1 MiB") as refusal:
            await switch(client, password="x" * 1_100_000)

        assert "files" in refusal.value.remedy


class TestGivenAWorkerThatEndedInTheMiddle:
    async def restart(self, world: World) -> FrontDesk:
        await world.parts.desk.stop()
        desk = as_after_a_restart(world)
        await desk.start()
        return desk

    async def settle(self, world: World, last: str) -> list[str]:
        for _ in range(200):
            if (found := await outcomes(world))[-1] == last:
                return found
            await asyncio.sleep(0)
        return found

    async def intend(self, world: World, **arguments: object) -> None:
        """What is on disk when a worker dies between writing the key and the answer."""
        told = json.dumps({"lamp": "kitchen", "on": True, "password": "", **arguments})
        detail = {"request_id": "r1", "key": "act-r1", "arguments": told}
        await world.ledger.record_audit(AuditEntry(NOON, Actor("ann"), "act", "lamps/switch", "intended", detail))

    async def test_when_a_change_was_begun_then_the_next_worker_follows_it_to_its_end(self, client, world):
        world.lamps.looks_needed = 10_000
        await switch(client)
        world.lamps.looks_needed = 3
        await self.restart(world)

        assert await self.settle(world, "done") == ["intended", "begun", "done"]
        assert [name for name, _ in world.lamps.calls].count("start") == 1

    async def test_when_it_had_ended_then_nobody_is_asked(self, client, world):
        await switch(client)
        world.lamps.calls.clear()
        await self.restart(world)
        await asyncio.sleep(0.01)

        assert world.lamps.calls == []

    async def test_when_no_answer_is_on_record_then_it_is_looked_for_and_found(self, client, world):
        await self.intend(world)
        world.lamps.made["act-r1"] = Switch("kitchen")
        await self.restart(world)

        assert await self.settle(world, "done") == ["intended", "done"]
        assert [name for name, _ in world.lamps.calls] == ["find"]

    async def test_when_it_never_reached_the_platform_then_that_is_said_and_nothing_is_begun(self, client, world):
        await self.intend(world)
        await self.restart(world)

        assert await self.settle(world, "failed") == ["intended", "failed"]
        assert world.lamps.shining == {}
        assert "Nothing of it" in (await world.ledger.audit())[0].detail["problem"]
        assert (await switch(client)).status == "succeeded"

    async def test_when_a_secret_is_missing_on_record_then_it_is_left_to_whoever_repeats_it(self, client, world):
        await self.intend(world, password=MASK)
        await self.restart(world)
        await asyncio.sleep(0.01)

        assert await outcomes(world) == ["intended"]
        (told,) = await client.operations()
        assert (told.request_id, told.status, told.asked_by) == ("r1", "unknown", "ann")

    async def test_when_they_are_listed_then_unfinished_ones_come_first(self, client, world):
        await self.intend(world)
        world.lamps.refuses_with = Rejected("lamps", "No such room.")
        with pytest.raises(Rejected):
            await switch(client, "wrong", password="s3cret-of-lamps")
        world.lamps.refuses_with = None
        await switch(client, "quick")

        told = await client.operations()

        statuses = [(one.request_id, one.status) for one in told]
        assert statuses == [("r1", "unknown"), ("quick", "succeeded"), ("wrong", "failed")]
        assert told[2].detail == "No such room."
        assert "s3cret" not in str(told)
        assert [one.request_id for one in await client.operations(1)] == ["r1"]

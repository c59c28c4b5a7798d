"""Variables through the real adapters: what is planned is set, reads back as wanted, goes back, and stays hidden."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.config.settings import Settings
from console.domain.errors import ProviderError
from console.domain.ids import EnvironmentName
from console.domain.variables import UNREADABLE
from console.engine.variables import Place, Variables, WantedValues
from console.storage.kept import KeptValues
from console.variables.digest import Masker
from providers.contract import OperationKey, SetVariables
from tests.providers.subjects import render, vercel

PRODUCTION = EnvironmentName("production")
VALUE, SECRET = "warning", "session-secret-0001"
SUBJECTS = {"render": (render.subject, render.BLUE), "vercel": (vercel.subject, vercel.FRONTEND)}


class Desk:
    """One service on one emulated platform."""

    def __init__(self, kind: str, target: str, connection: Any, subject: Any, home: Path) -> None:
        self.connection, self.subject, self.target = connection, subject, target
        self.wanted = {"LEVEL": VALUE, "SESSION_SECRET": SECRET}
        settings = Settings.model_validate(
            {
                "providers": {kind: {"kind": kind}},
                "services": {"shop": {"provider": kind}},
                "environments": {"production": {"services": {"shop": {"id": target, "variables": self.wanted}}}},
            }
        )
        self.masker = Masker(b"salt")
        self.variables = Variables(
            settings, {kind: connection}, self.masker, KeptValues(home), lambda *_: WantedValues(self.wanted)
        )

    @property
    def place(self) -> Place:
        return self.variables.places(PRODUCTION)[0]

    async def put(self, values: dict[str, str | None], key: str) -> None:
        request = SetVariables(self.target, values)
        await self.connection.capabilities.set_variables.start(request, OperationKey(key, datetime.now(UTC)))


@pytest.fixture(params=sorted(SUBJECTS))
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    open_subject, target = SUBJECTS[request.param]
    async with open_subject() as subject:
        connection = subject.open()
        yield Desk(request.param, target, connection, subject, tmp_path / "kept")
        await connection.close()


class TestGivenAServiceOnAPlatform:
    async def test_when_its_change_is_set_then_nothing_is_left_to_change(self, desk: Desk) -> None:
        await desk.put({"LEVEL": "debug"}, "before")
        change = await desk.variables.plan(desk.place, None)
        assert [(c.name, c.before) for c in change.changes] == [
            ("LEVEL", desk.masker.mask("debug")),
            ("SESSION_SECRET", ""),
        ]

        await desk.put({c.name: desk.wanted[c.name] for c in change.changes}, "set")

        assert not (await desk.variables.plan(desk.place, None)).is_needed

    async def test_when_taken_back_then_it_is_as_before(self, desk: Desk) -> None:
        await desk.put({"LEVEL": "debug"}, "before")
        before = await desk.variables.fetch_actual(desk.place.provider, desk.target)
        change = await desk.variables.plan(desk.place, None)
        await desk.put(dict(desk.wanted), "set")

        await desk.put({name: "debug" if name == "LEVEL" else None for name in change.back}, "back")

        assert await desk.variables.fetch_actual(desk.place.provider, desk.target) == before

    async def test_when_the_platform_refuses_then_its_words_hold_no_value(self, desk: Desk) -> None:
        desk.subject.faults.answer(400, f'{{"message": "bad value {SECRET}"}}')

        with pytest.raises(ProviderError) as refused:
            await desk.put({"SESSION_SECRET": SECRET}, "set")

        assert SECRET not in str(refused.value)


class TestGivenASensitiveVariableOfVercel:
    async def test_when_planned_then_it_is_known_to_be_there_and_lost_on_the_way_back(self, tmp_path: Path) -> None:
        async with vercel.subject() as subject:
            connection = subject.open()
            desk = Desk("vercel", vercel.FRONTEND, connection, subject, tmp_path / "kept")
            await desk.put({"SESSION_SECRET": "older-secret-0000"}, "before")
            project = next(p for p in subject.emulator.projects if p.id == vercel.FRONTEND)
            next(one for one in project.env if one.key == "SESSION_SECRET").kind = "sensitive"

            change = await desk.variables.plan(desk.place, None)
            again = await desk.variables.plan(desk.place, {"SESSION_SECRET": desk.masker.mask(SECRET)})
            await connection.close()

        assert {c.name: c.before for c in change.changes} == {"LEVEL": "", "SESSION_SECRET": UNREADABLE}
        assert change.lost == ("SESSION_SECRET",)
        assert [c.name for c in again.changes] == ["LEVEL"]

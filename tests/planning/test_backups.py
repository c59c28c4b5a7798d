"""A backup before migrations: in every kind of plan, and only where it is wanted and can be taken."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from console.config.pipeline_shape import Pipeline
from console.config.settings import Settings
from console.domain.plan import Plan, Step
from tests.planning.stories import FIRST, SECOND, SHOP, plan_shop
from tests.planning.test_contracts import DROP

STEPS = ({"id": "schema", "kind": "migrate", "service": "database"},)


def shop(*, address: str = "env:DATABASE_URL", **changes: Any) -> Settings:
    data = tomllib.loads(SHOP)
    production = data["environments"]["production"]
    production.update(changes)
    if address:
        production["services"]["database"]["database_url"] = address
    return Settings.model_validate(data)


def step_of(plan: Plan, name: str) -> Step:
    return next(step for step in plan.steps if step.id == name)


class TestGivenAnEnvironmentThatWantsABackupFirst:
    wanted: Any = {"before_migrations": True}  # noqa: RUF012 - read only

    def test_when_planned_then_each_migration_waits_for_one_of_its_own(self):
        plan = plan_shop(shop(backups=self.wanted), files=(FIRST, SECOND, DROP))

        assert step_of(plan, "database.migrate").needs == ("database.back-up",)
        assert "database.back-up-again" in step_of(plan, "database.contract").needs
        assert step_of(plan, "database.back-up").arguments["name"] == "production/database"

    def test_when_a_pipeline_names_the_migration_alone_then_it_comes_along(self):
        settings = shop(backups=self.wanted, strategy="pipeline:mine")
        pipeline = Pipeline.model_validate({"steps": STEPS})

        plan = plan_shop(settings.located_at(Path("config.toml"), {"mine": pipeline}))

        assert step_of(plan, "schema").needs == ("schema.back-up",)

    def test_when_nobody_knows_its_address_or_none_is_wanted_then_there_is_no_such_step(self):
        for settings in (shop(backups=self.wanted, address=""), shop()):
            assert not [step for step in plan_shop(settings).steps if "back-up" in step.id]

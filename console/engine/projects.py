"""What a project is like before data comes: what of its settings is not as wanted, and which buckets there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from console.config.settings import Settings
from console.config.shape import is_reference
from console.domain.errors import ConsoleError
from console.domain.plan import Wish
from console.domain.switch_over import HIDDEN, UNSET, BucketFacts, SettingChange, SwitchFacts
from console.engine.variables import Variables
from providers.contract import Action, Connection, OperationKey, Reading

TRUTHS = {"true": "true", "on": "true", "yes": "true", "false": "false", "off": "false", "no": "false"}
NOT_SET = "not set"
"""What the platform's adapter shows in the place of a secret that has no value."""


async def fetch_project(
    settings: Settings,
    connections: Mapping[str, Connection],
    variables: Variables,
    wish: Wish,
    database: str,
    facts: SwitchFacts,
) -> SwitchFacts:
    """The same facts with those of the project; what cannot be read is their problem, in words."""
    placement = settings.environments[wish.environment].services[database]
    files = wish.switch is not None and bool(wish.switch.files)
    wanted = placement.project
    if wanted.is_empty and not files:
        return facts
    connection = connections[settings.services[database].provider]
    look = _Look(connection, variables, placement.id)
    try:
        return replace(
            facts,
            auth=await look.changes("auth", "set-auth", wanted.auth),
            postgres=await look.changes("postgres", "set-postgres", wanted.postgres),
            buckets=await look.buckets() if files or wanted.buckets else {},
        )
    except ConsoleError as problem:
        return replace(facts, problem=f"The project of {database} could not be read: {problem.what}")


def say_value(value: object) -> str:
    """A setting as text, the way that `set-auth` and `set-postgres` take it."""
    if value is None:
        return UNSET
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Look:
    def __init__(self, connection: Connection, variables: Variables, project: str) -> None:
        self._desk = connection.desk
        self._variables = variables
        self._project = project

    async def changes(self, reading: str, action: str, wanted: Mapping[str, str]) -> tuple[SettingChange, ...]:
        """What is not as wanted, in the order in which it is written."""
        if not wanted:
            return ()
        shown = await self.read(reading)
        if not isinstance(shown, Mapping):
            return ()
        changes = [
            SettingChange(name, _before(shown.get(name), value), value)
            for name, value in wanted.items()
            if not await self._is_set(action, name, value, shown.get(name))
        ]
        return tuple(changes)

    async def buckets(self) -> dict[str, BucketFacts]:
        rows = await self.read("buckets")
        return {
            str(row["id"]): BucketFacts(
                bool(row["public"]), row.get("file_size_limit"), tuple(row.get("allowed_mime_types") or ())
            )
            for row in (rows if isinstance(rows, list | tuple) else ())
        }

    async def read(self, name: str) -> Any:
        found = self._desk.readings.get(name)
        if not isinstance(found, Reading):
            raise _missing(name)
        return await found.fetch(found.request(project=self._project))

    async def _is_set(self, action: str, name: str, value: str, shown: object) -> bool:
        if not is_reference(value):
            same = TRUTHS.get(value.lower(), value) if isinstance(shown, bool) else value
            return say_value(shown) == same
        found = self._desk.actions.get(action)
        if not isinstance(found, Action):
            raise _missing(action)
        secret = await self._variables.follow(value, f"{name} of the project")
        request = found.request(project=self._project, settings={}, secrets={name: secret})
        return await found.actuator.find(request, OperationKey(f"look/{name}", datetime.now(UTC))) is not None


def _before(shown: object, wanted: str) -> str:
    """What can be put back; a secret that had no value can be unset."""
    if not is_reference(wanted):
        return say_value(shown)
    return UNSET if shown in (NOT_SET, None) else HIDDEN


def _missing(name: str) -> ConsoleError:
    return ConsoleError(f"its provider does not know {name}.", "", "Remove it from the configuration.")

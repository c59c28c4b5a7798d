"""Variables of services as clients ask for them: how an environment stands, and how two of them compare."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from console.config.secrets import SecretMissing, resolve
from console.config.settings import Settings, is_reference
from console.config.shape import LITERAL
from console.domain.errors import ConsoleError, UsageError
from console.domain.ids import EnvironmentName
from console.domain.variables import VariableLine, VariableReport
from console.engine.past import fetch_past
from console.engine.variables import Place, Variables, WantedValues
from console.storage.ledger import Ledger
from console.variables.compare import build_report, compare_places, compare_with_wanted
from console.variables.record import find_live

LOOK_BACK = 50
"""Past deployments of an environment that are searched for what its places run with."""


class Resolver:
    """What the configuration wants of a service, with its references followed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._base = settings.file.parent if settings.file else Path()

    def __call__(self, environment: str, service: str) -> WantedValues:
        values: dict[str, str] = {}
        unresolved: dict[str, str] = {}
        for name, written in self._settings.variables_of(environment, service).items():
            if not is_reference(written):
                values[name] = written.removeprefix(LITERAL)
                continue
            try:
                values[name] = resolve(written, self._base).reveal()
            except SecretMissing as problem:
                unresolved[name] = f"{problem.what} {problem.remedy}".strip()
        return WantedValues(values, unresolved)

    def follow(self, reference: str, where: str) -> str:
        """One secret.

        Raises:
            UsageError: The reference leads nowhere.
        """
        try:
            return resolve(reference, self._base).reveal()
        except SecretMissing as problem:
            raise UsageError(problem.what, where, problem.remedy) from None


class VariableDesk:
    """Answers what clients ask about variables; digests only."""

    def __init__(self, variables: Variables, ledger: Ledger) -> None:
        self._variables = variables
        self._ledger = ledger

    async def compare(self, environment: EnvironmentName, services: Collection[str] = ()) -> VariableReport:
        """The environment's variables against what the configuration wants and what the live releases ran with."""
        places = self._variables.places(environment, services)
        live = find_live(await fetch_past(self._ledger, environment, LOOK_BACK))
        wanted = {
            service: self._variables.mask_wanted(await self._variables.fetch_wanted(environment, service))
            for service in dict.fromkeys(place.service for place in places)
        }
        actual, problems = await self._read(places)
        lines = [
            line
            for place in places
            if place in actual
            for line in compare_with_wanted(
                place.service, place.arm, wanted[place.service], actual[place], live.get(place.target)
            )
        ]
        unknown = [str(place) for place in places if place.target not in live]
        notes = [f"{name}: no deployment on record says what it ran with." for name in unknown]
        return build_report(environment, lines, problems, notes)

    async def compare_with(
        self, environment: EnvironmentName, other: EnvironmentName, services: Collection[str] = ()
    ) -> VariableReport:
        """What is set in one environment against what is set in another, service by service and arm by arm.

        Where only one side has arms, each of them is held against the other's one place.
        """
        here = self._variables.places(environment, services)
        there = [place for place in self._variables.places(other) if not services or place.service in services]
        actual, problems = await self._read((*here, *there))
        lines: list[VariableLine] = []
        notes: list[str] = []
        for place in here:
            twins = [twin for twin in there if twin.service == place.service]
            twin = next((twin for twin in twins if twin.arm == place.arm), twins[0] if twins else None)
            if twin is None:
                notes.append(f"{place}: {other} does not have this service.")
            elif place in actual and twin in actual:
                lines += compare_places(place.service, place.arm, actual[place], actual[twin])
        missing = {twin.service for twin in there} - {place.service for place in here}
        notes += [f"{service}: {environment} does not have this service." for service in sorted(missing)]
        return build_report(environment, lines, problems, notes, other)

    async def _read(self, places: Sequence[Place]) -> tuple[dict[Place, Mapping[str, str]], list[str]]:
        """Digests of what is set, and in words what could not be read."""
        answers = await asyncio.gather(
            *(self._variables.fetch_actual(place.provider, place.target) for place in places), return_exceptions=True
        )
        found: dict[Place, Mapping[str, str]] = {}
        problems: list[str] = []
        for place, answer in zip(places, answers, strict=True):
            if isinstance(answer, ConsoleError):
                problems.append(f"{place} in {place.environment} could not be read: {answer.what}")
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found[place] = self._variables.masker.mask_all(answer)
        return found, problems

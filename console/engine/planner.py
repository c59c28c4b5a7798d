"""Make a plan of a wish: ask the platforms and the record what its kind of plan needs to know, then have it written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from console.config.settings import Settings
from console.config.strategies import known_strategies
from console.domain.backups import BackupFacts
from console.domain.clock import Clock
from console.domain.deployment import Deployment
from console.domain.errors import UsageError
from console.domain.failover import Failover
from console.domain.ids import EnvironmentName
from console.domain.observations import Lock
from console.domain.plan import Plan, Wish
from console.domain.release import Release
from console.domain.rotation import Rotation, SecretFacts
from console.domain.schedule import say_later
from console.domain.standby import FailoverFacts
from console.domain.switch_over import SwitchFacts
from console.engine.backups import fetch_backups
from console.engine.failover import fetch_failover
from console.engine.freezes import Freezes
from console.engine.pages import fetch_pages
from console.engine.past import fetch_past, find_last_release, find_served
from console.engine.rotation import fetch_secret
from console.engine.survey import Survey
from console.engine.switch_over import fetch_switch
from console.engine.variables import Variables
from console.engine.way_back import acts_of_undos, find_obstacles
from console.planning.forecast import Forecasts, build_forecasts
from console.planning.freezing import heed_freezes
from console.planning.kinds import Fact, Origin, is_strategy, read_strategy
from console.planning.live import Live
from console.planning.plans import build_plan
from console.planning.recreate import recreates
from console.storage.ledger import DeploymentLedger
from console.variables.record import find_live
from console.watch.holds import fetch_hold
from providers.contract import Connection, MigrationFile

T = TypeVar("T")

NO_RELEASE = Release("", "–")


class Planner:
    """Plans what people wish for. Reads only."""

    def __init__(
        self,
        settings: Settings,
        ledger: DeploymentLedger,
        connections: Mapping[str, Connection],
        clock: Clock,
        variables: Variables | None = None,
        backups: Path | None = None,
    ) -> None:
        """`backups` is where they are unless the configuration says otherwise."""
        self._backups = backups
        self._settings = settings
        self._ledger = ledger
        self._connections = connections
        self._clock = clock
        self._variables = variables
        self._survey = Survey(settings, connections, clock, variables)
        self._freezes = Freezes(settings, ledger, clock)

    async def plan(self, wish: Wish, lock: Lock | None) -> Plan:
        """The plan as it would run now, refusals included; its freezes are those of `wish.at`.

        Args:
            lock: Who holds the environment, which refuses the plan; None once the lock is ours.

        Raises:
            UsageError: The environment, a service, the strategy or the release does not exist.
            ProviderError: The source of releases cannot be asked.
        """
        self._check(wish)
        past = await fetch_past(self._ledger, wish.environment)
        history = build_forecasts(past)
        origin = read_strategy(wish.strategy)[0].origin
        files: tuple[MigrationFile, ...] = ()
        if origin is Origin.WISH:
            release, live, files = await self._look_at_release(wish, past, history)
        else:
            live = await self._ask(wish, past)
            release = await self._name_release(origin, wish.environment, live, past)
        live = replace(live, lock=lock, at=self._clock.now())
        plan = build_plan(self._settings, wish, release, live, files, history)
        obstacles = await find_obstacles(acts_of_undos(plan.steps), self._connections)
        environment = self._settings.environments[wish.environment]
        notes = (*plan.notes, *say_later(wish, release))
        whole = replace(plan, on_failure=environment.on_failure, obstacles=obstacles, notes=notes)
        at = wish.at or self._clock.now()
        freezes = await self._freezes.find(wish.environment, at)
        return heed_freezes(whole, environment, freezes, at, emergency=wish.emergency)

    def check_environment(self, environment: EnvironmentName) -> None:
        """Raises UsageError where there is no such environment."""
        if environment not in self._settings.environments:
            known = ", ".join(self._settings.environments) or "none"
            raise UsageError(f"There is no environment {environment!r}.", f"Known: {known}.", "Name one of these.")

    def _check(self, wish: Wish) -> None:
        self.check_environment(wish.environment)
        placed = self._settings.environments[wish.environment].services
        unknown = [name for name in wish.services if name not in placed]
        if unknown:
            raise UsageError(
                f"There is no service {unknown[0]!r} in {wish.environment}.",
                f"Known: {', '.join(placed) or 'none'}.",
                "Name one of these.",
            )
        if not is_strategy(self._settings, wish.strategy):
            strategies = known_strategies(self._settings.custom_pipelines)
            raise UsageError(
                f"There is no strategy {wish.strategy!r}.", f"Known: {', '.join(strategies)}.", "Name one of these."
            )

    async def _ask(self, wish: Wish, past: Sequence[Deployment]) -> Live:
        """Everything that a plan of the wish's kind is made from, asked for at the same time."""
        settings, environment = self._settings, wish.environment
        kind, asked = read_strategy(wish.strategy)
        facts = kind.facts | ({Fact.PAGES} if recreates(settings, wish) else set())
        live, pages, hold, secret, failover, switch = await asyncio.gather(
            self._survey.fetch_live(environment, find_live(past)) if Fact.SERVICES in facts else _known(Live()),
            fetch_pages(settings, self._connections, environment) if Fact.PAGES in facts else _known({}),
            fetch_hold(self._ledger, environment) if Fact.HOLD in facts else _known(None),
            self._fetch_secret(wish, asked) if Fact.SECRET in facts else _known(SecretFacts()),
            self._fetch_failover(wish, asked) if Fact.FAILOVER in facts else _known(FailoverFacts()),
            self._fetch_switch(wish) if Fact.SWITCH in facts else _known(SwitchFacts()),
        )
        backups = await self._fetch_backups(wish, asked) if Fact.BACKUPS in facts else BackupFacts()
        return replace(live, pages=pages, hold=hold, secret=secret, failover=failover, switch=switch, backups=backups)

    async def _fetch_secret(self, wish: Wish, asked: Rotation) -> SecretFacts:
        return await fetch_secret(self._settings, self._connections, self._variables, wish, asked)

    async def _fetch_failover(self, wish: Wish, asked: Failover) -> FailoverFacts:
        locks = await self._ledger.locks()
        return await fetch_failover(
            self._settings, self._connections, self._variables, self._survey, self._clock, wish, asked, locks
        )

    async def _fetch_switch(self, wish: Wish) -> SwitchFacts:
        return await fetch_switch(self._settings, self._connections, self._variables, wish)

    async def _fetch_backups(self, wish: Wish, act: str) -> BackupFacts:
        return await fetch_backups(self._settings, self._variables, self._backups, wish, act)

    async def _look_at_release(
        self, wish: Wish, past: Sequence[Deployment], history: Forecasts
    ) -> tuple[Release, Live, tuple[MigrationFile, ...]]:
        """The release that is asked for, and what it changes of what is live."""
        release, live = await asyncio.gather(self._fetch_release(wish), self._ask(wish, past))
        files, added, locks = await asyncio.gather(
            self._survey.fetch_migrations(wish.environment, release),
            self._survey.fetch_commits(live.most_live_commit, release),
            self._ledger.locks(),
        )
        facts = replace(
            live,
            since=history.past.live_since,
            changes=None if added is None else len(added),
            commits=added,
            others=tuple(held for held in locks if held.environment != wish.environment),
            served=find_served(past) if wish.returns else frozenset(),
        )
        return release, facts, files

    async def _fetch_release(self, wish: Wish) -> Release:
        """What was asked for; what was pinned when a deployment to come was added is asked of nobody."""
        return wish.pinned or await self._survey.fetch_release(wish.environment, wish.release)

    async def _name_release(
        self, origin: Origin, environment: EnvironmentName, live: Live, past: Sequence[Deployment]
    ) -> Release:
        """The release of a plan that moves none."""
        commit = live.most_live_commit
        running = Release(commit, commit[:8])
        if origin is Origin.RUNNING_BY_RECORD:
            return next((d.plan.release for d in past if d.plan.release.commit == commit), running)
        if origin is Origin.RUNNING_BY_SOURCE and commit and self._settings.source.provider:
            return await self._survey.fetch_release(environment, commit)
        if origin is Origin.LAST:
            return find_last_release(past) or NO_RELEASE
        return NO_RELEASE if origin is Origin.NONE else running


async def _known(answer: T) -> T:
    return answer

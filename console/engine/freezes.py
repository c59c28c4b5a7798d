"""Freezes of environments: those of the configuration, and those that people add and lift."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from console.config.settings import Settings
from console.domain.clock import Clock
from console.domain.deployment import Deployment
from console.domain.emergency import Gate
from console.domain.errors import Refused, UsageError
from console.domain.freeze import Freeze, FreezeId, FreezeSpan, FreezeWish, find_holding
from console.domain.ids import Actor, EnvironmentName, ServiceName, build_deployment_id
from console.domain.windows import parse_window
from console.engine.emergencies import has_changed
from console.planning.freezing import goes_forward, refuse_frozen
from console.storage.ledger import CalendarLedger


class Freezes:
    """Nothing is remembered here: what holds follows from the configuration, the record and the time."""

    def __init__(self, settings: Settings, ledger: CalendarLedger, clock: Clock) -> None:
        self._settings = settings
        self._ledger = ledger
        self._clock = clock

    async def find(self, environment: EnvironmentName, at: datetime | None = None) -> tuple[FreezeSpan, ...]:
        """What holds at a moment (now, unless named) and what is to come after it, by begin; none that is over."""
        moment = at or self._clock.now()
        added = [freeze.span for freeze in await self._ledger.freezes(moment) if freeze.environment == environment]
        return tuple(sorted([*added, *self._configured(environment, moment)], key=lambda span: span.begins_at))

    def _configured(self, environment: EnvironmentName, moment: datetime) -> list[FreezeSpan]:
        found: list[FreezeSpan] = []
        for each in self._settings.environments[environment].freezes:
            window, zone = parse_window(each.window), ZoneInfo(each.timezone)
            zoned = each.window if each.timezone == "UTC" else f"{each.window} {each.timezone}"
            spans = (window.open_at(moment, zone), window.next_after(moment, zone))
            services = tuple(map(ServiceName, each.services))
            found += [
                FreezeSpan(environment, *span, each.reason, window=zoned, services=services)
                for span in spans
                if span is not None
            ]
        return found

    async def check_approval(self, deployment: Deployment) -> None:
        """What has not changed anything yet does not begin to while a freeze holds.

        Raises:
            Refused: One holds, and it is no emergency that passes over it.
        """
        plan, name = deployment.plan, deployment.environment
        environment = self._settings.environments.get(name)
        passes = plan.emergency is not None and Gate.FREEZE in plan.emergency.skips
        forward = goes_forward(plan.strategy, returns=plan.returns)
        if environment is None or passes or not forward or has_changed(deployment):
            return
        may_pass = Gate.FREEZE in environment.emergency.skips
        concerned = [span for span in await self.find(name) if span.concerns(plan.services)]
        for span in find_holding(concerned, self._clock.now()):
            raise Refused(
                refuse_frozen(name, span, may_pass=may_pass),
                f"deployment {deployment.id}, which has not begun to change anything",
                "Approve it when the freeze is over.",
            )

    async def add(self, wish: FreezeWish, actor: Actor) -> Freeze:
        """Put it on record; from then on it holds for every worker.

        Raises:
            UsageError: It ends before it begins, or is over already, nobody says why, or it names unknown services.
        """
        now = self._clock.now()
        self._check(wish, now)
        name = FreezeId(f"f-{build_deployment_id(now, secrets.token_bytes(4))}")
        freeze = Freeze(
            name,
            wish.environment,
            wish.begins_at,
            wish.ends_at,
            wish.reason.strip(),
            actor,
            now,
            services=tuple(dict.fromkeys(wish.services)),
        )
        await self._ledger.add_freeze(freeze)
        return freeze

    def _check(self, wish: FreezeWish, now: datetime) -> None:
        if wish.environment not in self._settings.environments:
            known = ", ".join(self._settings.environments) or "none"
            raise UsageError(f"There is no environment {wish.environment!r}.", f"Known: {known}.", "Name one of these.")
        placed = self._settings.environments[wish.environment].services
        unknown = [service for service in wish.services if service not in placed]
        if unknown:
            what = f"There is no service {unknown[0]!r} in {wish.environment}."
            raise UsageError(what, f"Known: {', '.join(placed) or 'none'}.", "Name one of these.")
        if wish.ends_at <= wish.begins_at:
            raise UsageError("A freeze ends after it begins.", _between(wish), "Check its times, and their zone.")
        if wish.ends_at <= now:
            raise UsageError("This freeze would be over already.", _between(wish), "Check its times, and their zone.")
        if not wish.reason.strip():
            raise UsageError("A freeze needs a reason.", "option --reason", "Say why; whoever is refused reads it.")

    async def lift(self, text: str, reason: str, actor: Actor) -> Freeze:
        """End a freeze that was added by hand, by its id, a unique end of it, or the name of its environment.

        Raises:
            UsageError: There is none, or it fits several.
            Refused: It stands in the configuration.
        """
        now = self._clock.now()
        standing = await self._ledger.freezes(now)
        there = [freeze for freeze in standing if freeze.environment == text]
        found = there or [freeze for freeze in standing if text and freeze.id.endswith(text)]
        found = [freeze for freeze in found if freeze.span.holds_at(now)] or found
        if not found and text in self._settings.environments:
            self._refuse_configured(EnvironmentName(text), now)
        if len(found) != 1:
            fits = ", ".join(freeze.id for freeze in found)
            what = f"{text!r} fits {len(found)} freezes." if found else f"There is no freeze {text!r} to lift."
            raise UsageError(what, fits, "`quarterdeck freeze list` shows those that hold and those to come.")
        lifted = replace(found[0], lifted_at=now, lifted_by=actor, why_lifted=reason.strip())
        if not await self._ledger.lift_freeze(lifted):
            raise Refused(f"The freeze {lifted.id} was lifted just now by somebody else.", lifted.environment)
        return lifted

    def _refuse_configured(self, environment: EnvironmentName, now: datetime) -> None:
        configured = self._configured(environment, now)
        if configured:
            raise Refused(
                f"The freezes of {environment} stand in the configuration: {configured[0].window}.",
                f"[[environments.{environment}.freezes]]",
                "Change it there and start the worker again, or deploy past it with `--emergency --reason TEXT`.",
            )


def _between(wish: FreezeWish) -> str:
    return f"from {wish.begins_at:%Y-%m-%d %H:%M} to {wish.ends_at:%Y-%m-%d %H:%M} UTC"

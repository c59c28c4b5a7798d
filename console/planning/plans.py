"""Make a plan of a wish, whatever kind it is of (`kinds.py` lists them).

Pure: settings, a wish and what is live in; a plan out, with everything that forbids it in its refusals.
"""

from __future__ import annotations

from dataclasses import replace

from console.config.settings import Settings
from console.config.strategies import BLUE_GREEN
from console.domain.plan import Plan, Wish
from console.domain.release import Release
from console.planning.draft import Draft
from console.planning.emergency import find_terms
from console.planning.forecast import Forecasts
from console.planning.kinds import build_by_kind
from console.planning.live import Live
from console.planning.outlook import foresee
from providers.contract import MigrationFile


def build_plan(
    settings: Settings,
    wish: Wish,
    release: Release,
    live: Live,
    migration_files: tuple[MigrationFile, ...] = (),
    history: Forecasts | None = None,
) -> Plan:
    """Plan what a wish asks for. Never raises for a wish that cannot be granted: the plan's refusals say why.

    Args:
        migration_files: Every migration of the release, applied or not.
        live: With `lock` set, the plan is refused in the holder's name; leave it out once the lock is ours.
    """
    draft = Draft(settings, wish, release, live, migration_files, history or Forecasts())
    refusals = _refuse_wish(settings, wish, live)
    environment = settings.environments.get(wish.environment)
    if environment is None:
        return Plan(wish.environment, wish.strategy or BLUE_GREEN, release, (), refusals=tuple(refusals))
    plan = build_by_kind(draft, wish.strategy or environment.strategy, refusals)
    terms = find_terms(draft) if wish.emergency else None
    return replace(plan, outlook=foresee(draft, plan), emergency=terms)


def _refuse_wish(settings: Settings, wish: Wish, live: Live) -> list[str]:
    environment = settings.environments.get(wish.environment)
    if environment is None:
        known = ", ".join(settings.environments) or "none"
        return [f"There is no environment {wish.environment}. Known: {known}."]
    refusals = [
        f"There is no service {name} in {wish.environment}. Known: {', '.join(environment.services) or 'none'}."
        for name in wish.services
        if name not in environment.services
    ]
    used = settings.providers_of(wish.environment, wish.services)
    refusals += [
        f"The token of [providers.{provider}] is too narrow: it lacks {', '.join(scopes)}. "
        f"`quarterdeck doctor {provider}` says what cannot be done without."
        for provider, scopes in live.narrow.items()
        if provider in used
    ]
    if wish.emergency and not wish.reason.strip():
        refusals.append("An emergency deployment needs a reason.")
    if live.lock is not None:
        lock = live.lock
        why = f": {lock.reason}" if lock.reason else ""
        refusals.append(
            f"{wish.environment} is held by deployment {lock.deployment} of {lock.holder}"
            f" since {lock.since:%Y-%m-%d %H:%M:%S} UTC{why}."
        )
    return refusals

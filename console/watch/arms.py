"""Which arms of an environment are watched, and how what was seen of one becomes its health. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.config.settings import EnvironmentSettings, Settings
from console.domain.observations import ArmHealth, Health
from providers.contract import ProbeResult

ONLY_ARM = "main"
FEWEST_REQUESTS = 20
DEGRADED_ERROR_RATE = 0.02
DOWN_ERROR_RATE = 0.5
FAILURES_UNTIL_DOWN = 2

_GRAVITY = (Health.HEALTHY, Health.UNKNOWN, Health.DEGRADED, Health.DOWN)


@dataclass(frozen=True)
class WatchedArm:
    """One place where a service runs, and where figures about it come from; empty names mean nobody tells."""

    service: str
    arm: str
    provider: str
    target: str
    health_url: str = ""
    router: str = ""
    route: str = ""
    counter: str = ""


def watched_arms(settings: Settings, environment: EnvironmentSettings) -> tuple[WatchedArm, ...]:
    """List every arm of every service placed in the environment, in the order of the configuration."""
    arms: list[WatchedArm] = []
    for name, placement in environment.services.items():
        service = settings.services.get(name)
        if service is None:
            continue
        path = service.health.path if service.health else ""
        traffic = placement.traffic
        places = [(arm, place.id, place.url) for arm, place in placement.arms.items()]
        for arm, target, url in places or [(ONLY_ARM, placement.id, placement.url)]:
            arms.append(
                WatchedArm(
                    service=name,
                    arm=arm,
                    provider=service.provider,
                    target=target,
                    health_url=url.rstrip("/") + "/" + path.lstrip("/") if url and path else "",
                    router=traffic.router if traffic else "",
                    route=traffic.route if traffic else "",
                    counter=traffic.metrics.replace("{arm}", arm) if traffic else "",
                )
            )
    return tuple(arms)


@dataclass(frozen=True)
class Sighting:
    """What is known of one arm at one moment.

    `failures` counts bad probes in a row, a probe of None was not asked, `is_live` is the platform's own word that a
    release serves there.
    """

    suspended: bool = False
    probe: ProbeResult | None = None
    failures: int = 0
    requests: int = 0
    error_rate: float | None = None
    is_live: bool = False
    trouble: str = ""


def judge_arm(seen: Sighting) -> tuple[Health, str]:
    """Say how an arm is and why, in words. An arm that sleeps by intention is not ill, only unknown."""
    if seen.suspended:
        return Health.UNKNOWN, "suspended"
    if seen.probe is not None and not seen.probe.ok:
        words = seen.probe.reason or f"HTTP {seen.probe.status}"
        if seen.failures >= FAILURES_UNTIL_DOWN:
            return Health.DOWN, f"health check fails: {words}"
        return Health.DEGRADED, f"one health check failed: {words}"
    if seen.requests >= FEWEST_REQUESTS and seen.error_rate is not None:
        words = f"{seen.error_rate:.1%} of {seen.requests} requests failed"
        if seen.error_rate >= DOWN_ERROR_RATE:
            return Health.DOWN, words
        if seen.error_rate >= DEGRADED_ERROR_RATE:
            return Health.DEGRADED, words
    if seen.probe is not None or seen.requests > 0:
        return Health.HEALTHY, ""
    if seen.is_live:
        return Health.HEALTHY, "by the platform's word"
    return Health.UNKNOWN, seen.trouble or "nobody measures it"


def health_of_service(arms: Iterable[ArmHealth]) -> tuple[Health, str]:
    """The gravest health among the arms that get traffic; arms without any do not count where others have some."""
    every = list(arms)
    serving = [arm for arm in every if arm.weight_set] or every
    worst = max(serving, key=lambda arm: _GRAVITY.index(arm.health), default=None)
    return (worst.health, worst.reason) if worst else (Health.UNKNOWN, "")


def worst_health(healths: Iterable[Health]) -> Health:
    """The gravest; what nobody measures does not outweigh what is known to be well."""
    known = [health for health in healths if health is not Health.UNKNOWN]
    return max(known, key=_GRAVITY.index, default=Health.UNKNOWN)

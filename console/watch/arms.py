"""Which arms of an environment are watched, and how what was seen of one becomes its health. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from console.config.settings import EnvironmentSettings, Settings
from console.domain.observations import ArmHealth, Health
from console.watch import metrics
from providers.contract import ProbeResult

ONLY_ARM = "main"
FEWEST_REQUESTS = 20
DEGRADED_ERROR_RATE = 0.02
DOWN_ERROR_RATE = 0.5
FAILURES_UNTIL_DOWN = 2
FULL_OF_CONNECTIONS = 0.9

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
        places = [(arm, place.id, place.url) for arm, place in placement.places.items()]
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
    release serves there, `is_ill` that something does not, told in `word`. `serves` says whether it is to answer
    anybody: an arm without weight is not. `figures` are the platform's, by name.
    """

    suspended: bool = False
    probe: ProbeResult | None = None
    failures: int = 0
    requests: int = 0
    error_rate: float | None = None
    is_live: bool = False
    is_ill: bool = False
    word: str = ""
    serves: bool = False
    figures: Mapping[str, float] = field(default_factory=dict)
    trouble: str = ""


def judge_arm(seen: Sighting) -> tuple[Health, str]:
    """Say how an arm is and why, in words. An arm that sleeps by intention is not ill, only unknown."""
    if seen.suspended:
        return (Health.DOWN, "suspended, though it is to serve") if seen.serves else (Health.UNKNOWN, "suspended")
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
    if seen.is_ill:
        return Health.DEGRADED, f"the platform says {seen.word}"
    if seen.probe is not None or seen.requests > 0:
        return Health.HEALTHY, ""
    if seen.is_live:
        return _judge_figures(seen.figures)
    return Health.UNKNOWN, seen.trouble or "nobody measures it"


def _judge_figures(figures: Mapping[str, float]) -> tuple[Health, str]:
    """A database that is near its limit of connections soon refuses some."""
    used, most = figures.get(metrics.DB_CONNECTIONS), figures.get(metrics.DB_MAX_CONNECTIONS)
    size = figures.get(metrics.DB_SIZE)
    parts = [f"{used:.0f} of {most:.0f} connections"] if used is not None and most else []
    parts += [say_bytes(size)] if size is not None else []
    is_full = bool(used is not None and most and used >= most * FULL_OF_CONNECTIONS)
    return Health.DEGRADED if is_full else Health.HEALTHY, ", ".join(parts) or "by the platform's word"


def say_bytes(size: float) -> str:
    """`8.2 MB`, in powers of ten as disks are sold."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


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

"""Which feeds a rollout has, from the arguments of its steps: the operator's metrics, and what is always looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from console.domain.clock import Clock
from console.watch.feeds.alerts import AlertFeed
from console.watch.feeds.connections import ConnectionsFeed
from console.watch.feeds.crashes import CrashFeed
from console.watch.feeds.edge import EdgeFeed
from console.watch.feeds.platform import PlatformFeed
from console.watch.feeds.port import ArmPlace, Arms, Checkable, MetricFeed
from console.watch.feeds.probes import HealthFeed, LatencyFeed
from console.watch.feeds.queries import QueryFeed
from console.watch.feeds.reports import ReportFeed
from console.watch.probes import build_request
from providers.contract import Capabilities, ProbeSource, Unsupported

PLATFORM_PERIOD = timedelta(seconds=30)
"""Platforms measure once a minute; six figures of two arms each time are a small part of what Render takes."""
CRASH_PERIOD = timedelta(seconds=15)
HEALTH_PERIOD = timedelta(seconds=5)
ALERT_PERIOD = timedelta(minutes=1)


@dataclass(frozen=True)
class Doors:
    """How feeds get at the platforms: the capabilities of a provider by its name, and who asks questions over HTTP."""

    of: Callable[[str], Capabilities]
    probes: ProbeSource | Unsupported


def arms_of(arguments: Mapping[str, Any]) -> Arms | None:
    """The two arms as a step's `measures` name them; None where nothing runs beside the candidate."""
    measures = arguments.get("measures")
    if not measures:
        return None
    return Arms(ArmPlace(**measures["candidate"]), ArmPlace(**measures["stable"]))


def build_feeds(
    arguments: Mapping[str, Any], doors: Doors, clock: Clock, requested_at: datetime
) -> tuple[MetricFeed, ...]:
    """Every feed that can be read; a metric of the operator's that cannot shows as one that nobody measured."""
    arms = arms_of(arguments)
    if arms is None:
        return ()
    named = named_feeds(arguments, doors, clock).values()
    chosen = [feed for feed in named if not isinstance(feed, Unsupported)]
    return (*chosen, *_standing(arguments, doors, arms, requested_at))


def named_feeds(arguments: Mapping[str, Any], doors: Doors, clock: Clock) -> Mapping[str, Checkable | Unsupported]:
    """The operator's metrics by name; `Unsupported` says why one cannot be measured."""
    arms = arms_of(arguments)
    if arms is None:
        return {}
    metrics: Sequence[Mapping[str, Any]] = arguments.get("judge", {}).get("metrics", ())
    return {str(one["name"]): _named(one, arguments, doors, arms, clock) for one in metrics}


def _named(
    metric: Mapping[str, Any], arguments: Mapping[str, Any], doors: Doors, arms: Arms, clock: Clock
) -> Checkable | Unsupported:
    name, query = str(metric["name"]), str(metric.get("query", ""))
    period = timedelta(seconds=float(metric.get("period_s", 15.0)))
    match metric["source"]:
        case "prometheus":
            queries = doors.of(str(metric["provider"])).queries
            if isinstance(queries, Unsupported):
                return queries
            is_zero = metric.get("empty") == "zero"
            return QueryFeed(name, queries, query, arms, clock, period=period, is_zero=is_zero)
        case "reports":
            reports = doors.of(str(metric["provider"])).reports
            if isinstance(reports, Unsupported):
                return reports
            return ReportFeed(name, reports, query, arms, clock, period=period)
        case "edge":
            counters = doors.of(str(arguments["router"])).counters
            if isinstance(counters, Unsupported):
                return counters
            names: Mapping[str, str] = arguments.get("metrics", {})
            return EdgeFeed(name, counters, str(arguments["route"]), names, query, arms, clock, period=period)
        case "platform":
            can = doors.of(str(arguments["measures"]["platform"]))
            if isinstance(can.metrics, Unsupported):
                return can.metrics
            return PlatformFeed(can.metrics, UNLIMITED, arms, period=period, named={query: (name,)}, name=name)
        case _:
            if isinstance(doors.probes, Unsupported):
                return doors.probes
            request = build_request("", {**arguments.get("health", {}), "path": query or "/"})
            return LatencyFeed(name, doors.probes, request, query or "/", arms, clock, period=period)


UNLIMITED = Unsupported("Limits are looked at by the feed that is always there.")


def _standing(arguments: Mapping[str, Any], doors: Doors, arms: Arms, requested_at: datetime) -> Iterator[MetricFeed]:
    """What needs no configuration, as far as the platforms offer it."""
    measures, health = arguments["measures"], arguments.get("health", {})
    can = doors.of(str(measures["platform"]))
    if not isinstance(can.metrics, Unsupported):
        yield PlatformFeed(can.metrics, can.limits, arms, period=PLATFORM_PERIOD)
    for database in measures.get("databases", ()):
        source = doors.of(str(database["provider"])).metrics
        if not isinstance(source, Unsupported):
            yield ConnectionsFeed(str(database["service"]), source, str(database["id"]), period=PLATFORM_PERIOD)
    if not isinstance(can.crashes, Unsupported):
        yield CrashFeed(can.crashes, arms, period=CRASH_PERIOD)
    if health and arms.candidate.url and arms.stable.url and not isinstance(doors.probes, Unsupported):
        path = str(health.get("path", "/"))
        yield HealthFeed(doors.probes, build_request("", health), path, arms, period=HEALTH_PERIOD)
    alerts = doors.of(str(measures["alerts"])).alerts if measures.get("alerts") else UNLIMITED
    if not isinstance(alerts, Unsupported):
        yield AlertFeed(alerts, arms, requested_at, period=ALERT_PERIOD)

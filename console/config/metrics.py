"""Settings of measurements that a release is judged by beside the edge's counts, and what they must agree with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from console.config.faults import Fault, Key, suggest
from console.config.shape import Duration, Section

if TYPE_CHECKING:
    from console.config.settings import PlacementSettings, Settings

EDGE, PLATFORM, PROMETHEUS, PROBE, REPORTS = "edge", "platform", "prometheus", "probe", "reports"
QUERIES: Mapping[str, tuple[str, ...]] = {
    EDGE: ("error_rate", "latency_mean", "latency_p50", "latency_p95", "latency_p99", "request_rate"),
    PLATFORM: ("cpu", "memory", "instances", "request_rate", "latency_p50", "latency_p95", "db_connections"),
}
"""What the sources that take a name can be asked for."""
PLACEHOLDERS = ("{arm}", "{id}", "{commit}", "{release}")
"""What a query of Prometheus' tells the arms apart by."""
ASKS_A_PROVIDER = frozenset({PROMETHEUS, REPORTS})


class MetricSettings(Section):
    """`[environments.ENV.metrics.NAME]`: something measured of both arms while a release gets traffic."""

    source: Literal["edge", "platform", "prometheus", "probe", "reports"]
    """Who measures it: the router's counters, the platform, a Prometheus, questions of our own, or users' reports."""
    provider: str = ""
    """Name of the provider that is asked, of kind prometheus or reports; empty takes the only one of that kind."""
    query: str = ""
    """What is asked: PromQL, a name of the edge's or the platform's, a path to probe, or a project of reports."""
    services: tuple[str, ...] = ()
    """Services that it is measured of; empty for all with two arms, or with instances behind a router."""
    direction: Literal["increase", "decrease", "either"] = "increase"
    """Which change is worse."""
    action: Literal["", "rollback", "pause", "observe"] = ""
    """What follows when the candidate is worse; empty takes judge.on_reports for reports, else pause."""
    tolerance: float = Field(0.1, ge=0.0, le=100.0)
    """Part of the other arm's value by which the candidate's may be worse (0.1 is 10 %)."""
    limit: float | None = None
    """Value that the candidate must not pass, whatever the other arm's is; unset for none."""
    empty: Literal["missing", "zero"] = "missing"
    """What no series means: that nobody measured it, or zero."""
    period: Duration = Field(timedelta(seconds=15), ge=timedelta(seconds=1), le=timedelta(minutes=10))
    """Time between two values."""

    def provider_in(self, settings: Settings) -> str:
        """The provider that is asked; empty where none is named and there is not exactly one."""
        if self.provider or self.source not in ASKS_A_PROVIDER:
            return self.provider
        found = [name for name, provider in settings.providers.items() if provider.kind == self.source]
        return found[0] if len(found) == 1 else ""


def check_metrics(settings: Settings, name: str) -> Iterator[Fault]:
    """Names that must exist, and queries that can tell two arms apart."""
    environment = settings.environments[name]
    for metric, written in environment.metrics.items():
        at: Key = ("environments", name, "metrics", metric)
        yield from _check_provider(settings, written, at)
        yield from _check_query(written, at)
        for number, service in enumerate(written.services):
            if service not in environment.services:
                what = f"There is no service {service} in {name}."
                yield Fault((*at, "services", number), what, suggest(service, environment.services))
            elif not can_be_measured(environment.services[service]):
                what = f"{service} has neither two arms nor instances behind a router: there is nothing to compare."
                remedy = "Name services with blue and green, or with instances that have traffic; or none."
                yield Fault((*at, "services", number), what, remedy)


def can_be_measured(placement: PlacementSettings) -> bool:
    """Whether two of its places serve at the same time, so that one can be held against the other."""
    return bool(placement.arms) or (bool(placement.instances) and placement.traffic is not None)


def _check_provider(settings: Settings, written: MetricSettings, at: Key) -> Iterator[Fault]:
    if written.source not in ASKS_A_PROVIDER:
        if written.provider:
            what = f"The source {written.source} asks no provider of its own."
            yield Fault((*at, "provider"), what, "Remove it.")
        return
    provider = written.provider_in(settings)
    if not provider:
        fitting = [name for name, one in settings.providers.items() if one.kind == written.source]
        what = f"There are {len(fitting)} providers of kind {written.source}." if fitting else ""
        what = what or f"There is no provider of kind {written.source}."
        remedy = f"Name one of {', '.join(fitting)}." if fitting else f"Add [providers.NAME] of kind {written.source}."
        yield Fault((*at, "provider") if fitting else (*at, "source"), what, remedy)
    elif provider not in settings.providers:
        yield Fault((*at, "provider"), f"There is no provider {provider}.", suggest(provider, settings.providers))
    elif settings.providers[provider].kind != written.source:
        what = f"{provider} is of kind {settings.providers[provider].kind}."
        yield Fault((*at, "provider"), what, f"Name a provider of kind {written.source}.")


def _check_query(written: MetricSettings, at: Key) -> Iterator[Fault]:
    key = (*at, "query")
    names = QUERIES.get(written.source)
    if names and written.query not in names:
        unknown = f"The source {written.source} does not measure {written.query}."
        yield Fault(key, unknown if written.query else "query is missing.", suggest(written.query, names))
    if written.source == PROMETHEUS and not written.query:
        yield Fault(key, "query is missing.", "Write PromQL, {arm} standing for the arm.")
    elif written.source == PROMETHEUS and not any(word in written.query for word in PLACEHOLDERS):
        what = "The query is the same for both arms, so that they cannot be compared."
        yield Fault(key, what, f'Tell them apart by a label, as arm="{{arm}}"; also {", ".join(PLACEHOLDERS[1:])}.')
    if written.source == PROBE and written.query and not written.query.startswith("/"):
        yield Fault(key, f"{written.query} is no path.", "Write it with a slash in front.")
    if written.source == REPORTS and written.limit is not None:
        what = "Reports are counted against those of the other arm; they have no limit."
        yield Fault((*at, "limit"), what, "Remove it.")


def metric_arguments(settings: Settings, environment: str, service: str) -> list[dict[str, object]]:
    """The operator's metrics of one service, in the order of the configuration."""
    return [
        {
            "name": name,
            "source": metric.source,
            "provider": metric.provider_in(settings),
            "query": metric.query,
            "direction": metric.direction,
            "action": metric.action or ("" if metric.source == "reports" else "pause"),
            "tolerance": metric.tolerance,
            "limit": metric.limit,
            "empty": metric.empty,
            "period_s": metric.period.total_seconds(),
        }
        for name, metric in settings.environments[environment].metrics.items()
        if not metric.services or service in metric.services
    ]


def arm_arguments(placement: PlacementSettings, arm: str, commit: str, release: str = "") -> Mapping[str, str]:
    """An arm, or an instance, as sources of measurements know it."""
    place = placement.places[arm]
    return {"arm": arm, "id": place.id, "url": place.url, "commit": commit, "release": release}

"""What one setting says about another: names that must exist, cycles, and settings that contradict each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from console.config.failover import check_failover
from console.config.faults import SECRET_NAME, Fault, Key, suggest
from console.config.graphs import find_cycle
from console.config.instances import check_instances, check_strategy_of_arms
from console.config.kinds import ARM_KINDS, DATABASE_KINDS, PAGE_KINDS, ROUTER_KINDS, SOURCE_KINDS, VARIABLE_KINDS
from console.config.metrics import check_metrics
from console.config.projects import check_project
from console.config.settings import EnvironmentSettings, PlacementSettings, Settings, is_reference
from console.config.shape import LITERAL
from console.config.strategies import ROLLING, find_shape, known_strategies
from console.domain.errors import UsageError
from console.domain.traffic import checked_stages
from providers.registry import KINDS

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def find_faults(settings: Settings, pipelines: Iterable[str] = ()) -> list[Fault]:
    """Every contradiction in settings whose shape is right. `pipelines` names those that were read from files."""
    faults = [
        *_check_engine(settings),
        *_check_roles(settings),
        *_check_providers(settings),
        *_check_services(settings),
    ]
    names = tuple(pipelines)
    for name, environment in settings.environments.items():
        faults += _check_environment(settings, name, environment, names)
        faults += check_failover(settings, name, ROUTER_KINDS)
        faults += check_metrics(settings, name)
    return [*faults, *_check_shared_targets(settings)]


def known_kinds() -> frozenset[str]:
    """Kinds of provider that have an adapter."""
    return frozenset(KINDS)


def _check_engine(settings: Settings) -> Iterator[Fault]:
    url = settings.engine.url
    if not url or is_reference(url):
        return
    key = ("engine", "url")
    if urlsplit(url).scheme not in {"postgresql", "postgres"}:
        yield Fault(key, "This is no PostgreSQL address.", "Write postgresql://…, a reference, or leave it empty.")
    elif urlsplit(url).password:
        yield Fault(key, "The address holds a password in the open.", "Write env:NAME or file:PATH instead.")


def _check_roles(settings: Settings) -> Iterator[Fault]:
    for role in type(settings.roles).model_fields:
        for number, entry in enumerate(getattr(settings.roles, role)):
            if not entry.strip() or entry == "@" or " " in entry:
                key = ("roles", role, number)
                yield Fault(key, f"{entry!r} names nobody.", 'Write a user name, "@group", a user id or "*".')


def _check_providers(settings: Settings) -> Iterator[Fault]:
    for name, provider in settings.providers.items():
        if provider.kind not in known_kinds():
            key = ("providers", name, "kind")
            yield Fault(key, f"There is no kind of provider {provider.kind!r}.", suggest(provider.kind, known_kinds()))
    source = settings.source.provider
    if source and source not in settings.providers:
        yield Fault(("source", "provider"), f"There is no provider {source}.", suggest(source, settings.providers))
    elif source and settings.providers[source].kind not in SOURCE_KINDS:
        kind = settings.providers[source].kind
        yield Fault(("source", "provider"), f"{source} is of kind {kind}, which holds no repository.", "Name a github.")


def _check_services(settings: Settings) -> Iterator[Fault]:
    for name, service in settings.services.items():
        if service.provider not in settings.providers:
            key: Key = ("services", name, "provider")
            yield Fault(key, f"There is no provider {service.provider}.", suggest(service.provider, settings.providers))
        for number, need in enumerate(service.needs):
            if need not in settings.services:
                key = ("services", name, "needs", number)
                others = [other for other in settings.services if other != name]
                yield Fault(key, f"There is no service {need}.", suggest(need, others))
        if service.provider in settings.providers:
            yield from _check_variables(settings, name, service.variables, ("services", name, "variables"))
    graph = {name: service.needs for name, service in settings.services.items()}
    cycle = find_cycle(graph)
    if cycle:
        what = f"Services need each other in a circle: {' → '.join(cycle)}."
        yield Fault(("services", cycle[0], "needs"), what, "Remove one of these needs.")


def _check_environment(
    settings: Settings, name: str, environment: EnvironmentSettings, pipelines: Iterable[str]
) -> Iterator[Fault]:
    here: Key = ("environments", name)
    strategies = known_strategies(pipelines)
    if environment.strategy not in strategies:
        what = f"There is no strategy {environment.strategy}."
        yield Fault((*here, "strategy"), what, suggest(environment.strategy, strategies))
    yield from _check_stages(environment, "", environment, here)
    for service, placement in environment.services.items():
        at = (*here, "services", service)
        if service not in settings.services:
            yield Fault(at, f"There is no service {service}.", suggest(service, settings.services))
            continue
        yield from _check_stages(environment, service, placement, at)
        for need in settings.services[service].needs:
            if need in settings.services and need not in environment.services:
                what = f"{service} needs {need}, which {name} does not have."
                yield Fault(at, what, f"Add [environments.{name}.services.{need}], or remove the need.")
        if settings.services[service].provider in settings.providers:
            yield from _check_placement(settings, environment, service, at)
            yield from _check_page(settings, placement, (*at, "page"))
            yield from check_project(service, settings.kind_of(service), placement.project, at)
            yield from _check_variables(settings, service, placement.variables, (*at, "variables"))
    for freeze, each in enumerate(environment.freezes):
        for number, service in enumerate(each.services):
            if service not in environment.services:
                at = (*here, "freezes", freeze, "services", number)
                yield Fault(at, f"{name} has no service {service}.", suggest(service, environment.services))
    for number, service in enumerate(environment.maintenance.services):
        if service not in environment.services:
            key = (*here, "maintenance", "services", number)
            yield Fault(key, f"There is no service {service} in {name}.", suggest(service, environment.services))
    backups = environment.backups
    if backups.before_migrations and backups.recipients and not backups.identity:
        what = "A backup before migrations is proven, and nothing opens what is encrypted."
        yield Fault((*here, "backups", "identity"), what, "Write identity = …, a reference to the secret key.")
    migrated = [service for service, placement in environment.services.items() if placement.migrations]
    if len(migrated) > 1:
        what = f"{' and '.join(migrated)} both have migrations."
        yield Fault((*here, "services"), what, "Only one service of an environment can have them.")


def _check_stages(
    environment: EnvironmentSettings, service: str, written: EnvironmentSettings | PlacementSettings, at: Key
) -> Iterator[Fault]:
    """Stages and bake times as written in one place, held against what they come to together."""
    by_batch = find_shape(environment, service).strategy == ROLLING
    if written.stages is not None and by_batch:
        what = "The strategy rolling has no stages: instances change in batches."
        yield Fault((*at, "stages"), what, "Write batch = … instead.")
    elif written.stages is not None:
        try:
            checked_stages(written.stages)
        except UsageError as problem:
            yield Fault((*at, "stages"), problem.what, problem.remedy)
    count = len(find_shape(environment, service).stages)
    if isinstance(written.bake_time, tuple) and len(written.bake_time) != count:
        what = f"There are {len(written.bake_time)} bake times for {count} stages."
        yield Fault((*at, "bake_time"), what, "Write one time for all stages, or one for each.")


def _check_placement(settings: Settings, environment: EnvironmentSettings, service: str, at: Key) -> Iterator[Fault]:
    kind, placement = settings.kind_of(service), environment.services[service]
    arms = placement.places
    if placement.instances:
        yield from check_instances(service, environment, "" if kind in ARM_KINDS else kind, at)
    elif arms:
        yield from _check_arms(service, placement, at)
        yield from check_strategy_of_arms(service, environment, at)
        if kind not in ARM_KINDS:
            yield Fault(at, f"A service on {kind} cannot have arms.", "Write id = … instead of blue and green.")
    else:
        if not placement.id:
            yield Fault(at, f"{service} has no id.", "Write id = …, or blue = { id = … } and green = { id = … }.")
        if placement.traffic is not None:
            yield Fault((*at, "traffic"), "Traffic is set, but there are no arms.", "Add blue and green, or remove it.")
    if placement.batch is not None and not placement.instances:
        yield Fault((*at, "batch"), f"{service} has no instances.", "Remove batch, or write instances = { … }.")
    if arms:
        yield from _check_traffic(settings, service, placement, at)
    is_database = kind in DATABASE_KINDS
    for key in ("database_url", "migrations"):
        if getattr(placement, key) and (arms or not is_database):
            yield Fault((*at, key), f"{key} belongs to a database, and {service} is none.", f"Remove {key}.")
    settings_of = settings.services[service]
    asked = [word for word in ("health", "integration", "benchmark") if getattr(settings_of, word)]
    staged = kind == "vercel"
    if asked and not is_database and not staged and not arms and not placement.url:
        yield Fault(at, f"{' and '.join(asked)} of {service} cannot be asked without an address.", "Add url = ….")


def _check_page(settings: Settings, placement: PlacementSettings, at: Key) -> Iterator[Fault]:
    if placement.page is None:
        return
    router = placement.page.router
    if router not in settings.providers:
        yield Fault((*at, "router"), f"There is no provider {router}.", suggest(router, settings.providers))
    elif settings.providers[router].kind not in PAGE_KINDS:
        what = f"{router} is of kind {settings.providers[router].kind}, which puts up no pages."
        yield Fault((*at, "router"), what, f"Name a provider of kind {' or '.join(sorted(PAGE_KINDS))}.")


def _check_variables(settings: Settings, service: str, variables: Mapping[str, str], at: Key) -> Iterator[Fault]:
    kind = settings.kind_of(service)
    if variables and kind in known_kinds() - VARIABLE_KINDS:
        yield Fault(at, f"{service} is on {kind}, which has no variables to set.", "Remove them.")
    for name, value in variables.items():
        if not VARIABLE_NAME.fullmatch(name):
            yield Fault((*at, name), f"{name!r} is no name of a variable.", "Use letters, digits and _.")
        if SECRET_NAME.search(name.lower()) and not is_reference(value) and not value.startswith(LITERAL):
            what = "A secret is written here in the open; only a reference is accepted."
            remedy = f"Write env:NAME, file:PATH, keyring:SERVICE/NAME or command:COMMAND; {LITERAL}… if it is none."
            yield Fault((*at, name), what, remedy)


def _check_arms(service: str, placement: PlacementSettings, at: Key) -> Iterator[Fault]:
    if len(placement.arms) == 1:
        only = next(iter(placement.arms))
        missing = "green" if only == "blue" else "blue"
        yield Fault(at, f"{service} has only one arm, {only}.", f"Add {missing} = {{ id = … }}, or write id = ….")
    if placement.id:
        yield Fault((*at, "id"), f"{service} has an id and arms.", "Keep one of them.")
    if placement.blue and placement.green and placement.blue.id == placement.green.id:
        yield Fault((*at, "green", "id"), "Both arms are the same.", "Each arm is a service of its own.")
    if placement.traffic is None:
        yield Fault(at, f"{service} has arms, but nothing divides the traffic.", "Add traffic = { router, route }.")


def _check_traffic(settings: Settings, service: str, placement: PlacementSettings, at: Key) -> Iterator[Fault]:
    """What divides requests between places, and what asks each of them for its health."""
    traffic = placement.traffic
    if traffic is None:
        pass
    elif traffic.router not in settings.providers:
        key = (*at, "traffic", "router")
        yield Fault(key, f"There is no provider {traffic.router}.", suggest(traffic.router, settings.providers))
    elif settings.providers[traffic.router].kind not in ROUTER_KINDS:
        kind = settings.providers[traffic.router].kind
        what = f"{traffic.router} is of kind {kind}, which does not route."
        yield Fault((*at, "traffic", "router"), what, f"Name a provider of kind {' or '.join(sorted(ROUTER_KINDS))}.")
    if traffic is not None and traffic.force_header and not placement.url:
        what = f"The public address of {service}, to which the header would be sent, is not known."
        yield Fault((*at, "traffic", "force_header"), what, "Add url = … to the service here.")
    for arm, settings_of_arm in placement.places.items():
        if not settings_of_arm.url and settings.services[service].health is not None:
            what = f"The health of {arm} cannot be asked without an address."
            key = (*at, "instances", arm) if placement.instances else (*at, arm)
            yield Fault(key, what, "Add url = … to it.")


def _check_shared_targets(settings: Settings) -> Iterator[Fault]:
    """The same thing deployed under two names: what one deployment verified, the other would replace."""
    seen: dict[tuple[str, str], str] = {}
    for environment_name, environment in settings.environments.items():
        for service, placement in environment.services.items():
            if service not in settings.services:
                continue
            ids = dict.fromkeys([placement.id, *(arm.id for arm in placement.places.values())])
            for target in ids:
                place = f"{environment_name}.{service}"
                first = seen.setdefault((settings.services[service].provider, target), place) if target else place
                if first != place:
                    key = ("environments", environment_name, "services", service)
                    yield Fault(key, f"{target} is also {first}.", "Give each its own.")

"""Every kind of provider: the one place that names the adapters.

Nothing of an adapter is loaded before a connection of its kind is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from console.domain.errors import ConfigError, ConfigProblem, UsageError
from providers.contract import Connection

if TYPE_CHECKING:
    from providers.statuspages import StatusPages

KINDS: Mapping[str, str] = {
    "render": "RenderSettings",
    "vercel": "VercelSettings",
    "supabase": "SupabaseSettings",
    "github": "GitHubSettings",
    "caddy": "CaddySettings",
    "haproxy": "HAProxySettings",
    "cloudflare": "CloudflareSettings",
    "web": "WebSettings",
    "postgres": "PostgresSettings",
    "prometheus": "PrometheusSettings",
    "reports": "ReportsSettings",
}
"""The settings model of each kind, in `providers/<kind>/settings.py`; `adapter.py` beside it opens a connection."""


LOST_WITHOUT: Mapping[str, str] = {
    "render": "No service of that workspace can be seen, deployed or rolled back.",
    "vercel": "No project of that team can be seen, deployed or rolled back.",
    "supabase": "That project cannot be read: no health, logs or backups of it.",
    "postgres": "That database cannot be read or migrated: it refuses the log-in, or does not answer.",
    "github": "GitHub refuses what needs it: announcing deployments (repo_deployment), reading a private repository "
    "(repo), dispatching workflows (workflow).",
    "cloudflare": "Its load balancers or pools cannot be seen, and no weight of them can be moved.",
    "haproxy": "Weights can be read there, and not moved: no rollout and no rollback of what it routes.",
}
"""What cannot be done without a scope that a token lacks, for each kind."""


def is_real_platform(kind: str, settings: Mapping[str, object]) -> bool:
    """Whether a block is about the platform itself, and not about an address of one's own that speaks like it."""
    if kind not in KINDS:
        return False
    model = getattr(import_module(f"providers.{kind}.settings"), KINDS[kind])
    field = model.model_fields.get("base_url")
    if field is None:
        return False
    return urlsplit(str(settings.get("base_url") or field.default)).hostname == urlsplit(str(field.default)).hostname


def status_page_of(kind: str, settings: Mapping[str, object], written: str | None) -> str:
    """Where to ask how a platform is; empty for nowhere.

    Args:
        settings: The block's keys.
        written: What the configuration says of it; None leaves it to us: the platform's own page, or none at all for an
            address of one's own.
    """
    from providers.statuspages import PAGES

    if written is not None:
        return written
    return PAGES.get(kind, "") if is_real_platform(kind, settings) else ""


def open_provider(
    name: str,
    settings: Mapping[str, object],
    *,
    clock: Callable[[], datetime],
    pages: StatusPages | None = None,
    status_page: str | None = None,
) -> Connection:
    """Open the connection that a `[providers.NAME]` block describes. Asks nothing over the network.

    Args:
        name: The block's name.
        settings: Its keys, `kind` among them, with secrets resolved.
        clock: The time now, aware.
        pages: Asks the platforms' status pages; errors of a platform that has an incident then say so.
        status_page: The page's address, as `status_page_of` takes it.

    Raises:
        UsageError: No adapter has this kind; names the known ones.
        ConfigError: The adapter does not take these settings; names every key.
    """
    kind = str(settings.get("kind", ""))
    if kind not in KINDS:
        raise UsageError(
            f"Provider {name} is of kind {kind!r}, which is not known.",
            f"[providers.{name}] kind",
            f"Known kinds: {', '.join(KINDS)}.",
        )
    model = getattr(import_module(f"providers.{kind}.settings"), KINDS[kind])
    checked = _check(name, model, settings)
    connection: Connection = import_module(f"providers.{kind}.adapter").open_connection(name, checked, clock=clock)
    if pages is not None and (page := status_page_of(kind, settings, status_page)):
        _listen(connection, pages, page)
    return connection


def _listen(connection: Connection, pages: StatusPages, page: str) -> None:
    """Have errors of a connection's exchanges tell what the platform's status page says."""
    from providers.http import ProviderHttp

    http = getattr(connection, "http", None)
    if isinstance(http, ProviderHttp):
        http.incident = partial(pages.fetch_incident, page)


def _check(name: str, model: type, settings: Mapping[str, object]) -> object:
    from pydantic import BaseModel, ValidationError

    assert issubclass(model, BaseModel)
    try:
        return model.model_validate(settings)
    except ValidationError as problem:
        # The message alone is shown: pydantic's own text would quote values, secrets among them.
        found = [
            ConfigProblem(f"[providers.{name}]", 0, ".".join(map(str, one["loc"])), one["msg"] + ".", "")
            for one in problem.errors(include_input=False, include_url=False)
        ]
        raise ConfigError(found) from None

"""GitHub behind the provider contract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from providers.github.client import GitHubClient
from providers.github.installation import InstallationAuth
from providers.github.manners import ALLOWANCES, AT_ONCE, HEADERS, error_words, is_limited
from providers.http import Clock, ProviderHttp, Sleep, utc_now
from providers.opened import Opened

if TYPE_CHECKING:
    import httpx

    from providers.contract import Capabilities, Desk
    from providers.github.settings import GitHubSettings


def open_connection(
    name: str,
    settings: GitHubSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Opened:
    """Open one repository without asking GitHub anything; a bad token shows at the first call."""
    base_url = settings.base_url.rstrip("/")
    auth = _app_auth(settings, base_url, clock)
    http = ProviderHttp(
        name,
        base_url,
        platform="GitHub",
        headers={**HEADERS, **_token_header(settings)},
        auth=auth,
        secrets=[settings.private_key.get_secret_value()] if settings.private_key else [],
        error_words=error_words,
        is_limited=is_limited,
        limit_class=lambda method, path: "core",
        allowances=ALLOWANCES,
        keeps_answers=True,
        at_once=AT_ONCE,
        clock=clock,
        sleep=sleep,
        transport=transport,
        # A renamed repository answers with 301 and 307; httpx drops the token when another host is meant.
        follow_redirects=True,
    )
    if auth is not None:
        auth.bind(http)
    client = GitHubClient(http, settings.repository, base_url)

    def make_capabilities() -> Capabilities:
        from providers.github.capabilities import build_capabilities

        return build_capabilities(client, settings.required_checks, is_app=auth is not None)

    def make_desk() -> Desk:
        from providers.github.desk import build_desk

        return build_desk(client, settings.required_checks, is_app=auth is not None)

    return Opened(name, "github", http, make_capabilities, make_desk)


def _token_header(settings: GitHubSettings) -> dict[str, str]:
    return {"authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}


def _app_auth(settings: GitHubSettings, base_url: str, clock: Clock) -> InstallationAuth | None:
    if settings.private_key is None:
        return None
    key = settings.private_key.get_secret_value()
    return InstallationAuth(settings.app, key, settings.installation, settings.repository, base_url, clock)

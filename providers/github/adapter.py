"""GitHub behind the provider contract."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

import httpx

from providers.contract import Capabilities, Desk, Unsupported
from providers.github.account import AppAccount, TokenAccount
from providers.github.alerts import CommitAlerts
from providers.github.announce import Announcements
from providers.github.client import GitHubClient
from providers.github.installation import InstallationAuth
from providers.github.manners import ALLOWANCES, AT_ONCE, HEADERS, error_words, is_limited
from providers.github.readings import Checks, Releases
from providers.http import Clock, ProviderHttp, Sleep, utc_now

if TYPE_CHECKING:
    from providers.github.settings import GitHubSettings

NO_HOSTING = Unsupported("GitHub holds the source and runs no services.", "Deploy with the services' platform.")


@dataclass(frozen=True)
class GitHubConnection:
    """One open repository."""

    name: str
    capabilities: Capabilities
    http: ProviderHttp = field(repr=False)
    build_desk: Callable[[], Desk] = field(repr=False)
    kind: str = "github"

    @cached_property
    def desk(self) -> Desk:
        return self.build_desk()

    async def close(self) -> None:
        await self.http.close()


def open_connection(
    name: str,
    settings: GitHubSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> GitHubConnection:
    """Open without asking GitHub anything; a bad token shows at the first call."""
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
    releases, checks = Releases(client), Checks(client, settings.required_checks)
    return GitHubConnection(
        name,
        Capabilities(
            account=AppAccount(client) if auth else TokenAccount(client),
            releases=releases,
            tags=releases,
            checks=checks,
            alerts=CommitAlerts(client),
            announce=Announcements(client),
            deploy=NO_HOSTING,
            cancel=NO_HOSTING,
            promote=NO_HOSTING,
            roll_back=NO_HOSTING,
            suspend=NO_HOSTING,
            resume=NO_HOSTING,
            inventory=NO_HOSTING,
            logs=NO_HOSTING,
            metrics=NO_HOSTING,
        ),
        http,
        partial(_build_desk, client, checks, is_app=auth is not None),
    )


def _token_header(settings: GitHubSettings) -> dict[str, str]:
    return {"authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}


def _app_auth(settings: GitHubSettings, base_url: str, clock: Clock) -> InstallationAuth | None:
    if settings.private_key is None:
        return None
    key = settings.private_key.get_secret_value()
    return InstallationAuth(settings.app, key, settings.installation, settings.repository, base_url, clock)


def _build_desk(client: GitHubClient, checks: Checks, *, is_app: bool) -> Desk:
    """What people do by hand is loaded when somebody asks for it: deployments do without."""
    from providers.github.desk import build_desk

    return build_desk(client, checks, is_app=is_app)

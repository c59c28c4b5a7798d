"""GitHub behind the provider contract."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import httpx

from providers.contract import Capabilities, Desk, Unsupported
from providers.github.announce import Announcements
from providers.github.client import GitHubClient
from providers.github.desk import build_desk
from providers.github.manners import ALLOWANCES, AT_ONCE, HEADERS, error_words, is_limited
from providers.github.readings import Account, Checks, Releases
from providers.github.settings import GitHubSettings
from providers.http import Clock, ProviderHttp, Sleep, utc_now

NO_HOSTING = Unsupported("GitHub holds the source and runs no services.", "Deploy with the services' platform.")


@dataclass(frozen=True)
class GitHubConnection:
    """One open repository."""

    name: str
    capabilities: Capabilities
    http: ProviderHttp = field(repr=False)
    kind: str = "github"
    desk: Desk = field(default_factory=Desk)

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
    http = ProviderHttp(
        name,
        base_url,
        platform="GitHub",
        headers={**HEADERS, "authorization": f"Bearer {settings.token.get_secret_value()}"},
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
    client = GitHubClient(http, settings.repository, base_url)
    releases, checks = Releases(client), Checks(client, settings.required_checks)
    return GitHubConnection(
        name,
        Capabilities(
            account=Account(client),
            releases=releases,
            tags=releases,
            checks=checks,
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
        desk=build_desk(client, checks),
    )

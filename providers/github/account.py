"""Who we are at GitHub, and what we lack: a person's token by its scopes, an App by its permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from providers.contract import AccountReport
from providers.wire import need_text, pick, table, text

if TYPE_CHECKING:
    from providers.github.client import GitHubClient

DEPLOYMENT_SCOPES = frozenset({"repo", "repo_deployment"})
LEVELS = ("read", "write", "admin")
NEEDED: Mapping[str, str] = {"contents": "read", "deployments": "write", "checks": "read", "statuses": "read"}


class TokenAccount:
    """Who the token is. Fine-grained tokens list no scopes, so nothing is said about theirs."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def fetch_account(self) -> AccountReport:
        login, listed = await self._client.fetch_login()
        scopes = tuple(filter(None, (scope.strip() for scope in (listed or "").split(","))))
        lacks = listed is not None and not DEPLOYMENT_SCOPES & set(scopes)
        return _report(self._client, login, scopes, ("repo_deployment",) if lacks else ())


class AppAccount:
    """Which App acts here. Scopes are its permissions, as `deployments:write`."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def fetch_account(self) -> AccountReport:
        node = await self._client.fetch(self._client.at("installation"), _need_app)
        granted = {name: str(level) for name, level in table(node, "permissions").items()}
        missing = tuple(
            f"{name}:{level}" for name, level in NEEDED.items() if _rank(granted.get(name, "")) < _rank(level)
        )
        # What an App has left is counted against its installation: any other call tells it, and this one is free.
        await self._client.http.send("GET", "/rate_limit")
        name = f"{text(node, 'app_slug')}[bot]"
        suspended = pick(node, "suspended_at") is not None
        scopes = tuple(f"{name}:{level}" for name, level in sorted(granted.items()))
        return _report(self._client, f"{name} (suspended)" if suspended else name, scopes, missing)


def _report(client: GitHubClient, identity: str, scopes: tuple[str, ...], missing: tuple[str, ...]) -> AccountReport:
    http = client.http
    return AccountReport(
        identity=identity,
        scopes=scopes,
        missing_scopes=missing,
        limits=http.describe_limits(),
        clock_skew=http.skew,
    )


def _need_app(node: object) -> object:
    need_text(node, "app_slug")
    return node


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else -1

"""GitHub's HTTP calls for the engine's needs, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import httpx

from console.domain.errors import UnexpectedReply
from providers.github import wire
from providers.http import ProviderHttp, segment

if TYPE_CHECKING:
    from providers.github.wire import Check, Commit, Deployment, DeploymentStatus, Entry

T = TypeVar("T")
Params = Mapping[str, Any]

PAGE = 100
PAGES_AT_MOST = 50


class GitHubClient:
    """Raises the contract's errors, as `ProviderHttp` does."""

    def __init__(self, http: ProviderHttp, repository: str, base_url: str) -> None:
        self.http = http
        self.repository = repository
        self._repo = f"/repos/{repository}"
        self.base_url = base_url

    async def fetch_login(self) -> tuple[str, str | None]:
        """Who the token is, and its scopes as GitHub lists them; None for a token that has no scopes."""
        reply = await self.http.send("GET", "/user")
        return self.http.decode(reply, wire.parse_login), reply.headers.get("x-oauth-scopes")

    async def fetch_commit_or_none(self, reference: str) -> Commit | None:
        """None for a name that GitHub does not know, which it says with 404 or 422."""
        reply = await self.http.send("GET", f"{self._repo}/commits/{quote(reference)}", accept=(404, 422))
        return None if reply.status in (404, 422) else self.http.decode(reply, wire.parse_commit)

    async def fetch_tags(self) -> Mapping[str, str]:
        """One page: GitHub lists the highest names first."""
        return await self.http.fetch(f"{self._repo}/tags", wire.parse_tags, {"per_page": PAGE})

    async def fetch_compared(self, base: str, head: str) -> Sequence[Commit]:
        """Oldest first."""
        path = f"{self._repo}/compare/{quote(base)}...{quote(head)}"
        return await self.fetch_all(path, wire.parse_compared, {})

    async def fetch_directory_or_none(self, directory: str, commit: str) -> Sequence[Entry] | None:
        path = f"{self._repo}/contents/{quote(directory.strip('/'))}".rstrip("/")
        return await self.http.fetch_or_none(path, wire.parse_directory, {"ref": commit})

    async def fetch_text(self, entry: Entry, commit: str) -> str:
        path = f"{self._repo}/contents/{quote(entry.path)}"
        content = await self.http.fetch(path, wire.parse_content, {"ref": commit})
        if content is not None:
            return content
        return await self.http.fetch(f"{self._repo}/git/blobs/{segment(entry.sha)}", wire.parse_blob)

    async def fetch_statuses(self, commit: str) -> Sequence[Check]:
        """The newest status of each context."""
        return await self.fetch_all(f"{self._repo}/commits/{segment(commit)}/status", wire.parse_statuses, {})

    async def fetch_check_runs(self, commit: str) -> Sequence[Check]:
        path = f"{self._repo}/commits/{segment(commit)}/check-runs"
        return await self.fetch_all(path, wire.parse_check_runs, {"filter": "latest"})

    async def fetch_deployments(self, commit: str, environment: str) -> Sequence[Deployment]:
        """Newest first; one page, since what is looked for was made a moment ago."""
        params = {"sha": commit, "environment": environment, "per_page": PAGE}
        return await self.http.fetch(f"{self._repo}/deployments", wire.parse_deployments, params)

    async def create_deployment(self, wish: Mapping[str, Any]) -> Deployment:
        reply = await self.http.send("POST", f"{self._repo}/deployments", json=dict(wish))
        return self.http.decode(reply, wire.parse_deployment)

    async def fetch_deployment_statuses(self, deployment: str) -> Sequence[DeploymentStatus]:
        """Newest first."""
        path = f"{self._repo}/deployments/{segment(deployment)}/statuses"
        return await self.http.fetch(path, wire.parse_status_list, {"per_page": PAGE})

    async def fetch_deployment_status_or_none(self, deployment: str, status: str) -> DeploymentStatus | None:
        path = f"{self._repo}/deployments/{segment(deployment)}/statuses/{segment(status)}"
        return await self.http.fetch_or_none(path, wire.parse_status)

    async def create_deployment_status(self, deployment: str, wish: Mapping[str, Any]) -> DeploymentStatus:
        path = f"{self._repo}/deployments/{segment(deployment)}/statuses"
        return self.http.decode(await self.http.send("POST", path, json=dict(wish)), wire.parse_status)

    def at(self, *parts: object) -> str:
        """A path below the repository; each part is quoted, slashes included."""
        return "/".join([self._repo, *(segment(str(part)) for part in parts)])

    async def fetch(self, path: str, read: Callable[[Any], T], params: Params | None = None) -> T:
        return await self.http.fetch(path, read, params)

    async def fetch_or_none(self, path: str, read: Callable[[Any], T], params: Params | None = None) -> T | None:
        return await self.http.fetch_or_none(path, read, params)

    async def change(self, method: str, path: str, wish: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        return self.http.decode(await self.http.send(method, path, json=dict(wish)), read)

    async def fetch_all(
        self,
        path: str,
        read: Callable[[Any], Sequence[T]],
        params: Params | None = None,
        at_most: int = PAGE * PAGES_AT_MOST,
    ) -> list[T]:
        """Every page of a list, by the addresses that GitHub gives for them, until `at_most` are found.

        Raises:
            UnexpectedReply: The next page lies at another address than the API, which must not get our token.
        """
        found: list[T] = []
        reply = await self.http.send("GET", path, params={**(params or {}), "per_page": min(PAGE, max(1, at_most))})
        for _ in range(PAGES_AT_MOST):
            found += self.http.decode(reply, read)
            following = wire.next_page(reply.headers.get("link", ""))
            if not following or len(found) >= at_most:
                break
            if not following.startswith(f"{self.base_url}/"):
                raise UnexpectedReply(
                    self.http.provider,
                    "GitHub's next page lies at another address than its API.",
                    f"{path} · {httpx.URL(following).host}",
                    "Set base_url to the address under which GitHub itself answers.",
                )
            reply = await self.http.send("GET", following)
        return found[:at_most]

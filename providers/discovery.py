"""What a token sees before anything is configured: the workspaces, teams or repositories that a block must name.

Asked by `quarterdeck init` alone; a connection is opened for one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from providers.http import ProviderHttp
from providers.wire import ShapeError

MOST_LISTED = 100


@dataclass(frozen=True)
class Belonging:
    """One of them. `option` is the key of the block that names it; `branch` is a repository's default one."""

    option: str
    value: str
    name: str
    branch: str = ""


@dataclass(frozen=True)
class _Question:
    platform: str
    base_url: str
    path: str
    params: Mapping[str, object]
    read: Callable[[Any], Sequence[Belonging]]


def _read_owners(body: Any) -> Sequence[Belonging]:
    owners = [item["owner"] for item in body]
    return [Belonging("owner", str(owner["id"]), str(owner.get("name") or owner["id"])) for owner in owners]


def _read_teams(body: Any) -> Sequence[Belonging]:
    return [Belonging("team", str(team["id"]), str(team.get("name") or team["id"])) for team in body["teams"]]


def _read_repositories(body: Any) -> Sequence[Belonging]:
    listed = [item for item in body if not item.get("archived")]
    names = [(str(item["full_name"]), str(item.get("default_branch") or "")) for item in listed]
    return [Belonging("repository", name, name, branch) for name, branch in names]


QUESTIONS: Mapping[str, _Question] = {
    "render": _Question("Render", "https://api.render.com/v1", "/owners", {"limit": MOST_LISTED}, _read_owners),
    "vercel": _Question("Vercel", "https://api.vercel.com", "/v2/teams", {"limit": MOST_LISTED}, _read_teams),
    "github": _Question(
        "GitHub",
        "https://api.github.com",
        "/user/repos",
        {"per_page": MOST_LISTED, "sort": "pushed"},
        _read_repositories,
    ),
}


async def fetch_belongings(
    kind: str, token: str, base_url: str = "", transport: httpx.AsyncBaseTransport | None = None
) -> Sequence[Belonging]:
    """The first hundred, as the platform orders them; () for a kind that needs none named.

    Raises:
        ProviderError: The token does not work, or the platform does not answer as it should.
    """
    question = QUESTIONS.get(kind)
    if question is None:
        return ()
    headers = {"authorization": f"Bearer {token}"}
    http = ProviderHttp(
        kind, base_url or question.base_url, platform=question.platform, headers=headers, transport=transport
    )
    try:
        return await http.fetch(question.path, _guarded(question.read), question.params)
    finally:
        await http.close()


def _guarded(read: Callable[[Any], Sequence[Belonging]]) -> Callable[[Any], Sequence[Belonging]]:
    def parse(body: Any) -> Sequence[Belonging]:
        try:
            return read(body)
        except (KeyError, TypeError, AttributeError) as error:
            raise ShapeError(f"no list of what the token sees ({type(error).__name__}: {error})") from error

    return parse

"""Every recorded answer of the real GitHub, for the operations that the adapter uses, is read without loss."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from providers.github import protection, publishing, releases, statuses, tracking, wire
from providers.github.adapter import open_connection
from providers.github.manners import error_words, is_limited
from providers.github.settings import GitHubSettings
from providers.pacing import RateBudget
from tests.support.openapi import SHARED

RECORDINGS = SHARED / "recordings" / "github-api.jsonl"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_file(), reason="the shared recordings are absent")

REPO = r"/repos/[^/]+/[^/]+"
READERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "release": (rf"get {REPO}/releases/tags/.*", releases.parse_release),
    "asset": (rf"(get|patch) {REPO}/releases/assets/\d+|post {REPO}/releases/\d+/assets\?.*", releases.parse_asset),
    "assets": (rf"get {REPO}/releases/\d+/assets", lambda node: [releases.parse_asset(one) for one in node]),
    "issue": (rf"post {REPO}/issues", tracking.parse_issue),
    "issues": (r"get (/repos/.*|/repositories/\d+)/issues\?.*", tracking.parse_issues),
    "status": (rf"post {REPO}/statuses/.*", statuses.parse_status),
    "statuses": (rf"get {REPO}/commits/[^/]+/statuses", wire.parse_status_list),
    "protection": (rf"(get|put) {REPO}/branches/[^/]+/protection", protection.parse_own_settings),
}


def exchanges() -> Iterator[dict[str, Any]]:
    with RECORDINGS.open() as lines:
        yield from map(json.loads, lines)


def recorded(pattern: str) -> list[dict[str, Any]]:
    return [one for one in exchanges() if re.fullmatch(pattern, f"{one['method']} {one['path']}")]


def answers(name: str) -> list[Any]:
    return [one["response"] for one in recorded(READERS[name][0]) if one["status"] < 300]


def headers_of(exchange: dict[str, Any]) -> httpx.Headers:
    raw = exchange["rawHeaders"]
    return httpx.Headers(list(zip(raw[::2], raw[1::2], strict=True)))


def standing_at(at: datetime) -> Callable[[], datetime]:
    return lambda: at


def response_of(exchange: dict[str, Any]) -> httpx.Response:
    headers = {name: value for name, value in headers_of(exchange).items() if name != "content-encoding"}
    headers.pop("content-length", None)
    body = exchange["response"]
    return httpx.Response(exchange["status"], headers=headers, content=json.dumps(body) if body else b"")


@pytest.mark.parametrize("name", READERS)
def test_when_it_is_read_then_nothing_is_raised(name: str) -> None:
    read = [READERS[name][1](answer) for answer in answers(name)]

    assert len(read) == len(answers(name)) > 0


def test_when_releases_are_read_then_every_used_field_is_kept() -> None:
    for told in answers("release"):
        read = releases.parse_release(told)

        assert (read.id, read.tag, read.name) == (str(told["id"]), told["tag_name"], told["name"])
        assert (read.notes, read.target, read.draft) == (told["body"] or "", told["target_commitish"], told["draft"])
        assert (read.upload_url, read.url, read.by) == (told["upload_url"], told["html_url"], told["author"]["login"])
        assert read.at == datetime.fromisoformat(told["published_at"])
        assert len(read.assets) == len(told["assets"])


def test_when_assets_are_read_then_every_used_field_is_kept() -> None:
    for told in [*answers("asset"), *(one for listed in answers("assets") for one in listed)]:
        read = releases.parse_asset(told)

        assert (read.id, read.name, read.label) == (str(told["id"]), told["name"], told["label"] or "")
        assert (read.state, read.size, read.downloads) == (told["state"], told["size"], told["download_count"])
        assert read.state == publishing.UPLOADED


def test_when_issues_are_read_then_every_used_field_is_kept() -> None:
    for told in [*answers("issue"), *(one for listed in answers("issues") for one in listed)]:
        read = tracking.parse_issue(told)

        assert (read.number, read.title, read.state) == (told["number"], told["title"], told["state"])
        assert (read.body, read.url) == (told["body"] or "", told["html_url"])


def test_when_statuses_are_read_then_every_used_field_is_kept() -> None:
    for told in answers("status"):
        read = statuses.parse_status(told)

        assert (read.context, read.state) == (told["context"], told["state"])
        assert (read.description, read.url) == (told["description"] or "", told["target_url"] or "")


def test_when_protection_is_read_then_every_demand_is_kept() -> None:
    for told in answers("protection"):
        read = protection.parse_own_settings(told)
        kinds = {one.kind for one in read.requirements}

        assert read.checks == tuple(told["required_status_checks"]["contexts"])
        assert ("restrictions" in kinds) is ("restrictions" in told)
        assert ("enforce_admins" in kinds) is told["enforce_admins"]["enabled"]
        assert ("non_fast_forward" in kinds) is not told["allow_force_pushes"]["enabled"]
        assert read.approvals == told["required_pull_request_reviews"].get("required_approving_review_count", 0)


def test_when_it_refuses_then_its_words_are_kept_and_no_limit_is_seen() -> None:
    refusals = [one for one in exchanges() if one["status"] >= 400]

    assert refusals
    for one in refusals:
        response = response_of(one)
        assert one["response"]["message"] in error_words(response)
        assert not is_limited(response)


def test_when_limits_are_told_then_they_are_learned() -> None:
    told = [one for one in exchanges() if "x-ratelimit-remaining" in headers_of(one) and "date" in headers_of(one)]
    assert told
    for one in told:
        headers = headers_of(one)
        reset = datetime.fromtimestamp(int(headers["x-ratelimit-reset"]), UTC)
        budget = RateBudget(standing_at(reset - timedelta(minutes=30)))
        budget.learn("core", headers)

        window = budget.windows["core"]
        assert (window.remaining, window.limit) == (
            int(headers["x-ratelimit-remaining"]),
            int(headers["x-ratelimit-limit"]),
        )
        assert window.resets_at == reset


async def test_when_a_repository_was_renamed_then_reading_and_changing_arrive() -> None:
    story = [one for one in exchanges() if one["scenario"] == "rename-repository"]
    by_call = {(one["method"].upper(), one["path"]): one for one in story}
    asked: list[httpx.Request] = []

    def replay(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return response_of(by_call[request.method, request.url.path])

    old = next(one["path"] for one in story if one["status"] == 301)
    settings = GitHubSettings(token="ghp_Zx81kQm44pLw", repository=old.removeprefix("/repos/"))
    connection = open_connection("github", settings, transport=httpx.MockTransport(replay))
    read = await connection.http.send("GET", old)
    changed = await connection.http.send("PATCH", old, json={"description": "test description"})
    await connection.close()

    assert (read.json["id"], changed.json["description"]) == (515436299, "test description")
    assert asked[-1].method == "PATCH"
    assert json.loads(asked[-1].content) == {"description": "test description"}
    assert all(request.headers["authorization"] for request in asked)


async def test_when_an_archive_is_handed_over_then_it_is_fetched_without_the_token() -> None:
    story = [one for one in exchanges() if one["scenario"] == "get-archive" and one["method"] == "get"]
    by_path = {one["path"]: one for one in story}
    asked: list[httpx.Request] = []

    def replay(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return response_of(by_path[request.url.path])

    settings = GitHubSettings(token="ghp_Zx81kQm44pLw", repository="o/r")
    connection = open_connection("github", settings, transport=httpx.MockTransport(replay))
    await connection.http.download(next(one["path"] for one in story if one["status"] == 302))
    await connection.close()

    assert [(request.url.host, "authorization" in request.headers) for request in asked] == [
        ("api.github.com", True),
        ("codeload.github.com", False),
    ]

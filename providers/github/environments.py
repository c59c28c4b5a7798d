"""The environments of a repository and the rules that hold a deployment to them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from providers.contract import Nothing
from providers.ensuring import Setting
from providers.github.client import GitHubClient
from providers.wire import flag, items, need_items, need_text, pick, text, whole

EVERY, PROTECTED, CUSTOM = "all", "protected", "custom"
KINDS = {"user": "User", "team": "Team"}


@dataclass(frozen=True)
class ShowEnvironment:
    name: Annotated[str, "the environment, as GitHub writes it"]


@dataclass(frozen=True)
class SetEnvironment:
    """What is left out stays as it is."""

    name: Annotated[str, "the environment; it is made where there is none"]
    wait_timer: Annotated[int | None, "minutes that a job waits, 0 to 43200"] = None
    reviewers: Annotated[tuple[str, ...] | None, "who may approve: user:ID or team:ID, six at most"] = None
    prevent_self_review: Annotated[bool | None, "whoever began a deployment may not approve it"] = None
    branches: Annotated[str | None, "what may be deployed: all, protected or custom"] = None


@dataclass(frozen=True)
class Reviewer:
    """`id` as `set-environment` takes it: `user:12`."""

    id: str
    name: str


@dataclass(frozen=True)
class Environment:
    """`wait_timer` in minutes. `other_rules` names rules that are not of GitHub's own three kinds."""

    name: str
    url: str
    wait_timer: int
    reviewers: tuple[Reviewer, ...]
    prevent_self_review: bool
    branches: str
    other_rules: tuple[str, ...]


class Environments:
    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self.setting = Setting(SetEnvironment, holds=self._holds, write=self._write, say=_say)

    async def list(self, request: Nothing) -> Sequence[Environment]:
        return await self._client.fetch_all(self._client.at("environments"), _parse_environments)

    async def show(self, request: ShowEnvironment) -> Environment:
        return await self._client.fetch(self._at(request.name), parse_environment)

    def _at(self, name: str) -> str:
        return self._client.at("environments", name)

    async def _holds(self, request: SetEnvironment) -> bool | None:
        now = await self._client.fetch_or_none(self._at(request.name), parse_environment)
        if now is None:
            return None
        wishes = (
            (request.wait_timer, now.wait_timer),
            (None if request.reviewers is None else set(request.reviewers), {one.id for one in now.reviewers}),
            (request.prevent_self_review, now.prevent_self_review),
            (request.branches, now.branches),
        )
        return all(wish is None or wish == present for wish, present in wishes)

    async def _write(self, request: SetEnvironment) -> None:
        """GitHub resets every rule that a PUT leaves out, so that the present ones are sent again."""
        now = await self._client.fetch_or_none(self._at(request.name), parse_environment)
        reviewers = request.reviewers
        if reviewers is None:
            reviewers = tuple(one.id for one in now.reviewers) if now else ()
        wait, own = request.wait_timer, request.prevent_self_review
        wish: dict[str, Any] = {
            "wait_timer": wait if wait is not None else now.wait_timer if now else 0,
            "prevent_self_review": own if own is not None else now.prevent_self_review if now else False,
            "reviewers": [_reviewer(one) for one in reviewers] or None,
            "deployment_branch_policy": _policy(request.branches or (now.branches if now else EVERY)),
        }
        await self._client.change("PUT", self._at(request.name), wish, parse_environment)


def _say(request: SetEnvironment) -> str:
    wait, own = request.wait_timer, request.prevent_self_review
    told = {
        "wait": None if wait is None else f"{wait} min",
        "reviewers": None if request.reviewers is None else ", ".join(request.reviewers) or "none",
        "self-review": None if own is None else "no" if own else "yes",
        "branches": request.branches,
    }
    return f"{request.name}: " + (", ".join(f"{name} {value}" for name, value in told.items() if value) or "exists")


def _reviewer(written: str) -> Mapping[str, Any]:
    kind, _, number = written.partition(":")
    return {"type": KINDS.get(kind, kind), "id": int(number) if number.isdigit() else number}


def _policy(branches: str) -> Mapping[str, bool] | None:
    if branches == EVERY:
        return None
    return {"protected_branches": branches == PROTECTED, "custom_branch_policies": branches == CUSTOM}


def parse_environment(node: object) -> Environment:
    rules = {text(rule, "type"): rule for rule in items(node, "protection_rules")}
    required = rules.get("required_reviewers")
    known = {"wait_timer", "required_reviewers", "branch_policy"}
    return Environment(
        name=need_text(node, "name"),
        url=text(node, "html_url"),
        wait_timer=whole(rules.get("wait_timer"), "wait_timer") or 0,
        reviewers=tuple(_parse_reviewer(one) for one in items(required, "reviewers")),
        prevent_self_review=flag(required, "prevent_self_review") or False,
        branches=_branches(pick(node, "deployment_branch_policy")),
        other_rules=tuple(sorted(set(rules) - known)),
    )


def _parse_environments(node: object) -> Sequence[Environment]:
    return [parse_environment(one) for one in need_items(node, "environments")]


def _parse_reviewer(node: object) -> Reviewer:
    who = pick(node, "reviewer")
    kind = text(node, "type").lower() or "user"
    return Reviewer(f"{kind}:{text(who, 'id')}", text(who, "login") or text(who, "slug") or text(who, "name"))


def _branches(policy: object) -> str:
    if policy is None:
        return EVERY
    return CUSTOM if flag(policy, "custom_branch_policies") else PROTECTED

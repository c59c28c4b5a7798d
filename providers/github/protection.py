"""What GitHub demands before a branch changes: by rulesets, which every reader sees, and by the branch's own settings.

Both may hold at once, so that both are asked. The branch's settings are shown to administrators only; where they are
hidden, that is said, because hidden is not the same as none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from console.domain.errors import Unauthorized
from providers.contract import Nothing
from providers.github.client import GitHubClient
from providers.wire import flag, items, need_items, need_text, pick, table, text, texts, whole

NOT_PROTECTED = "branch not protected"
OF_THE_BRANCH = "branch protection"
SWITCHES = (
    "enforce_admins",
    "required_signatures",
    "required_linear_history",
    "lock_branch",
    "required_conversation_resolution",
    "block_creations",
)


@dataclass(frozen=True)
class ShowProtection:
    branch: Annotated[str, "the branch"] = "main"


@dataclass(frozen=True)
class Requirement:
    """One demand: GitHub's word for its kind, what it says in particular, and where it comes from."""

    kind: str
    detail: str
    source: str


@dataclass(frozen=True)
class Protection:
    """`complete` is false where the branch's own settings could not be seen."""

    branch: str
    complete: bool
    required_checks: tuple[str, ...]
    required_approvals: int
    required_environments: tuple[str, ...]
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True)
class Ruleset:
    """`enforcement` is active, evaluate (only watched) or disabled, in GitHub's words."""

    id: str
    name: str
    target: str
    source: str
    enforcement: str


@dataclass(frozen=True)
class _Demands:
    requirements: tuple[Requirement, ...] = ()
    checks: tuple[str, ...] = ()
    approvals: int = 0
    environments: tuple[str, ...] = ()


class ProtectionReadings:
    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def show(self, request: ShowProtection) -> Protection:
        by_rules = self._client.fetch_all(self._client.at("rules", "branches", request.branch), parse_rules)
        rules, own = await asyncio.gather(by_rules, self._own_settings(request.branch))
        demands = [*rules, *([own] if own else [])]
        return Protection(
            branch=request.branch,
            complete=own is not None,
            required_checks=tuple(sorted({name for one in demands for name in one.checks})),
            required_approvals=max((one.approvals for one in demands), default=0),
            required_environments=tuple(sorted({name for one in demands for name in one.environments})),
            requirements=tuple(requirement for one in demands for requirement in one.requirements),
        )

    async def list_rulesets(self, request: Nothing) -> Sequence[Ruleset]:
        return await self._client.fetch_all(self._client.at("rulesets"), _parse_rulesets)

    async def _own_settings(self, branch: str) -> _Demands | None:
        """None where they are hidden: GitHub answers 403, or 404 with other words than for a branch without any."""
        path = self._client.at("branches", branch, "protection")
        try:
            reply = await self._client.http.send("GET", path, accept=(404,))
        except Unauthorized:
            return None
        if reply.status == 404:
            return _Demands() if text(reply.json, "message").lower() == NOT_PROTECTED else None
        return self._client.http.decode(reply, parse_own_settings)


def parse_rules(node: object) -> Sequence[_Demands]:
    return [_parse_rule(rule) for rule in need_items(node)]


def _parse_rule(rule: object) -> _Demands:
    kind, parameters = need_text(rule, "type"), pick(rule, "parameters")
    checks = tuple(text(one, "context") for one in items(parameters, "required_status_checks"))
    approvals = whole(parameters, "required_approving_review_count") or 0
    environments = texts(parameters, "required_deployment_environments")
    detail = ", ".join([*checks, *environments, *([f"{approvals} approvals"] if kind == "pull_request" else [])])
    source = f"ruleset {text(rule, 'ruleset_id')} of {text(rule, 'ruleset_source')}"
    return _Demands((Requirement(kind, detail, source),), checks, approvals, environments)


def parse_own_settings(node: object) -> _Demands:
    """The settings that demand something. GitHub lists checks twice; the newer list names the same ones."""
    settings = table(node)
    found: list[Requirement] = []
    policy, reviews = pick(node, "required_status_checks"), pick(node, "required_pull_request_reviews")
    named = [text(one, "context") for one in items(policy, "checks")]
    checks = tuple(dict.fromkeys([*named, *texts(policy, "contexts")]))
    approvals = whole(reviews, "required_approving_review_count") or 0
    if policy is not None:
        up_to_date = ["up to date with the branch"] if flag(policy, "strict") else []
        found.append(Requirement("required_status_checks", ", ".join([*checks, *up_to_date]), OF_THE_BRANCH))
    if reviews is not None:
        owners = [" with code owners"] if flag(reviews, "require_code_owner_reviews") else []
        found.append(Requirement("pull_request", "".join([f"{approvals} approvals", *owners]), OF_THE_BRANCH))
    if settings.get("restrictions") is not None:
        found.append(Requirement("restrictions", "only some may push", OF_THE_BRANCH))
    found += [Requirement(name, "", OF_THE_BRANCH) for name in SWITCHES if flag(node, name, "enabled")]
    forbidden = {"allow_force_pushes": "non_fast_forward", "allow_deletions": "deletion"}
    found += [
        Requirement(kind, "", OF_THE_BRANCH) for name, kind in forbidden.items() if flag(node, name, "enabled") is False
    ]
    return _Demands(tuple(found), checks, approvals)


def _parse_rulesets(node: object) -> Sequence[Ruleset]:
    return [
        Ruleset(
            id=need_text(one, "id"),
            name=need_text(one, "name"),
            target=text(one, "target"),
            source=text(one, "source"),
            enforcement=text(one, "enforcement"),
        )
        for one in need_items(node)
    ]

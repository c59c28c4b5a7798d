"""GitHub's environments and the rules that protect them. A PUT resets every rule that it leaves out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators import github_shapes as shapes
from console.playground.emulators.clock import Clock, iso_seconds
from console.playground.emulators.emulator import Tally
from console.playground.emulators.github_app import Frontdoor, api_of, paged
from console.playground.emulators.github_code import Code
from console.playground.emulators.wire import Refusal, as_json, read_object

Json = dict[str, Any]
LONGEST_WAIT = 43_200
REVIEWERS_AT_MOST = 6


@dataclass
class Rules:
    """`reviewers` are pairs of kind (`User`, `Team`) and number; `policy` is GitHub's own, None for every branch."""

    wait_timer: int = 0
    reviewers: tuple[tuple[str, int], ...] = ()
    prevent_self_review: bool = False
    policy: Json | None = None


@dataclass
class Environment:
    id: int
    name: str
    at: float
    updated_at: float
    rules: Rules


class Environments:
    """Made by hand, or by the first deployment that names them."""

    def __init__(self, code: Code, clock: Clock, tally: Tally) -> None:
        self._code = code
        self._clock = clock
        self._tally = tally
        founded = code.releases.first.created_at.timestamp()
        self.all = {
            name: Environment(number, name, founded, founded, Rules())
            for number, name in ((501, "production"), (502, "staging"))
        }

    def ensure(self, name: str) -> Environment:
        if name not in self.all:
            now = self._clock.now()
            self.all[name] = Environment(501 + len(self.all), name, now, now, Rules())
        return self.all[name]

    def routes(self, door: Frontdoor) -> list[Route]:
        environments = "/repos/{owner}/{repo}/environments"
        return [
            door.route("GET", environments, self._list),
            door.route("GET", f"{environments}/{{name:path}}", self._get),
            door.route("PUT", f"{environments}/{{name:path}}", self._put),
        ]

    async def _list(self, request: Request) -> Response:
        self._code.own(request)
        return paged(request, [self._json(request, one) for one in self.all.values()], "environments")

    async def _get(self, request: Request) -> Response:
        self._code.own(request)
        name = request.path_params["name"]
        if name not in self.all:
            raise Refusal(404, "Not Found")
        return as_json(self._json(request, self.all[name]))

    async def _put(self, request: Request) -> Response:
        self._code.own(request)
        rules = _read_rules(await read_object(request, required=False))
        is_new = request.path_params["name"] not in self.all
        environment = self.ensure(request.path_params["name"])
        if is_new or environment.rules != rules:
            environment.rules, environment.updated_at = rules, self._clock.now()
            self._tally.add("environment")
        return as_json(self._json(request, environment))

    def _json(self, request: Request, environment: Environment) -> Json:
        at, name = f"{api_of(request)}/repos/{self._code.full_name}", environment.name
        log = f"https://github.com/{self._code.full_name}/deployments/activity_log?environments_filter={name}"
        return {
            "id": environment.id,
            "node_id": shapes.node_id("Environment", environment.id),
            "name": name,
            "url": f"{at}/environments/{name}",
            "html_url": log,
            "created_at": iso_seconds(environment.at),
            "updated_at": iso_seconds(environment.updated_at),
            "protection_rules": list(_rules_json(request, environment)),
            "deployment_branch_policy": environment.rules.policy,
        }


def _read_rules(wish: Json) -> Rules:
    wait = wish.get("wait_timer") or 0
    if not isinstance(wait, int) or not 0 <= wait <= LONGEST_WAIT:
        raise Refusal(422, f"Wait timer must be between 0 and {LONGEST_WAIT}")
    reviewers = wish.get("reviewers") or []
    if len(reviewers) > REVIEWERS_AT_MOST:
        raise Refusal(422, f"Only {REVIEWERS_AT_MOST} reviewers are allowed")
    if any(one.get("type") not in ("User", "Team") or not isinstance(one.get("id"), int) for one in reviewers):
        raise Refusal(422, "Reviewers are not valid")
    policy = wish.get("deployment_branch_policy")
    if policy is not None and policy.get("protected_branches") == policy.get("custom_branch_policies"):
        raise Refusal(422, "protected_branches and custom_branch_policies cannot have the same value")
    people = tuple(sorted({(one["type"], one["id"]) for one in reviewers}))
    return Rules(wait, people, bool(wish.get("prevent_self_review")), policy)


def _rules_json(request: Request, environment: Environment) -> Iterator[Json]:
    rules, number = environment.rules, environment.id * 10
    if rules.wait_timer:
        yield {**_rule(number + 1, "wait_timer"), "wait_timer": rules.wait_timer}
    if rules.reviewers:
        people = [{"type": kind, "reviewer": _reviewer(request, kind, who)} for kind, who in rules.reviewers]
        told = {"prevent_self_review": rules.prevent_self_review, "reviewers": people}
        yield {**_rule(number + 2, "required_reviewers"), **told}
    if rules.policy:
        yield _rule(number + 3, "branch_policy")


def _rule(number: int, kind: str) -> Json:
    return {"id": number, "node_id": shapes.node_id("Gate", number), "type": kind}


def _reviewer(request: Request, kind: str, number: int) -> Json:
    if kind == "User":
        return {**shapes.user(api_of(request), f"user-{number}"), "id": number}
    at = f"{api_of(request)}/organizations/{shapes.OWNER_ID}/team/{number}"
    return {
        "id": number,
        "node_id": shapes.node_id("Team", number),
        "name": f"Team {number}",
        "slug": f"team-{number}",
        "description": None,
        "privacy": "closed",
        "permission": "pull",
        "url": at,
        "html_url": f"https://github.com/orgs/quarterdeck-demo/teams/team-{number}",
        "members_url": f"{at}/members{{/member}}",
        "repositories_url": f"{at}/repos",
        "type": "organization",
        "parent": None,
    }

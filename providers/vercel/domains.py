"""A project's domains at the desk: add, verify, remove, and whether the world's DNS leads them here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from providers import wire
from providers.ensuring import UNKNOWN, Ensuring, Standing, absent, done
from providers.http import segment
from providers.vercel.client import VercelClient
from providers.vercel.projects import ProjectName

DomainName = Annotated[str, "the domain"]


@dataclass(frozen=True)
class ProjectDomains:
    project: ProjectName


@dataclass(frozen=True)
class DomainConfiguration:
    domain: DomainName


@dataclass(frozen=True)
class AddDomain:
    project: ProjectName
    domain: DomainName
    redirect: Annotated[str, "answer with a redirect to that domain; empty serves"] = ""
    branch: Annotated[str, "serve that branch's previews; empty serves production"] = ""


@dataclass(frozen=True)
class VerifyDomain:
    project: ProjectName
    domain: DomainName


@dataclass(frozen=True)
class RemoveDomain:
    project: ProjectName
    domain: DomainName


@dataclass(frozen=True)
class Challenge:
    """A DNS record that proves whose the domain is."""

    type: str
    domain: str
    value: str
    reason: str


@dataclass(frozen=True)
class ProjectDomain:
    name: str
    verified: bool
    redirect: str
    branch: str
    challenges: tuple[Challenge, ...]


def parse_domain(row: object) -> ProjectDomain:
    return ProjectDomain(
        wire.need_text(row, "name"),
        wire.flag(row, "verified") or False,
        wire.text(row, "redirect"),
        wire.text(row, "gitBranch"),
        tuple(
            Challenge(*(wire.text(one, part) for part in ("type", "domain", "value", "reason")))
            for one in wire.items(row, "verification")
        ),
    )


def parse_configuration(body: object) -> Mapping[str, object]:
    wire.need_table(body)
    return {
        "misconfigured": wire.flag(body, "misconfigured"),
        "configured_by": wire.text(body, "configuredBy"),
        "cname": [wire.text(one, "value") for one in wire.items(body, "recommendedCNAME")],
        "ipv4": [address for one in wire.items(body, "recommendedIPv4") for address in wire.texts(one, "value")],
    }


class Domains:
    """The readings and the actuators."""

    def __init__(self, client: VercelClient) -> None:
        self._client = client
        self._http = client.http
        self.adding = Ensuring(AddDomain, self._look_at_added, self._add)
        self.verifying = Ensuring(VerifyDomain, self._look_at_verified, self._verify)
        self.removing = Ensuring(RemoveDomain, self._look_at_removed, self._remove)

    async def fetch(self, request: ProjectDomains) -> Sequence[ProjectDomain]:
        return await self._client.fetch_pages(
            f"/v9/projects/{segment(request.project)}/domains",
            lambda body: [parse_domain(row) for row in wire.need_items(body, "domains")],
        )

    async def fetch_configuration(self, request: DomainConfiguration) -> Mapping[str, object]:
        return await self._http.fetch(f"/v6/domains/{segment(request.domain)}/config", parse_configuration)

    async def _find(self, project: str, domain: str) -> tuple[bool, ProjectDomain | None]:
        """Whether the project is known, and its domain of that name."""
        if await self._client.fetch_project_or_none(project) is None:
            return False, None
        everything = await self.fetch(ProjectDomains(project))
        return True, next((one for one in everything if one.name == domain), None)

    async def _look_at_added(self, request: AddDomain) -> Standing:
        known, domain = await self._find(request.project, request.domain)
        if not known:
            return UNKNOWN
        if domain is None or (domain.redirect, domain.branch) != (request.redirect, request.branch):
            return absent()
        return done(_describe(domain), verified=domain.verified, challenges=_challenges(domain))

    async def _add(self, request: AddDomain) -> None:
        wanted = {"redirect": request.redirect or None, "gitBranch": request.branch or None}
        path = f"/v10/projects/{segment(request.project)}/domains"
        _, there = await self._find(request.project, request.domain)
        if there is not None:
            path = f"/v9/projects/{segment(request.project)}/domains/{segment(request.domain)}"
            await self._http.send("PATCH", path, json=wanted, repeatable=True)
        else:
            given = {name: value for name, value in wanted.items() if value}
            await self._http.send("POST", path, json={"name": request.domain, **given})

    async def _look_at_verified(self, request: VerifyDomain) -> Standing:
        known, domain = await self._find(request.project, request.domain)
        if not known or domain is None:
            return UNKNOWN
        return done(_describe(domain)) if domain.verified else absent(_describe(domain))

    async def _verify(self, request: VerifyDomain) -> None:
        path = f"/v9/projects/{segment(request.project)}/domains/{segment(request.domain)}/verify"
        await self._http.send("POST", path, repeatable=True)

    async def _look_at_removed(self, request: RemoveDomain) -> Standing:
        known, domain = await self._find(request.project, request.domain)
        if not known:
            return UNKNOWN
        return (
            absent(f"{domain.name} is still there") if domain else done(f"{request.domain} is no domain of the project")
        )

    async def _remove(self, request: RemoveDomain) -> Mapping[str, object]:
        """The outputs are what adding it again takes."""
        _, before = await self._find(request.project, request.domain)
        path = f"/v9/projects/{segment(request.project)}/domains/{segment(request.domain)}"
        await self._http.send("DELETE", path, accept=(404,))
        return {"redirect": before.redirect, "branch": before.branch} if before else {}


def _describe(domain: ProjectDomain) -> str:
    if domain.verified:
        return f"{domain.name} is verified"
    wanted = "; ".join(f"a {one.type} record at {one.domain} with {one.value}" for one in domain.challenges)
    return f"{domain.name} is added and serves once it is verified: {wanted or 'Vercel does not say how'}"


def _challenges(domain: ProjectDomain) -> list[dict[str, str]]:
    return [{"type": one.type, "domain": one.domain, "value": one.value} for one in domain.challenges]

"""Custom domains of a service. Certificates are Render's own affair: once a name is verified, its API tells of none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers import wire
from providers.ensuring import Setting
from providers.http import segment
from providers.render.client import RenderClient
from providers.render.services import OneService, ServiceId

DomainName = Annotated[str, "the domain, as shop.example.com"]
VERIFIED = "verified"


@dataclass(frozen=True)
class AddDomain:
    service: ServiceId
    name: DomainName


@dataclass(frozen=True)
class VerifyDomain:
    service: ServiceId
    name: DomainName


@dataclass(frozen=True)
class RemoveDomain:
    service: ServiceId
    name: DomainName


@dataclass(frozen=True)
class Domain:
    """`status` is Render's word; `redirects_to` is the other name of a pair that Render made (apex and `www.`)."""

    id: str
    name: str
    kind: str
    status: str
    redirects_to: str
    created_at: datetime | None

    @property
    def is_verified(self) -> bool:
        return self.status == VERIFIED


def parse_domain(body: object) -> Domain:
    return Domain(
        id=wire.need_text(body, "id"),
        name=wire.need_text(body, "name"),
        kind=wire.text(body, "domainType"),
        status=wire.text(body, "verificationStatus"),
        redirects_to=wire.text(body, "redirectForName"),
        created_at=wire.moment(body, "createdAt"),
    )


class Domains:
    def __init__(self, client: RenderClient) -> None:
        self.client = client

    async def fetch(self, request: OneService) -> Sequence[Domain]:
        return await self.client.fetch_list(_path(request.service), "customDomain", parse_domain)

    async def find(self, service: str) -> Sequence[Domain] | None:
        """None for a service that Render does not know."""
        return await self.client.fetch_list_or_none(_path(service), "customDomain", parse_domain)

    async def find_one(self, service: str, name: str) -> Domain | None:
        found = await self.find(service) or ()
        return next((domain for domain in found if domain.name == name), None)


def make_add(domains: Domains) -> Setting[AddDomain]:
    """The name is what makes it harmless: it is asked for only where the service does not have it."""

    async def holds(request: AddDomain) -> bool | None:
        found = await domains.find(request.service)
        return None if found is None else any(domain.name == request.name for domain in found)

    async def write(request: AddDomain) -> None:
        await domains.client.http.send("POST", _path(request.service), json={"name": request.name})

    return Setting(AddDomain, holds=holds, write=write, say=lambda request: f"{request.name} is a domain of it")


def make_verify(domains: Domains) -> Setting[VerifyDomain]:
    """Ask Render to look at the DNS again. It ends when the name is verified."""

    async def holds(request: VerifyDomain) -> bool | None:
        found = await domains.find_one(request.service, request.name)
        return None if found is None else found.is_verified

    async def write(request: VerifyDomain) -> None:
        path = f"{_path(request.service)}/{segment(request.name)}/verify"
        await domains.client.http.send("POST", path, repeatable=True)

    return Setting(VerifyDomain, holds=holds, write=write, say=lambda request: f"{request.name} is verified")


def make_remove(domains: Domains) -> Setting[RemoveDomain]:
    async def holds(request: RemoveDomain) -> bool | None:
        found = await domains.find(request.service)
        return None if found is None else all(domain.name != request.name for domain in found)

    async def write(request: RemoveDomain) -> None:
        path = f"{_path(request.service)}/{segment(request.name)}"
        await domains.client.http.send("DELETE", path, accept=(404,))

    return Setting(RemoveDomain, holds=holds, write=write, say=lambda request: f"{request.name} is gone")


def _path(service: str) -> str:
    return f"/services/{segment(service)}/custom-domains"

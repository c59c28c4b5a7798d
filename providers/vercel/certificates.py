"""TLS certificates at the desk: list, show, issue. Vercel renews what it has issued by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from providers import wire
from providers.contract import Operation, OperationKey, OperationStatus
from providers.http import segment
from providers.vercel.client import VercelClient
from providers.vercel.deploys import lost

CLOCK_TOLERANCE = timedelta(milliseconds=500)


@dataclass(frozen=True)
class Certificates:
    name: Annotated[str, "only those for that hostname; empty lists all"] = ""


@dataclass(frozen=True)
class OneCertificate:
    certificate: Annotated[str, "the certificate's id"]


@dataclass(frozen=True)
class IssueCertificate:
    names: Annotated[tuple[str, ...], "the hostnames that it is for"]


@dataclass(frozen=True)
class Certificate:
    id: str
    names: tuple[str, ...]
    expires_at: datetime | None
    created_at: datetime | None
    renews: bool


def parse_certificate(row: object) -> Certificate:
    return Certificate(
        wire.need_text(row, "id"),
        wire.texts(row, "cns"),
        wire.moment(row, "expiresAt"),
        wire.moment(row, "createdAt"),
        wire.flag(row, "autoRenew") or False,
    )


class CertificateOffice:
    """The readings, and `Actuator[IssueCertificate]`. The reference is the certificate's id.

    Issuing has no key: it is found again as a certificate for exactly those names that is not older than the wish.
    """

    def __init__(self, client: VercelClient) -> None:
        self._client = client
        self._http = client.http

    async def fetch_all(self, request: Certificates) -> Sequence[Certificate]:
        listed = await self._client.fetch_pages(
            "/v8/certs",
            lambda body: [parse_certificate(row) for row in wire.need_items(body, "certs")],
            {"limit": None},
        )
        return [one for one in listed if not request.name or request.name in one.names]

    async def fetch(self, request: OneCertificate) -> Certificate:
        return await self._http.fetch(f"/v8/certs/{segment(request.certificate)}", parse_certificate)

    async def start(self, request: IssueCertificate, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        reply = await self._http.send("POST", "/v8/certs", json={"cns": list(request.names)})
        return _operation(self._http.decode(reply, parse_certificate))

    async def observe(self, reference: str) -> Operation:
        path = f"/v8/certs/{segment(reference)}"
        found = await self._http.fetch_or_none(path, parse_certificate) if reference else None
        return _operation(found) if found else lost(reference)

    async def find(self, request: IssueCertificate, key: OperationKey) -> Operation | None:
        since = self._http.platform_time(key.intended_at) - CLOCK_TOLERANCE
        for one in await self.fetch_all(Certificates()):
            if set(one.names) == set(request.names) and one.created_at is not None and one.created_at >= since:
                return _operation(one)
        return None


def _operation(certificate: Certificate) -> Operation:
    until = f"{certificate.expires_at:%Y-%m-%d}" if certificate.expires_at else "a day that Vercel does not tell"
    detail = f"for {', '.join(certificate.names)} until {until}"
    return Operation(certificate.id, OperationStatus.SUCCEEDED, detail, {"certificate": certificate.id})

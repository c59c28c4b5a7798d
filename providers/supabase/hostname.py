"""A project's own hostname: asked for, verified by DNS, activated, removed.

Supabase goes through numbered states (`2_initiated`, `3_challenge_verified`, …); a later one includes the earlier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from providers.ensuring import UNKNOWN, Ensuring, Standing, absent, done, moving
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, project_path
from providers.wire import items, need_table, table, text

INITIATED, VERIFIED, SET_UP, ACTIVE = 2, 3, 4, 5


@dataclass(frozen=True)
class SetHostname:
    project: ProjectRef
    hostname: Annotated[str, "e.g. api.example.com; needs the add-on for custom domains"]


@dataclass(frozen=True)
class VerifyHostname:
    project: ProjectRef


@dataclass(frozen=True)
class ActivateHostname:
    project: ProjectRef


@dataclass(frozen=True)
class RemoveHostname:
    project: ProjectRef


class Hostnames:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def fetch(self, request: OfProject) -> Row:
        """What is configured, the DNS records that it waits for, and what was wrong with them."""
        told = await self._find(request.project)
        result = table(told, "data", "result")
        ownership = table(result, "ownership_verification")
        records = [f"TXT {text(ownership, 'name')} {text(ownership, 'value')}"] if ownership else []
        records += [
            f"TXT {text(one, 'txt_name')} {text(one, 'txt_value')}"
            for one in items(result, "ssl", "validation_records")
        ]
        return {
            "hostname": text(told, "custom_hostname"),
            "status": text(told, "status") or "none",
            "certificate": text(result, "ssl", "status"),
            "records": records,
            "errors": _errors(told),
        }

    def setting(self) -> Ensuring[SetHostname]:
        async def look(request: SetHostname) -> Standing:
            told = await self._find(request.project)
            if text(told, "custom_hostname") != request.hostname:
                return absent()
            status = text(told, "status")
            return done(status) if _reached(told) >= INITIATED else moving(status)

        async def write(request: SetHostname) -> None:
            body = {"custom_hostname": request.hostname}
            await self._http.send("POST", _path(request.project, "initialize"), json=body)

        return Ensuring(SetHostname, look, write)

    def verifying(self) -> Ensuring[VerifyHostname]:
        async def look(request: VerifyHostname) -> Standing:
            return await self._look(request.project, VERIFIED)

        async def write(request: VerifyHostname) -> None:
            await self._http.send("POST", _path(request.project, "reverify"))

        return Ensuring(VerifyHostname, look, write)

    def activating(self) -> Ensuring[ActivateHostname]:
        async def look(request: ActivateHostname) -> Standing:
            return await self._look(request.project, ACTIVE)

        async def write(request: ActivateHostname) -> None:
            await self._http.send("POST", _path(request.project, "activate"))

        return Ensuring(ActivateHostname, look, write)

    def removing(self) -> Ensuring[RemoveHostname]:
        async def look(request: RemoveHostname) -> Standing:
            told = await self._find(request.project)
            name = text(told, "custom_hostname")
            return absent(f"{name} is still configured") if name else done("no custom hostname")

        async def write(request: RemoveHostname) -> None:
            await self._http.send("DELETE", _path(request.project), accept=(404,))

        return Ensuring(RemoveHostname, look, write)

    async def _look(self, ref: str, wanted: int) -> Standing:
        told = await self._find(ref)
        if not told:
            return UNKNOWN
        status, errors = text(told, "status"), "; ".join(_errors(told))
        words = " · ".join(part for part in (text(told, "custom_hostname"), status, errors) if part)
        return done(words) if _reached(told) >= wanted else absent(words)

    async def _find(self, ref: str) -> Mapping[str, object]:
        return await self._http.fetch_or_none(_path(ref), need_table) or {}


def _path(ref: str, *rest: str) -> str:
    return project_path(ref, "custom-hostname", *rest)


def _reached(told: object) -> int:
    number = text(told, "status").partition("_")[0]
    return int(number) if number.isdigit() else 0


def _errors(told: object) -> list[str]:
    result = table(told, "data", "result")
    said = [text(one, "message") for one in items(result, "ssl", "validation_errors")]
    return [*said, *(one for one in items(result, "verification_errors") if isinstance(one, str))]

"""Who may reach a project's database: allowed ranges of addresses, banned addresses, encryption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from providers.ensuring import Ensuring, Setting, Standing, absent, done, moving
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, project_path
from providers.wire import flag, need_items, need_table, pick, text, texts


@dataclass(frozen=True)
class RestrictNetwork:
    project: ProjectRef
    v4: Annotated[tuple[str, ...], "IPv4 ranges that may connect, all others may not; 0.0.0.0/0 for everybody"]
    v6: Annotated[tuple[str, ...], "IPv6 ranges that may connect, all others may not; ::/0 for everybody"] = ()


@dataclass(frozen=True)
class LiftBans:
    project: ProjectRef
    addresses: Annotated[tuple[str, ...], "banned IPv4 addresses as `network-bans` lists them"]


@dataclass(frozen=True)
class EnforceSsl:
    project: ProjectRef
    enabled: Annotated[bool, "whether the database refuses connections without encryption"]


class Network:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def fetch_restrictions(self, request: OfProject) -> Row:
        told = await self._http.fetch(_restrictions(request.project), need_table)
        return {
            "entitlement": text(told, "entitlement"),
            "status": text(told, "status"),
            "v4": texts(told, "config", "dbAllowedCidrs"),
            "v6": texts(told, "config", "dbAllowedCidrsV6"),
            "updated_at": pick(told, "updated_at"),
        }

    async def fetch_bans(self, request: OfProject) -> Row:
        return {"addresses": await self._bans(request.project)}

    async def fetch_ssl(self, request: OfProject) -> Row:
        told = await self._http.fetch(_ssl(request.project), need_table)
        return {"enabled": flag(told, "currentConfig", "database"), "applied": flag(told, "appliedSuccessfully")}

    def restricting(self) -> Ensuring[RestrictNetwork]:
        async def look(request: RestrictNetwork) -> Standing:
            now = await self._http.fetch(_restrictions(request.project), need_table)
            allowed = [set(texts(now, "config", name)) for name in ("dbAllowedCidrs", "dbAllowedCidrsV6")]
            if allowed != [set(request.v4), set(request.v6)]:
                return absent("other addresses are allowed")
            words, status = f"only {', '.join((*request.v4, *request.v6)) or 'nobody'}", text(now, "status")
            return done(words) if status == "applied" else moving(f"{words}: {status}")

        async def write(request: RestrictNetwork) -> None:
            body = {"dbAllowedCidrs": list(request.v4), "dbAllowedCidrsV6": list(request.v6)}
            path = project_path(request.project, "network-restrictions/apply")
            await self._http.send("POST", path, json=body, repeatable=True)

        return Ensuring(RestrictNetwork, look, write)

    def lifting_bans(self) -> Setting[LiftBans]:
        async def holds(request: LiftBans) -> bool:
            return not set(await self._bans(request.project)) & set(request.addresses)

        async def write(request: LiftBans) -> None:
            body = {"ipv4_addresses": list(request.addresses)}
            await self._http.send("DELETE", project_path(request.project, "network-bans"), json=body)

        def say(request: LiftBans) -> str:
            return f"not banned: {', '.join(request.addresses)}"

        return Setting(LiftBans, holds=holds, write=write, say=say)

    def enforcing_ssl(self) -> Ensuring[EnforceSsl]:
        async def look(request: EnforceSsl) -> Standing:
            now = await self.fetch_ssl(OfProject(request.project))
            if now["enabled"] is not request.enabled:
                return absent("not yet so")
            words = f"encryption {'required' if request.enabled else 'left to the client'}"
            return done(words) if now["applied"] is not False else moving(f"{words}; not applied yet")

        async def write(request: EnforceSsl) -> None:
            body = {"requestedConfig": {"database": request.enabled}}
            await self._http.send("PUT", _ssl(request.project), json=body)

        return Ensuring(EnforceSsl, look, write)

    async def _bans(self, ref: str) -> tuple[str, ...]:
        """A question that the platform has as a POST; it may be asked again."""
        reply = await self._http.send("POST", project_path(ref, "network-bans/retrieve"), repeatable=True)
        listed = self._http.decode(reply, lambda node: need_items(node, "banned_ipv4_addresses"))
        return tuple(one for one in listed if isinstance(one, str))


def _restrictions(ref: str) -> str:
    return project_path(ref, "network-restrictions")


def _ssl(ref: str) -> str:
    return project_path(ref, "ssl-enforcement")

"""Settings of a project's authentication. Secrets among them are shown as set or not set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from providers.ensuring import HIDDEN, Ensuring, Sealed, Standing, absent, done
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import ProjectRef, Row, project_path
from providers.supabase.values import UNSET, is_same, parse_value
from providers.wire import need_table, pick

SECRET_ENDINGS = frozenset({"secret", "secrets", "pass", "key", "token"})
SET, NOT_SET = "set", "not set"
# An unset number reads as null, so that its kind cannot be told from what is there.
NUMBERS = ("_limit", "_exp", "_length", "_factors", "_frequency", "_size", "_interval", "_timeout", "_timebox")


@dataclass(frozen=True)
class AuthSettings:
    project: ProjectRef
    names: Annotated[tuple[str, ...], "only settings whose name holds one of these texts; empty for all"] = ()


@dataclass(frozen=True)
class SetAuth:
    project: ProjectRef
    settings: Annotated[Mapping[str, str], "names and values, e.g. site_url=https://…; `null` unsets one"]
    secrets: Annotated[Mapping[str, str], "the same for values that must not be shown, e.g. smtp_pass"] = field(
        default_factory=dict
    )


class Auth:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def fetch_settings(self, request: AuthSettings) -> Row:
        told = await self._http.fetch(_path(request.project), need_table)
        return {
            name: (SET if value else NOT_SET) if is_secret(name) else value
            for name, value in sorted(told.items())
            if not request.names or any(part in name for part in request.names)
        }

    def setting(self) -> Ensuring[SetAuth]:
        async def look(request: SetAuth) -> Standing:
            now = await self._http.fetch(_path(request.project), need_table)
            wanted = {name: _typed(name, value, pick(now, name)) for name, value in request.settings.items()}
            other = [name for name, value in wanted.items() if not is_same(pick(now, name), value, request.project)]
            other += [name for name, value in request.secrets.items() if not _holds(pick(now, name), value, request)]
            names = ", ".join((*request.settings, *request.secrets))
            return absent(f"not yet set: {', '.join(other)}") if other else done(f"set {names}")

        async def write(request: SetAuth) -> None:
            now = await self._http.fetch(_path(request.project), need_table)
            told = {**request.settings, **request.secrets}
            body = {name: _typed(name, value, pick(now, name)) for name, value in told.items()}
            await self._http.send("PATCH", _path(request.project), json=body, repeatable=True)

        return Ensuring(SetAuth, look, write, sealed=Sealed(self._http, ("secrets",)))


def is_secret(name: str) -> bool:
    return name.rpartition("_")[2] in SECRET_ENDINGS


def _path(ref: str) -> str:
    return project_path(ref, "config/auth")


def _holds(shown: object, value: str, request: SetAuth) -> bool:
    """A hidden value is one whose reference is looked at later: that it is set is all that can be said."""
    return bool(shown) if value is HIDDEN else is_same(shown, value, request.project)


def _typed(name: str, value: str, now: object) -> object:
    if value == UNSET:
        return None
    if isinstance(now, bool):
        return parse_value(value, bool)
    if isinstance(now, int | float) or (now is None and name.startswith("rate_limit_")):
        return parse_value(value, int) if value.lstrip("-").isdigit() else parse_value(value, float)
    if now is None and name.endswith(NUMBERS):
        return parse_value(value, int)
    return parse_value(value, bool) if now is None and name.endswith("_enabled") else value

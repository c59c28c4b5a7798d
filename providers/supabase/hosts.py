"""A project's own host, `https://{ref}.supabase.co`: Storage, and the page of figures.

It wants a secret key of the project. The key is asked of the Management API when it is first needed, kept in memory
only, and asked for again when it is refused: so a rotated key is noticed. Storage hides nearly every status in the body
of a 400; here it is brought to light, so that it becomes the error that it is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import httpx

from console.domain.errors import Rejected, Unauthorized
from providers.http import Params, ProviderHttp, Reply
from providers.refusals import Refusals, read_words
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import fetch_text, project_path
from providers.wire import need_items, text, whole

OFFICIAL_API = "https://api.supabase.com"
OFFICIAL_HOSTS = "https://{ref}.supabase.co"
METRICS = "/customer/v1/privileged/metrics"
STORAGE = "/storage/v1"
SERVICE_ROLE = "service_role"


class ProjectHosts:
    """All projects' hosts, over one client.

    Args:
        address: Where a project lives, with `{ref}` in it.
    """

    def __init__(self, client: SupabaseClient, http: ProviderHttp, address: str) -> None:
        self.http = http
        self._client = client
        self._address = address
        self._keys: dict[str, str] = {}
        self._refusals = Refusals(http.provider, http.platform, (), read_words, lambda response: False)

    async def storage(
        self,
        ref: str,
        method: str,
        path: str,
        *,
        body: Any = None,
        content: bytes | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        repeatable: bool | None = None,
        as_text: bool = False,
        as_bytes: bool = False,
        answer: float | None = None,
    ) -> Reply:
        """Ask Storage; `accept` are true statuses that are an answer rather than an error.

        Raises:
            The contract's errors, by the true status.
        """
        key = await self._key(ref)
        told = {"authorization": f"Bearer {key}", "apikey": key, **(headers or {})}
        try:
            reply = await self.http.send(
                method,
                f"{self._host(ref)}{STORAGE}{path}",
                json=body,
                content=content,
                params=params,
                headers=told,
                accept=(400, *accept),
                repeatable=repeatable,
                as_text=as_text,
                as_bytes=as_bytes,
                answer=answer,
            )
            if as_bytes and reply.status == 400:
                reply = replace(reply, text=reply.content.decode(errors="replace"))
            return self._unveil(method, path, reply, accept)
        except Unauthorized:
            self._keys.pop(ref, None)
            raise

    async def metrics(self, ref: str) -> str:
        """The page of figures, in Prometheus's text format."""
        key = await self._key(ref)
        coded = base64.b64encode(f"{SERVICE_ROLE}:{key}".encode()).decode()
        self.http.guard((coded,))
        try:
            return await fetch_text(
                self.http, f"{self._host(ref)}{METRICS}", headers={"authorization": f"Basic {coded}"}
            )
        except Unauthorized:
            self._keys.pop(ref, None)
            raise

    def address_of(self, ref: str, relative: str) -> str:
        """The whole address of what Storage told relative to itself, as a signed one."""
        return f"{self._host(ref)}{STORAGE}{relative}"

    def _host(self, ref: str) -> str:
        return self._address.replace("{ref}", ref)

    async def _key(self, ref: str) -> str:
        if ref not in self._keys:
            path = project_path(ref, "api-keys")
            listed = await self._client.http.fetch(path, need_items, {"reveal": "true"})
            self._keys[ref] = self._choose(ref, listed)
        return self._keys[ref]

    def _choose(self, ref: str, listed: Collection[object]) -> str:
        """A secret key, the default one first; else the legacy one of the service role."""
        usable = [one for one in listed if text(one, "api_key") and _rank(one) is not None]
        for one in usable:
            self.http.guard((text(one, "api_key"),))
            self._client.http.guard((text(one, "api_key"),))
        if not usable:
            raise Rejected(
                self.http.provider,
                f"The Supabase project {ref} shows no secret key, which Storage and figures need.",
                f"project {ref}",
                "Make one with the action `create-api-key`, or use a token that may see keys.",
            )
        return text(min(usable, key=lambda one: _rank(one) or 0), "api_key")

    def _unveil(self, method: str, path: str, reply: Reply, accept: Collection[int]) -> Reply:
        if reply.status != 400:
            return reply
        status = _true_status(reply.text)
        if status in accept:
            return replace(reply, status=status)
        request = httpx.Request(method, f"http://storage{STORAGE}{path}")
        plain = {name: value for name, value in reply.headers.items() if name in ("content-type", "retry-after")}
        answer = httpx.Response(status, headers=plain, text=self.http.redact(reply.text), request=request)
        raise self._refusals.of_status(request, answer, self.http.clock())


def _true_status(body: str) -> int:
    try:
        return whole(json.loads(body), "statusCode") or 400
    except ValueError:
        return 400


def _rank(key: object) -> int | None:
    """0 is the best; None for keys that open nothing."""
    kind, name = text(key, "type"), text(key, "name")
    if kind == "secret":
        return 0 if name == "default" else 1
    return 2 if name == SERVICE_ROLE else None


def hosts_of(base_url: str) -> str:
    """Where projects live, by where the API lives: elsewhere than at Supabase, each is a path below it."""
    base = base_url.rstrip("/").removesuffix("/v1")
    return OFFICIAL_HOSTS if base == OFFICIAL_API else f"{base}/{{ref}}"

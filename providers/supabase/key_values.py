"""API keys with their values, for whoever hands a key on. No reading of the desk has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from providers.contract import ApiKey
from providers.supabase.fields import project_path
from providers.wire import need_items, text

if TYPE_CHECKING:
    from providers.supabase.client import SupabaseClient


class KeyValues:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def fetch_keys(self, target: str) -> Sequence[ApiKey]:
        """Publishable and secret keys; the two legacy ones are no keys that can be made or deleted."""
        listed = await self._http.fetch(project_path(target, "api-keys"), need_items, {"reveal": "true"})
        found = [
            ApiKey(text(one, "id"), text(one, "name"), text(one, "type"), text(one, "api_key"))
            for one in listed
            if text(one, "type") in ("publishable", "secret") and text(one, "api_key")
        ]
        self._http.guard(key.value for key in found)
        return found

"""Edge Config at the desk: small items that every edge location reads. Not a place for secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from providers import wire
from providers.contract import Nothing
from providers.ensuring import Setting
from providers.http import segment
from providers.vercel.client import VercelClient

EdgeConfigId = Annotated[str, "the Edge Config's id, ecfg_…"]


@dataclass(frozen=True)
class EdgeConfigItems:
    edge_config: EdgeConfigId


@dataclass(frozen=True)
class EditEdgeConfig:
    edge_config: EdgeConfigId
    items: Annotated[Mapping[str, str], "items to set; a value that reads as JSON is one, others are text"] = field(
        default_factory=dict
    )
    remove: Annotated[tuple[str, ...], "items to remove"] = ()


@dataclass(frozen=True)
class EdgeConfig:
    """`size` is bytes; `digest` changes with every item."""

    id: str
    slug: str
    items: int | None
    size: int | None
    digest: str
    updated_at: datetime | None


def parse_configs(body: object) -> Sequence[EdgeConfig]:
    return [
        EdgeConfig(
            wire.need_text(row, "id"),
            wire.text(row, "slug"),
            wire.whole(row, "itemCount"),
            wire.whole(row, "sizeInBytes"),
            wire.text(row, "digest"),
            wire.moment(row, "updatedAt"),
        )
        for row in wire.need_items(body)
    ]


def parse_items(body: object) -> Mapping[str, object]:
    """Keys and their values, which are any JSON."""
    return {wire.need_text(row, "key"): wire.pick(row, "value") for row in wire.need_items(body)}


class EdgeConfigs:
    """The readings."""

    def __init__(self, client: VercelClient) -> None:
        self._http = client.http

    async def fetch_all(self, request: Nothing) -> Sequence[EdgeConfig]:
        return await self._http.fetch("/v1/edge-config", parse_configs)

    async def fetch_items(self, request: EdgeConfigItems) -> Mapping[str, object]:
        return await self._http.fetch(_items(request.edge_config), parse_items)

    def editing(self) -> Setting[EditEdgeConfig]:
        """All items in one call: Vercel takes the change as a whole or refuses it as a whole."""
        return Setting(
            EditEdgeConfig,
            holds=self._holds,
            write=self._write,
            say=lambda request: f"{len(request.items)} set, {len(request.remove)} removed",
        )

    async def _holds(self, request: EditEdgeConfig) -> bool | None:
        now = await self._http.fetch_or_none(_items(request.edge_config), parse_items)
        return None if now is None else not _changes(request, now)

    async def _write(self, request: EditEdgeConfig) -> None:
        changes = _changes(request, await self._http.fetch(_items(request.edge_config), parse_items))
        await self._http.send("PATCH", _items(request.edge_config), json={"items": changes}, repeatable=True)


def _items(edge_config: str) -> str:
    return f"/v1/edge-config/{segment(edge_config)}/items"


def _changes(request: EditEdgeConfig, now: Mapping[str, object]) -> list[Mapping[str, object]]:
    wanted = {key: _value(text) for key, text in request.items.items()}
    changed = [
        {"operation": "upsert", "key": key, "value": value}
        for key, value in wanted.items()
        if key not in now or now[key] != value
    ]
    removed = [{"operation": "delete", "key": key} for key in request.remove if key in now and key not in wanted]
    return [*changed, *removed]


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text

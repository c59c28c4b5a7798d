"""Vercel's Edge Config: named sets of small JSON items."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock, millis
from console.playground.emulators.emulator import Tally
from console.playground.emulators.ids import slug
from console.playground.emulators.vercel_app import Frontdoor
from console.playground.emulators.vercel_parts import Json
from console.playground.emulators.wire import Refusal, as_json, empty, read_object
from console.playground.scene import VERCEL_TEAM

FIRST = "ecfg_7harbour4shop9flags2deck"
KEY = re.compile(r"[\w-]{1,256}")
LARGEST = 512 * 1024
"""Bytes of one Edge Config."""


@dataclass
class Item:
    value: Any
    description: str
    created_at: float = field(compare=False)
    updated_at: float = field(compare=False)


@dataclass
class Config:
    id: str
    slug: str
    created_at: float
    updated_at: float
    items: dict[str, Item] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(json.dumps({key: item.value for key, item in self.items.items()}, separators=(",", ":")))

    def to_json(self) -> Json:
        text = json.dumps({key: item.value for key, item in self.items.items()}, sort_keys=True)
        return {
            "id": self.id,
            "slug": self.slug,
            "ownerId": VERCEL_TEAM,
            "createdAt": millis(self.created_at),
            "updatedAt": millis(self.updated_at),
            "digest": hashlib.sha256(text.encode()).hexdigest(),
            "sizeInBytes": self.size,
            "itemCount": len(self.items),
        }


class EdgeConfigs:
    """Answers what is asked about Edge Configs. There is one from the beginning."""

    def __init__(self, clock: Clock, tally: Tally) -> None:
        self._clock = clock
        self._tally = tally
        now = clock.now()
        first = Config(FIRST, "flags", now, now, {"banner": Item(False, "", now, now)})
        self._configs = {FIRST: first}

    def routes(self, door: Frontdoor) -> list[Route]:
        made: list[Route] = []
        for base in ("/v1/edge-config", "/v1/global-config"):
            made += [
                door.route("GET", base, self._list),
                door.route("POST", base, self._create),
                door.route("GET", f"{base}/{{config}}", self._get),
                door.route("DELETE", f"{base}/{{config}}", self._delete),
                door.route("GET", f"{base}/{{config}}/items", self._items),
                door.route("PATCH", f"{base}/{{config}}/items", self._edit),
            ]
        return made

    def _find(self, request: Request) -> Config:
        found = self._configs.get(request.path_params["config"])
        if found is None:
            raise Refusal(404, "The Edge Config was not found", "not_found")
        return found

    async def _list(self, _: Request) -> Response:
        return as_json([config.to_json() for config in self._configs.values()])

    async def _get(self, request: Request) -> Response:
        return as_json(self._find(request).to_json())

    async def _create(self, request: Request) -> Response:
        wish, now = await read_object(request), self._clock.now()
        name = wish.get("slug")
        if not isinstance(name, str) or not re.fullmatch(r"[\w-]{1,64}", name):
            raise Refusal(400, "Invalid request: `slug` should match pattern.", "bad_request")
        items = {key: Item(value, "", now, now) for key, value in (wish.get("items") or {}).items()}
        made = Config(f"ecfg_{slug(24)}", name, now, now, items)
        self._configs[made.id] = made
        self._tally.add("edge_config")
        return as_json(made.to_json(), 201)

    async def _delete(self, request: Request) -> Response:
        del self._configs[self._find(request).id]
        self._tally.add("edge_config")
        return empty(204)

    async def _items(self, request: Request) -> Response:
        config = self._find(request)
        return as_json(
            [
                {
                    "key": key,
                    "value": item.value,
                    "description": item.description,
                    "edgeConfigId": config.id,
                    "createdAt": millis(item.created_at),
                    "updatedAt": millis(item.updated_at),
                }
                for key, item in config.items.items()
            ]
        )

    async def _edit(self, request: Request) -> Response:
        """All or nothing."""
        config, wish = self._find(request), await read_object(request)
        changes = wish.get("items")
        if not isinstance(changes, list):
            raise Refusal(400, "Invalid request: missing required property `items`.", "bad_request")
        changed = Config(config.id, config.slug, config.created_at, self._clock.now(), dict(config.items))
        for change in changes:
            self._apply(changed, change if isinstance(change, dict) else {})
        if changed.size > LARGEST:
            raise Refusal(413, "The Edge Config would be too large", "edge_config_too_large")
        if changed.items != config.items:
            self._configs[config.id] = changed
            self._tally.add("edge_items")
        return as_json({"status": "ok"})

    def _apply(self, config: Config, change: Json) -> None:
        verb, key = change.get("operation"), change.get("key")
        if not isinstance(key, str) or not KEY.fullmatch(key):
            raise Refusal(400, "Invalid request: `key` should match pattern.", "bad_request")
        before = config.items.get(key)
        if verb == "create" and before is not None:
            raise Refusal(409, f"The item {key} exists already", "edge_config_item_exists")
        if verb in ("update", "delete") and before is None:
            raise Refusal(404, f"The item {key} was not found", "edge_config_item_not_found")
        if verb == "delete":
            del config.items[key]
        elif verb in ("create", "update", "upsert"):
            value = change.get("value", before.value if before else None)
            description = change.get("description") or (before.description if before else "")
            created_at = before.created_at if before else config.updated_at
            config.items[key] = Item(value, description, created_at, config.updated_at)
        else:
            raise Refusal(400, "Invalid request: `operation` is not known.", "bad_request")

"""How Storage lists: one folder level at a time (v1), or by cursor (v2)."""

from collections.abc import Callable
from typing import Any

from console.playground.emulators.storage_state import Bucket, Json, Stored
from console.playground.emulators.wire import Refusal, after_cursor, cursor_for

_FOLDER: Json = dict.fromkeys(("id", "updated_at", "created_at", "last_accessed_at", "metadata"))
_ORDERS: dict[str, Callable[[Stored], Any]] = {
    "name": lambda stored: stored.name,
    "updated_at": lambda stored: stored.updated_at,
    "created_at": lambda stored: stored.created_at,
    "last_accessed_at": lambda stored: stored.updated_at,
}


def list_folder(bucket: Bucket, wish: Json) -> list[Json]:
    """List what lies directly in a folder; folders have no id. At most 1000 items a page."""
    prefix = str(wish.get("prefix") or "")
    below = f"{prefix.rstrip('/')}/" if prefix else ""
    search = str(wish.get("search") or "")
    folders: set[str] = set()
    files: list[tuple[str, Stored]] = []
    for stored in _sorted(bucket, wish):
        if not stored.name.startswith(below):
            continue
        name, slash, _ = stored.name[len(below) :].partition("/")
        if search not in name:
            continue
        if slash:
            folders.add(name)
        else:
            files.append((name, stored))
    listed = [{"name": name, **_FOLDER} for name in sorted(folders)]
    listed += [stored.to_json(name) for name, stored in files]
    start, limit = int(wish.get("offset") or 0), int(wish.get("limit") or 100)
    return listed[start : start + min(limit, 1000)]


def list_v2(bucket: Bucket, wish: Json) -> Json:
    """List by cursor; with `with_delimiter` what lies deeper is told as folders."""
    prefix, limit = str(wish.get("prefix") or ""), min(int(wish.get("limit") or 1000), 1000)
    keys: dict[str, Json] = {}
    folders: set[str] = set()
    for stored in _sorted(bucket, wish):
        if not stored.name.startswith(prefix):
            continue
        name, slash, _ = stored.name[len(prefix) :].partition("/")
        if wish.get("with_delimiter") and slash:
            folders.add(f"{prefix}{name}/")
            keys[f"{prefix}{name}/"] = {"name": f"{prefix}{name}/"}
        else:
            keys[stored.name] = {**stored.to_json(), "key": stored.name}
    rest = after_cursor(list(keys), str(wish.get("cursor") or ""), lambda key: key)
    page = rest[:limit]
    told: Json = {
        "hasNext": len(rest) > len(page),
        "folders": [keys[key] for key in page if key in folders],
        "objects": [keys[key] for key in page if key not in folders],
    }
    if told["hasNext"]:
        told["nextCursor"] = cursor_for(page[-1])
    return told


def _sorted(bucket: Bucket, wish: Json) -> list[Stored]:
    order = wish.get("sortBy") or {"column": "name"}
    column = str(order.get("column") or "name")
    if column not in _ORDERS:
        raise Refusal(400, "body/sortBy/column must be equal to one of the allowed values", "InvalidRequest")
    return sorted(bucket.objects.values(), key=_ORDERS[column], reverse=order.get("order") == "desc")

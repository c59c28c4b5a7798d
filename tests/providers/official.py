"""Hold what an adapter sends against the platform's own document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache

import httpx

from tests.support.openapi import CODEC_FREE, SHARED, Document, shared_spec

NEWER = "vercel-operations-1.28.35.json"


def strangers(document: str, sent: Iterable[httpx.Request], base: str | None = None) -> Sequence[str]:
    """What the requests ask for that the document does not allow. Empty, and unchecked, where it is absent."""
    if not SHARED.is_dir():
        return []
    asked = {(r.method, r.url.raw_path.decode(), r.content) for r in sent}
    return sorted({words for request in asked for words in _judge(document, base, *request)})


@cache
def _judge(document: str, base: str | None, method: str, target: str, content: bytes) -> tuple[str, ...]:
    official = Document.load(shared_spec(document), base)
    found = official.check_request(method, target, None, _body(content))
    bare = target.partition("?")[0]
    return tuple(str(one) for one in found if not (one.kind == "operation" and (method, bare) in _Newer()))


def _body(content: bytes) -> object:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return CODEC_FREE


class _Newer:
    """Operations of Vercel that are younger than its document: method and path, without parameters."""

    def __contains__(self, asked: tuple[str, str]) -> bool:
        method, path = asked
        return any(method == known and _fits(template, path) for known, template in _newer_operations())


@cache
def _newer_operations() -> tuple[tuple[str, str], ...]:
    told = json.loads(shared_spec(NEWER).read_text())
    return tuple((one["method"], one["path"]) for one in told["operations"])


def _fits(template: str, path: str) -> bool:
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(w == g or w.startswith("{") for w, g in zip(wanted, given, strict=True))

"""Query parameters as adapters write them: mappings or pairs, lists repeated, None left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import httpx

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]


def merged(standing: Params | None, own: Params | None) -> httpx.QueryParams | None:
    """Parameters of every call, overridden by those of this one; None takes one away.

    None for nothing at all, which keeps a query inside the path.
    """
    flat: list[tuple[str, Any]] = []
    for name, value in [*_pairs(standing, but=_names(own)), *_pairs(own)]:
        values = value if isinstance(value, list | tuple | set | frozenset) else [value]
        flat += [(name, one) for one in values if one is not None]
    return httpx.QueryParams(flat) if flat else None


def _pairs(params: Params | None, but: Collection[str] = ()) -> list[tuple[str, Any]]:
    pairs = params.items() if isinstance(params, Mapping) else params or ()
    return [(name, value) for name, value in pairs if name not in but]


def _names(params: Params | None) -> set[str]:
    return {name for name, _ in _pairs(params)}

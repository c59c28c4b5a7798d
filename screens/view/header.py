"""The first line of every screen: who, with which role, and whether the worker answers."""

from __future__ import annotations

from datetime import datetime

from console.domain.roles import Role
from screens.store import Link, Store
from screens.view.environments import movement
from screens.view.rows import Row, Span, row, spread

LINKS = {
    Link.CONNECTING: Span("○ connecting …", "warn"),
    Link.LIVE: Span("● live", "good"),
    Link.LOST: Span("✗ worker gone, reconnecting …", "bad"),
}


def who(store: Store) -> str:
    """`kim · deployer`, and for those who may only look: in words."""
    identity = store.identity
    if identity is None:
        return ""
    note = ", read-only" if identity.role < Role.DEPLOYER else ""
    return f"{identity.actor} · {identity.role.word}{note}"


def header_row(store: Store, place: str, now: datetime, width: int) -> Row:
    """Name and place on the left, what moves on the right."""
    start = row(
        Span(" Quarterdeck ", "key"),
        Span(f" {place} ", "strong"),
        " ",
        LINKS[store.link],
        Span(f"  {who(store)}", "dim"),
    )
    moving = store.moving()
    if not moving or width < 100:
        return spread(start, row(" "), width)
    first = moving[0]
    more = f"  +{len(moving) - 1} more" if len(moving) > 1 else ""
    end = row(Span(f"{first.environment} ", "strong"), *movement(first, now).spans, Span(f"{more} ", "dim"))
    return spread(start, end, width)

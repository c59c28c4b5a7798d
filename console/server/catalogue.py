"""What every provider can do, as values: its capabilities, and the readings and actions of its desk."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from console.domain.errors import UsageError
from console.domain.exchange import CapabilityAbout, DeskEntry, ProviderAbout
from console.server.arguments import describe_fields
from providers.contract import Action, Connection, Reading, Unsupported

T = TypeVar("T")


def find_connection(connections: Mapping[str, Connection], name: str) -> Connection:
    """Raises UsageError for a provider that is not configured."""
    if name not in connections:
        known = ", ".join(connections)
        remedy = _near(name, connections) or "Name one of these; `quarterdeck providers` says what each can do."
        raise UsageError(f"There is no provider {name!r}.", f"configured: {known or 'none'}", remedy)
    return connections[name]


def find_entry(noun: str, provider: str, name: str, entries: Mapping[str, T | Unsupported]) -> T:
    """Raises UsageError for a reading or an action that is not there, or that the platform does not have."""
    entry = entries.get(name)
    if entry is None:
        raise UsageError(
            f"{provider} has no {noun} {name!r}.",
            f"known: {', '.join(sorted(entries)) or 'none'}",
            _near(name, entries) or f"`quarterdeck providers {provider}` says what each does.",
        )
    if isinstance(entry, Unsupported):
        raise UsageError(f"{provider} cannot do {name}: {entry.reason}", f"{noun} {name}", entry.remedy)
    return entry


def describe_provider(connection: Connection) -> ProviderAbout:
    """Everything about one connection, without asking its platform."""
    desk = connection.desk
    return ProviderAbout(
        connection.name,
        connection.kind,
        describe_capabilities(connection),
        tuple(_describe_entry(name, entry) for name, entry in sorted(desk.readings.items())),
        tuple(_describe_entry(name, entry) for name, entry in sorted(desk.actions.items())),
    )


def describe_capabilities(connection: Connection) -> tuple[CapabilityAbout, ...]:
    found = []
    for one in dataclasses.fields(connection.capabilities):
        held = getattr(connection.capabilities, one.name)
        if isinstance(held, Unsupported):
            found.append(CapabilityAbout(one.name, False, held.reason, held.remedy))
        else:
            found.append(CapabilityAbout(one.name, True))
    return tuple(found)


def _describe_entry(name: str, entry: Reading[Any] | Action[Any] | Unsupported) -> DeskEntry:
    if isinstance(entry, Unsupported):
        return DeskEntry(name, reason=entry.reason, remedy=entry.remedy)
    if isinstance(entry, Action):
        return DeskEntry(name, entry.about, describe_fields(entry.request, entry.secrets), entry.destroys)
    return DeskEntry(name, entry.about, describe_fields(entry.request))


def _near(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f"Did you mean {near[0]}?" if near else ""

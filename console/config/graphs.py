"""Small questions to a graph of names: is there a circle, and what comes before something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=str)


def find_cycle(graph: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """One circle of names, its first repeated at the end; empty when there is none."""
    done: set[str] = set()

    def follow(name: str, trail: tuple[str, ...]) -> tuple[str, ...]:
        if name in trail:
            return (*trail[trail.index(name) :], name)
        if name in done:
            return ()
        for need in graph.get(name, ()):
            found = follow(need, (*trail, name))
            if found:
                return found
        done.add(name)
        return ()

    return next((found for name in graph if (found := follow(name, ()))), ())


def ancestors(graph: Mapping[Name, Sequence[Name]], name: Name) -> tuple[Name, ...]:
    """Everything that must come before `name`, nearest first; the graph has no circle."""
    found: dict[Name, None] = {}
    todo = list(graph.get(name, ()))
    while todo:
        need = todo.pop(0)
        if need not in found:
            found[need] = None
            todo += graph.get(need, ())
    return tuple(found)

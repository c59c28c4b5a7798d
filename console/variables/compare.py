"""Tell how the variables of one place stand: to what is wanted, to what the live release ran with, to another place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from console.domain.ids import EnvironmentName, ServiceName
from console.domain.variables import (
    ABSENT,
    UNREADABLE,
    VariableLine,
    VariableReport,
    VariableState,
)


@dataclass(frozen=True)
class Wanted:
    """What the configuration wants of a service, as digests; `unresolved` says why a reference leads nowhere."""

    digests: Mapping[str, str] = field(default_factory=dict)
    unresolved: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        return frozenset({*self.digests, *self.unresolved})


def compare_with_wanted(
    service: ServiceName, place: str, wanted: Wanted, actual: Mapping[str, str], live: Mapping[str, str] | None
) -> tuple[VariableLine, ...]:
    """One line a name.

    Args:
        live: What the live release ran with; None when nobody recorded it.
    """
    lines = []
    for name in sorted({*wanted.names, *actual, *(live or {})}):
        now, then = actual.get(name, ABSENT), (live or {}).get(name, ABSENT)
        want = wanted.digests.get(name, ABSENT)
        state, detail = _state(name, wanted, now, then)
        drifted = live is not None and now != then and UNREADABLE not in (now, then)
        lines.append(VariableLine(service, place, name, state, want, now, then, drifted, detail))
    return tuple(lines)


def _state(name: str, wanted: Wanted, now: str, then: str) -> tuple[VariableState, str]:
    if name in wanted.unresolved:
        return VariableState.UNRESOLVED, wanted.unresolved[name]
    if name not in wanted.digests:
        if now == ABSENT:
            return (VariableState.EQUAL, "removed since the last deployment")
        return (VariableState.EXTRA if wanted.names else VariableState.UNMANAGED), ""
    if now == ABSENT:
        return VariableState.MISSING, ""
    if now == UNREADABLE:
        return VariableState.UNREADABLE, "the platform keeps this value to itself; only that it is set is known"
    return (VariableState.EQUAL if now == wanted.digests[name] else VariableState.DIFFERENT), ""


def compare_places(
    service: ServiceName, place: str, here: Mapping[str, str], there: Mapping[str, str]
) -> tuple[VariableLine, ...]:
    """One line a name that either place has; `wanted` holds the other place's digest."""
    lines = []
    for name in sorted({*here, *there}):
        mine, other = here.get(name, ABSENT), there.get(name, ABSENT)
        if mine == ABSENT:
            state = VariableState.MISSING
        elif other == ABSENT:
            state = VariableState.EXTRA
        elif UNREADABLE in (mine, other):
            state = VariableState.UNREADABLE
        else:
            state = VariableState.EQUAL if mine == other else VariableState.DIFFERENT
        lines.append(VariableLine(service, place, name, state, other, mine))
    return tuple(lines)


def build_report(
    environment: EnvironmentName,
    lines: Iterable[VariableLine],
    problems: Iterable[str] = (),
    notes: Iterable[str] = (),
    other: str = "",
) -> VariableReport:
    """Put places together; equal means that everything could be read and nothing differs."""
    all_lines, all_problems = tuple(lines), tuple(problems)
    equal = not all_problems and not any(line.differs for line in all_lines)
    return VariableReport(environment, other, equal, all_lines, all_problems, tuple(dict.fromkeys(notes)))

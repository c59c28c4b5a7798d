"""Plan the change of one place's variables, and the way back. Digests in, digests out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from console.domain.variables import ABSENT, UNREADABLE, Reconfiguration, VariableChange
from console.variables.compare import Wanted

Kept = Callable[[str, str], bool]
"""Whether a value of a variable is still at hand, by its name and its digest."""


def plan_change(
    wanted: Wanted, actual: Mapping[str, str], live: Mapping[str, str] | None, kept: Kept
) -> Reconfiguration:
    """Set what is wanted and not so; nothing that the configuration does not name is touched.

    A value that the platform keeps to itself is written unless the live release is on record with the wanted one.

    Args:
        live: What the live release ran with; None when nobody recorded it, and what is set now counts instead.
    """
    if wanted.unresolved:
        told = "; ".join(f"{name}: {why}" for name, why in sorted(wanted.unresolved.items()))
        return Reconfiguration(problem=f"a reference leads nowhere: {told}")
    changes = tuple(
        VariableChange(name, actual.get(name, ABSENT), digest)
        for name, digest in sorted(wanted.digests.items())
        if digest != _known(name, actual, live)
    )
    before = {change.name: change.before for change in changes}
    back = {name: digest for name, digest in before.items() if digest != UNREADABLE}
    lost = {name for name, digest in before.items() if digest == UNREADABLE}
    for name, then in _drifted(actual, actual if live is None else live):
        if name in wanted.digests and (then == ABSENT or kept(name, then)):
            back[name] = then
        else:
            lost.add(name)
    hidden = {name: _known(name, actual, live) for name, now in actual.items() if now == UNREADABLE}
    hidden = {name: digest for name, digest in hidden.items() if digest != UNREADABLE and name not in before}
    return Reconfiguration(changes, dict(sorted(back.items())), tuple(sorted(lost)), hidden)


def _drifted(actual: Mapping[str, str], live: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in sorted({*actual, *live}):
        now, then = actual.get(name, ABSENT), live.get(name, ABSENT)
        if now != then and UNREADABLE not in (now, then):
            yield name, then


def _known(name: str, actual: Mapping[str, str], live: Mapping[str, str] | None) -> str:
    now = actual.get(name, ABSENT)
    return (live or {}).get(name, now) if now == UNREADABLE else now

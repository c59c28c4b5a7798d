"""What somebody must know before a failover, beyond its steps: figures as they stand, and what is left to a person."""

from __future__ import annotations

from collections.abc import Iterator

from console.config.failover import FailoverSettings
from console.config.kinds import DATABASE_KINDS
from console.domain.failover import Failover
from console.domain.standby import Pair
from console.planning.draft import Draft


def write_notes(draft: Draft, failover: FailoverSettings, asked: Failover) -> Iterator[str]:
    """In the order in which they matter."""
    facts = draft.live.failover
    here, there = str(draft.wish.environment), failover.to
    new, old = (here, there) if asked.back else (there, here)
    for name, pair in facts.databases.items():
        yield from _about_pair(name, pair, asked)
    if failover.databases and not asked.rehearsal:
        yield "From the first promotion on nothing goes back by itself: a step that fails waits for a person."
    for name, service in facts.services.items():
        left = facts.left.get(name, "")
        if service.commit and left and service.commit != left:
            yield f"{name}: {new} runs {service.commit[:8]}, {old} {left[:8]}."
        if service.missing and asked.force:
            yield f"{name} in {new} lacks {', '.join(service.missing)}."
    unknown = [name for name in facts.services if name not in facts.left and facts.services[name].commit]
    if unknown:
        yield f"Which release {', '.join(unknown)} ran in {old} cannot be told."
    for name, pointer in facts.pointers.items():
        move = failover.services[name]
        if move.dns is not None:
            ttl = pointer.ttl_s or move.dns.ttl
            words = f"{name}: resolvers may keep the old address for {ttl} s after the record has changed"
            yield f"{words}; until then {old} still gets visitors, so leave it running."
    for name in draft.environment.services:
        kind = draft.settings.kind_of(name)
        if kind in DATABASE_KINDS and name not in failover.databases:
            reason = "Supabase promotes no read replica by its API; a" if kind == "supabase" else "A"
            yield f"{name}: its data is no part of this. {reason} standby of one's own takes [failover.databases]."
    if asked.back:
        yield f"Afterwards {there} stands by no more: its server has to be made a standby again, by hand."
    elif failover.databases and not asked.rehearsal:
        yield "Before `--back` the old primary must be made a standby of the new one, by hand; see the refusal there."


def _about_pair(name: str, pair: Pair, asked: Failover) -> Iterator[str]:
    if pair.new.problem:
        return
    if pair.old.problem:
        lost = "nobody can say how much" if pair.lag_s is None else f"what was written in the last {pair.lag_s:.0f} s"
        yield f"{name}: its primary does not answer and is not fenced. Lost is at most {lost}."
    elif pair.lag_s is not None:
        yield f"{name}: the standby is {pair.lag_bytes or 0} bytes and at most {pair.lag_s:.1f} s behind."

"""Let a DNS name say one value, by changing the record that is there: there is no moment in which it says nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from providers.contract import NameRecord, PointName
from providers.ensuring import UNKNOWN, Ensuring, Standing, absent, done


class Said(Protocol):
    """One record. `kept_s` is for how many seconds visitors may be led to what it says; None where nobody says."""

    @property
    def id(self) -> str: ...

    @property
    def value(self) -> str: ...

    @property
    def kept_s(self) -> int | None: ...


Record = TypeVar("Record", bound=Said)


class NameServers(Protocol[Record]):
    """A platform that answers for names."""

    async def find_records(self, domain: str, name: str, kind: str) -> Sequence[Record] | None:
        """What a name says in that type; None where the platform does not answer for the domain."""
        ...

    def lives_as_asked(self, record: Record, request: PointName) -> bool:
        """Whether its time to live is the one that was asked for."""
        ...

    async def replace(self, request: PointName, kept: Record | None, others: Sequence[Record]) -> None:
        """Change `kept` to what was asked for, or make a record where that is None, and take the others away."""
        ...


class Pointing(Ensuring[PointName]):
    """`Actuator[PointName]`."""

    def __init__(self, servers: NameServers[Record]) -> None:
        async def find(request: PointName) -> Sequence[Record] | None:
            return await servers.find_records(request.domain, request.name, request.type)

        async def look(request: PointName) -> Standing:
            now = await find(request)
            if now is None:
                return UNKNOWN
            name = whole_name(request.domain, request.name)
            if len(now) == 1 and same_value(now[0].value, request.value) and servers.lives_as_asked(now[0], request):
                return done(f"{name} says {request.value}", record=now[0].id)
            return absent(f"{name} says {', '.join(one.value for one in now) or 'nothing'}")

        async def point(request: PointName) -> Mapping[str, object]:
            """The outputs are what the name said before."""
            now = await find(request) or ()
            alike = (one for one in now if same_value(one.value, request.value))
            kept = next(alike, now[0] if now else None)
            await servers.replace(request, kept, [one for one in now if one is not kept])
            kept_s = max((one.kept_s or 0 for one in now), default=0)
            return {"previous": [one.value for one in now], "previous_ttl_s": kept_s}

        super().__init__(PointName, look, point)


def name_records(records: Sequence[Said]) -> Sequence[NameRecord]:
    return [NameRecord(one.value, one.kept_s) for one in records]


def same_value(one: str, other: str) -> bool:
    """Whether two values are one: a closing dot and capitals make no difference."""
    return one.rstrip(".").lower() == other.rstrip(".").lower()


def whole_name(domain: str, name: str) -> str:
    """`name` is the subdomain; empty for the domain itself."""
    return f"{name}.{domain}".removeprefix(".").lower()

"""Who the kernel says is asking, and what the configuration lets them do."""

from __future__ import annotations

import grp
import os
import pwd
import time
from collections.abc import Callable
from dataclasses import dataclass

from console.config.settings import RoleSettings
from console.domain.ids import Actor
from console.domain.roles import EMERGENCY, Role, may

REMEMBERED_SECONDS = 30.0  # a directory service may answer slowly; a change of groups is seen within this time


@dataclass(frozen=True)
class Person:
    """A user of this host: name, or the number where it has none, and the names of their groups."""

    uid: int
    name: str
    groups: frozenset[str] = frozenset()


def look_up_person(uid: int) -> Person:
    """Ask the host's user database; an unknown number is a person without name and groups."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Person(uid, str(uid))
    names = set()
    for gid in os.getgrouplist(entry.pw_name, entry.pw_gid):
        try:
            names.add(grp.getgrgid(gid).gr_name)
        except KeyError:
            names.add(str(gid))
    return Person(uid, entry.pw_name, frozenset(names))


def role_of(person: Person, settings: RoleSettings, own_uid: int) -> Role:
    """Pick the highest role that an entry grants; the worker's own user is always an administrator."""
    if person.uid == own_uid:
        return Role.ADMIN
    granted = (
        (Role.ADMIN, settings.admin),
        (Role.APPROVER, settings.approver),
        (Role.DEPLOYER, settings.deployer),
        (Role.VIEWER, settings.viewer),
    )
    return next((role for role, entries in granted if any(_names(entry, person) for entry in entries)), Role.NONE)


def rights_of(person: Person, role: Role, settings: RoleSettings) -> tuple[str, ...]:
    """What somebody may do beside what their role says; an entry there grants no role."""
    named = any(_names(entry, person) for entry in settings.emergency)
    return (EMERGENCY,) if may(role, EMERGENCY) or (named and may(role, "deploy")) else ()


def _names(entry: str, person: Person) -> bool:
    if entry == "*":
        return True
    if entry.startswith("@"):
        return entry[1:] in person.groups
    return entry in (person.name, str(person.uid))


class Roles:
    """Answers for a user id: who is it, and which role. Remembers the answer for a short time."""

    def __init__(
        self,
        settings: RoleSettings,
        own_uid: int | None = None,
        look_up: Callable[[int], Person] = look_up_person,
        monotonic: Callable[[], float] = time.monotonic,
        root_uid: int = 0,
    ) -> None:
        self._settings = settings
        self._own_uid = os.geteuid() if own_uid is None else own_uid
        self._look_up = look_up
        self._monotonic = monotonic
        self._root_uid = root_uid
        self._known: dict[int, tuple[float, Actor, Role, tuple[str, ...]]] = {}

    def owns_worker(self, uid: int) -> bool:
        """Whether somebody has every right that the worker has anyway."""
        return uid in (self._own_uid, self._root_uid)

    def find(self, uid: int) -> tuple[Actor, Role]:
        """Who it is, and their role."""
        return self._look(uid)[1:3]

    def rights(self, uid: int) -> tuple[str, ...]:
        """What they may do beyond their role."""
        return self._look(uid)[3]

    def _look(self, uid: int) -> tuple[float, Actor, Role, tuple[str, ...]]:
        known = self._known.get(uid)
        if known is None or self._monotonic() - known[0] > REMEMBERED_SECONDS:
            person = self._look_up(uid)
            role = role_of(person, self._settings, self._own_uid)
            rights = rights_of(person, role, self._settings)
            known = (self._monotonic(), Actor(person.name), role, rights)
            self._known[uid] = known
        return known

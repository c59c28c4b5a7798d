"""Which role the configuration gives to whom."""

from __future__ import annotations

import os
import pwd

import pytest

from console.config.settings import RoleSettings
from console.domain.roles import Role
from console.server.roles import Person, Roles, look_up_person, role_of

SETTINGS = RoleSettings(admin=("root", "1007"), approver=("@leads",), deployer=("ann", "@crew"), viewer=("@staff",))


@pytest.mark.parametrize(
    ("person", "role"),
    [
        (Person(500, "worker"), Role.ADMIN),
        (Person(0, "root"), Role.ADMIN),
        (Person(1007, "eve"), Role.ADMIN),
        (Person(1001, "ann"), Role.DEPLOYER),
        (Person(1002, "bob", frozenset({"crew"})), Role.DEPLOYER),
        (Person(1002, "bob", frozenset({"crew", "leads"})), Role.APPROVER),
        (Person(1003, "cat", frozenset({"staff"})), Role.VIEWER),
        (Person(1004, "dan"), Role.NONE),
        (Person(1005, "crew"), Role.NONE),
        (Person(1006, "1006", frozenset()), Role.NONE),
    ],
)
def test_the_highest_role_that_is_granted_counts(person, role):
    assert role_of(person, SETTINGS, own_uid=500) is role


def test_a_star_means_everybody():
    assert role_of(Person(4242, "4242"), RoleSettings(), own_uid=500) is Role.VIEWER


def test_without_any_list_only_the_worker_itself_may_do_anything():
    nobody = RoleSettings(admin=(), viewer=())

    assert role_of(Person(0, "root"), nobody, own_uid=500) is Role.NONE
    assert role_of(Person(500, "worker"), nobody, own_uid=500) is Role.ADMIN


def test_the_host_knows_who_we_are():
    person = look_up_person(os.geteuid())

    assert person.name == pwd.getpwuid(os.geteuid()).pw_name
    assert person.groups


def test_a_number_that_nobody_has_is_a_person_without_a_name():
    assert look_up_person(3_999_999) == Person(3_999_999, "3999999")


def test_a_change_of_groups_is_seen_within_half_a_minute():
    now, groups = [0.0], [frozenset[str]()]
    roles = Roles(SETTINGS, 500, lambda uid: Person(uid, "bob", groups[0]), lambda: now[0])
    assert roles.find(1002) == ("bob", Role.NONE)

    groups[0] = frozenset({"crew"})

    assert roles.find(1002) == ("bob", Role.NONE)
    now[0] = 31.0
    assert roles.find(1002) == ("bob", Role.DEPLOYER)

"""What must be right before two login roles may take turns. Reads only; every problem comes with its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from console.domain.rotation import Turn
from providers.contract import TurnFacts

if TYPE_CHECKING:
    from providers.postgres.session import Connection

ROLES = """
select rolname, rolsuper, rolcanlogin, rolreplication, rolcreatedb, rolcreaterole, rolbypassrls
from pg_roles where rolname = any(%s)
"""
OWN = """
select count(*) filter (where deptype = 'o'), count(*) filter (where deptype <> 'o')
from pg_shdepend join pg_roles on pg_roles.oid = refobjid
where refclassid = 'pg_authid'::regclass and classid <> 'pg_auth_members'::regclass and rolname = %s
"""
SETTING = """
select substr(entry, 6) from pg_db_role_setting join pg_roles on pg_roles.oid = setrole, unnest(setconfig) entry
where rolname = %s and entry like 'role=%%'
and setdatabase in (0, (select oid from pg_database where datname = current_database()))
order by setdatabase desc limit 1
"""
GROUPS = """
select g.rolname from pg_auth_members m join pg_roles g on g.oid = m.roleid join pg_roles r on r.oid = m.member
where r.rolname = %(old)s and g.rolname <> %(owner)s and not pg_has_role(%(owner)s, g.oid, 'MEMBER') order by 1
"""
ME = "select current_user, rolsuper, rolcreaterole from pg_roles where rolname = current_user"
MAY_GIVE = "select pg_has_role(current_user, %s, 'MEMBER WITH ADMIN OPTION')"
IS_MEMBER = "select pg_has_role(%s, %s, 'MEMBER')"
IN_USE = "select count(*) from pg_stat_activity where usename = %s"
ADMIN_OPTION_SINCE = 160000
"""From PostgreSQL 16 on CREATEROLE is not enough: a role is altered by who has it with the admin option."""


@dataclass(frozen=True)
class _Role:
    name: str
    superuser: bool
    login: bool
    replication: bool
    attributes: frozenset[str]


async def survey(connection: Connection, turn: Turn, fallback: str) -> TurnFacts:
    """Everything that speaks against the start, at once."""
    owner = turn.owner or await _value(connection, SETTING, (turn.old,)) or fallback
    roles = await _fetch_roles(connection, (turn.old, turn.new, owner))
    full = replace(turn, owner=owner, exists=turn.new in roles)
    problems = [*_judge_roles(full, roles)]
    if not problems:
        problems += [problem async for problem in _judge_admin(connection, full)]
        problems += [problem async for problem in _judge_rights(connection, full, roles)]
        in_use = await _value(connection, IN_USE, (turn.new,))
        if in_use:
            problems.append(f"{turn.new} has {in_use} sessions. End them: nobody may need it when its turn begins.")
    return TurnFacts(full, tuple(problems))


async def _fetch_roles(connection: Connection, names: tuple[str, ...]) -> dict[str, _Role]:
    cursor = await connection.execute(ROLES, (list(names),))
    found = {}
    for name, superuser, login, replication, createdb, createrole, bypassrls in await cursor.fetchall():
        has = {"CREATEDB": createdb, "CREATEROLE": createrole, "BYPASSRLS": bypassrls}
        attributes = frozenset(word for word, given in has.items() if given)
        found[str(name)] = _Role(name, superuser, login, replication, attributes)
    return found


def _judge_roles(turn: Turn, roles: Mapping[str, _Role]) -> Iterator[str]:
    old, new, owner = (roles.get(name) for name in (turn.old, turn.new, turn.owner))
    if old is None:
        yield f"The database has no role {turn.old}: the admin's address leads to another one."
        return
    if owner is None:
        yield f"There is no role {turn.owner}, which is to own what {turn.old} and {turn.new} make. Make it first."
        return
    if not old.login:
        yield f"{turn.old} may not log in: it is not the one whose turn it is."
    for role in (old, new, owner):
        if role is not None and (role.superuser or role.replication):
            what = "a superuser" if role.superuser else "a role for replication"
            yield f"{role.name} is {what}. Give services a role of their own first."
    if new is not None and new.login:
        yield f"{turn.new} may log in already. Once nobody needs it, run: ALTER ROLE {turn.new} NOLOGIN"
    lacking = sorted(old.attributes - owner.attributes)
    if lacking:
        yield f"{turn.old} has {', '.join(lacking)}, which {turn.owner} has not: {turn.new} acts as {turn.owner}."


async def _judge_admin(connection: Connection, turn: Turn) -> Any:
    me, superuser, create = await _row(connection, ME)
    if superuser:
        return
    if me in (turn.old, turn.new):
        yield f"The admin is {me}, one of the two. It takes another role to make and alter both."
    elif not create:
        yield f"The admin {me} may not make roles. Run as a superuser: ALTER ROLE {me} CREATEROLE"
    elif connection.info.server_version >= ADMIN_OPTION_SINCE:
        for name in dict.fromkeys((turn.old, turn.owner, *((turn.new,) if turn.exists else ()))):
            if not await _value(connection, MAY_GIVE, (name,)):
                yield f"The admin {me} may not alter {name}. Run as a superuser: GRANT {name} TO {me} WITH ADMIN OPTION"


async def _judge_rights(connection: Connection, turn: Turn, roles: Mapping[str, _Role]) -> Any:
    """The new role acts as the owner; whatever the old one has for itself it would not have."""
    if turn.owner == turn.old:
        return
    if not await _value(connection, IS_MEMBER, (turn.old, turn.owner)):
        yield f"{turn.old} is no member of {turn.owner}. Run: GRANT {turn.owner} TO {turn.old}"
    owned, granted = await _row(connection, OWN, (turn.old,))
    if owned:
        yield (
            f"{turn.old} owns {owned} objects that {turn.new} could not change. "
            f"Run in each database: REASSIGN OWNED BY {turn.old} TO {turn.owner}"
        )
    if granted:
        yield (
            f"{turn.old} has {granted} privileges or policies of its own, which {turn.new} would not have. "
            f"Grant them to {turn.owner} and take them from {turn.old}: `\\dp`, `\\drds`, `\\l` and `\\ddp` show them."
        )
    groups = [str(row[0]) for row in await _rows(connection, GROUPS, {"old": turn.old, "owner": turn.owner})]
    if groups:
        named = ", ".join(groups)
        yield f"{turn.old} is a member of {named}, and {turn.owner} is not. Run: GRANT {named} TO {turn.owner}"


async def _rows(connection: Connection, query: str, values: Any = ()) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query, values)).fetchall()


async def _row(connection: Connection, query: str, values: Any = ()) -> tuple[Any, ...]:
    return (await _rows(connection, query, values))[0]


async def _value(connection: Connection, query: str, values: Any = ()) -> Any:
    rows = await _rows(connection, query, values)
    return rows[0][0] if rows else None

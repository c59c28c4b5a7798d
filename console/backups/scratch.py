"""A database for a while: made empty on a server, dropped at the end, also the ones that a killed process left.

Their names begin with `quarterdeck_scratch_`. Whoever uses one stays connected to it, so one without any session is
nobody's.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from psycopg import sql

from console.backups.address import Address

if TYPE_CHECKING:
    from console.backups.address import Connection

PREFIX = "quarterdeck_scratch_"
_LOCK = 0x5164536372617463
"""Held while one is made or looked for: between its making and the first session it would look like nobody's."""

_LEFT = """
select datname from pg_database d where starts_with(datname, 'quarterdeck_scratch_')
and not exists (select from pg_stat_activity a where a.datname = d.datname)
"""
_ROLES = "select rolname from pg_roles"


@contextmanager
def scratch_database(server: Address, like: Address | None = None, roles: tuple[str, ...] = ()) -> Iterator[Address]:
    """Make an empty database for as long as the block lasts.

    Args:
        server: Any database of the server on which it is made.
        like: Takes encoding and collation of this one where it is on the same server.
        roles: Made without any right where they are missing; only for a server that is ours.

    Raises:
        ProviderError: The server does not answer, or this user may not make databases there.
    """
    name = f"{PREFIX}{secrets.token_hex(6)}"
    place = server.sibling(name)
    with server.connect() as connection:
        # Migrations may have made the database beside it read-only, so that the backup holds the very last of it.
        connection.execute("set default_transaction_read_only = off")
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        _sweep(connection)
        known = {row[0] for row in connection.execute(_ROLES)}
        for role in roles:
            if role not in known:
                connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        connection.execute(_creation(connection, name, like.dbname if like else ""))
        try:
            with place.connect():
                connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))
                yield place
        finally:
            drop = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            connection.execute("select pg_advisory_unlock_all()")
            connection.execute(drop)


def _sweep(connection: Connection) -> None:
    for (name,) in connection.execute(_LEFT).fetchall():
        connection.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(name)))


def _creation(connection: Connection, name: str, like: str) -> sql.Composed:
    """CREATE DATABASE with encoding and collation of another one, under whatever names this version keeps them."""
    made = sql.SQL("create database {} template template0").format(sql.Identifier(name))
    row = connection.execute(
        "select to_jsonb(d), pg_encoding_to_char(d.encoding) from pg_database d where datname = %s", (like,)
    ).fetchone()
    if row is None:
        return made
    told, encoding = row
    words = {"encoding": encoding, "lc_collate": told["datcollate"], "lc_ctype": told["datctype"]}
    provider = {"i": "icu", "b": "builtin"}.get(str(told.get("datlocprovider")), "")
    locale = told.get("datlocale") or told.get("daticulocale")
    if provider and locale:
        words |= {"locale_provider": provider, f"{provider}_locale": locale}
    parts = [sql.SQL(f"{key} = {{}}").format(sql.Literal(value)) for key, value in words.items()]
    return sql.SQL(" ").join([made, *parts])

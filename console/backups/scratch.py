"""A database for a while: made empty on a server, dropped at the end, also the ones that a killed process left.

Their names begin with `quarterdeck_scratch_`. Whoever uses one stays connected to it, so one without any session is
nobody's.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from psycopg import Error, sql

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
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}


@contextmanager
def scratch_database(
    server: Address, locale: Mapping[str, str] | None = None, roles: Mapping[str, bool] | None = None
) -> Iterator[Address]:
    """Make an empty database for as long as the block lasts.

    Args:
        server: Any database of the server on which it is made.
        locale: Its encoding and collation, as `fetch_locale` tells them; else those of that database of the server.
        roles: Made where they are missing, with every right where it is said so; only for a server that is ours.

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
        for role, may_all in (roles or {}).items():
            if role not in known:
                rights = sql.SQL("superuser" if may_all else "nosuperuser")
                connection.execute(sql.SQL("create role {} {}").format(sql.Identifier(role), rights))
        _create(connection, name, locale or fetch_locale(connection, server.dbname))
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


def fetch_locale(connection: Connection, name: str) -> dict[str, str]:
    """Encoding and collation of a database, as CREATE DATABASE takes them, by whatever names this version keeps them.

    Empty where there is no such database on this server.
    """
    row = connection.execute(
        "select to_jsonb(d), pg_encoding_to_char(d.encoding) from pg_database d where datname = %s", (name,)
    ).fetchone()
    if row is None:
        return {}
    told, encoding = row
    words = {"encoding": str(encoding), "lc_collate": told["datcollate"], "lc_ctype": told["datctype"]}
    provider = _PROVIDERS.get(str(told.get("datlocprovider")), "")
    locale = told.get("datlocale") or told.get("daticulocale")
    if provider:
        words["locale_provider"] = provider
    if provider and locale:
        words[f"{provider}_locale"] = locale
    return words


def _create(connection: Connection, name: str, locale: Mapping[str, str]) -> None:
    """Make it; where the server knows no such collation, with the same encoding at least."""
    try:
        connection.execute(_creation(name, locale))
    except Error:
        if "encoding" not in locale:
            raise
        plain = {"encoding": locale["encoding"], "lc_collate": "C", "lc_ctype": "C"}
        knows_providers = connection.info.server_version >= 150000
        connection.execute(_creation(name, {**plain, **({"locale_provider": "libc"} if knows_providers else {})}))


def _creation(name: str, locale: Mapping[str, str]) -> sql.Composed:
    made = sql.SQL("create database {} template template0").format(sql.Identifier(name))
    parts = [sql.SQL(f"{key} = {{}}").format(sql.Literal(value)) for key, value in locale.items()]
    return sql.SQL(" ").join([made, *parts])

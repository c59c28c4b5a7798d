"""A connection to the database that a transfer writes, the same for rows and for references."""

from __future__ import annotations

from typing import Any

import psycopg

Target = psycopg.Connection[tuple[Any, ...]]
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO,YMD",
    "intervalstyle": "postgres",
    "lock_timeout": "5s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "standard_conforming_strings": "on",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "quote_all_identifiers": "off",
}
_SET = "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)"


def connect_target(address: str, **more: str) -> Target:
    """Open the target with settings under which values are written in one way.

    Args:
        more: Settings of this connection beside those.

    Raises:
        psycopg.Error: Its words may hold the address' host but never its password.
    """
    target = psycopg.connect(
        address,
        autocommit=True,
        prepare_threshold=None,
        connect_timeout=10,
        keepalives_idle=30,
        client_encoding="UTF8",
        application_name="quarterdeck transfer",
    )
    try:
        # Not as `options` of the connection, which a pooler may refuse and the address may have of its own.
        settings = {**_SETTINGS, **more}
        target.execute(_SET, (list(settings), list(settings.values())))
    except BaseException:
        target.close()
        raise
    return target

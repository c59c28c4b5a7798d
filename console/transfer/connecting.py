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
}


def connect_target(address: str, **more: str) -> Target:
    """Open the target with settings under which values are written in one way.

    Args:
        more: Settings of this connection beside those.

    Raises:
        psycopg.Error: Its words may hold the address' host but never its password.
    """
    return psycopg.connect(
        address,
        autocommit=True,
        prepare_threshold=None,
        connect_timeout=10,
        application_name="quarterdeck transfer",
        options=" ".join(f"-c {name}={value}" for name, value in {**_SETTINGS, **more}.items()),
    )

"""One database for this room: connections of psycopg, and the environment that PostgreSQL's programs take.

The password goes by the environment, which only this user can read, and never stands among arguments.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from providers.database import Database

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_WITHIN_S = 10
APPLICATION = "quarterdeck backup"
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "options": "PGOPTIONS",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "sslsni": "PGSSLSNI",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "require_auth": "PGREQUIREAUTH",
    "channel_binding": "PGCHANNELBINDING",
    "gssencmode": "PGGSSENCMODE",
    "krbsrvname": "PGKRBSRVNAME",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


class Address:
    """Where a database is. `repr` shows neither user nor password.

    Args:
        name: What it is called in messages and in the catalogue: `production/api`.
        dsn: A `postgresql://` address, or libpq's key=value form.

    Raises:
        Rejected: The address cannot be read, or leads to a pooler in transaction mode, which keeps no snapshot.
    """

    def __init__(self, name: str, dsn: str) -> None:
        from psycopg.conninfo import conninfo_to_dict

        self.name = name
        plain = re.sub(r"^(postgres(?:ql)?)\+[a-z0-9_]+://", r"\1://", dsn)
        self._database = Database(name, name, plain, "database")
        self._database.check_session_mode()
        self._parts: dict[str, Any] = dict(conninfo_to_dict(plain))

    def __repr__(self) -> str:
        return f"Address({self.name!r})"

    @property
    def dbname(self) -> str:
        return str(self._parts.get("dbname") or self._parts.get("user") or "")

    def sibling(self, dbname: str) -> Address:
        """Another database of the same server, for the same user."""
        from psycopg.conninfo import make_conninfo

        return Address(self.name, make_conninfo("", **{**self._parts, "dbname": dbname}))

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open a connection in autocommit mode for as long as the block lasts.

        Raises:
            ProviderError: Nobody answers, the log-in was refused, or the database refused something in the block.
        """
        import psycopg

        # Of a database without an encoding (SQL_ASCII), names would come as bytes.
        own = {"application_name": APPLICATION, "client_encoding": "utf8"}
        options = {"connect_timeout": CONNECT_WITHIN_S, **self._parts, **own}
        try:
            connection = psycopg.connect("", autocommit=True, prepare_threshold=None, **options)
        except psycopg.Error as problem:
            raise self._database.translate(problem, "connect") from None
        try:
            yield connection
        except psycopg.Error as problem:
            raise self._database.translate(problem, "backup") from None
        finally:
            connection.close()

    def environment(self) -> Mapping[str, str]:
        """What PostgreSQL's programs need to know, and nothing else of ours."""
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        told = {_VARIABLES[key]: str(value) for key, value in self._parts.items() if key in _VARIABLES}
        return {"PGCONNECT_TIMEOUT": str(CONNECT_WITHIN_S), **passed, **told, "PGAPPNAME": APPLICATION}

    def redact(self, text: str) -> str:
        """One line, without the password."""
        return self._database.redact(text)

"""Addresses of a PostgreSQL as services get them: who logs in where, and the same address for somebody else.

Only the user and the password of an address are replaced, in the text itself: drivers know parameters and schemes that
libpq does not. No function here ever quotes an address.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from console.domain.errors import UsageError
from providers.contract import Login

# `postgresql+asyncpg://` and the like are SQLAlchemy's.
_URL = re.compile(r"^(?P<scheme>postgres(?:ql)?(?:\+[a-z0-9_]+)?://)(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@")
_LIBPQ = re.compile(r"^\s*\w+\s*=")
POOLER = ".pooler.supabase.com"
"""Supavisor: the user is the role, a dot, and the project."""


def read(address: str) -> Login:
    """Take an address apart.

    Raises:
        UsageError: It is no address of a PostgreSQL with a user.
    """
    match = _URL.match(address)
    if match:
        parts = urlsplit(address)
        place = parts.netloc.rpartition("@")[2]
        return Login(_role(unquote(match["user"]), place), unquote(parts.path.lstrip("/")), place)
    values = _values(address)
    place = f"{values.get('host') or values.get('hostaddr') or ''}:{values.get('port') or '5432'}"
    return Login(_role(str(values["user"]), place), str(values.get("dbname") or ""), place)


def rewrite(address: str, role: str, password: str) -> str:
    """The same address for another role.

    Raises:
        UsageError: It is no address of a PostgreSQL with a user.
    """
    match = _URL.match(address)
    if match:
        user = _like(unquote(match["user"]), read(address).role, role)
        return f"{match['scheme']}{quote(user, safe='')}:{quote(password, safe='')}@{address[match.end() :]}"
    from psycopg.conninfo import make_conninfo

    values = _values(address)
    user = _like(str(values["user"]), read(address).role, role)
    return make_conninfo("", **{**values, "user": user, "password": password})


def password_of(address: str) -> str:
    """The password that it holds, or nothing."""
    match = _URL.match(address)
    return unquote(match["password"] or "") if match else str(_values(address).get("password") or "")


def for_libpq(address: str) -> str:
    """The address without the driver's name, which libpq does not take."""
    return re.sub(r"^(postgres(?:ql)?)\+[a-z0-9_]+://", r"\1://", address)


def _role(user: str, place: str) -> str:
    host = place.rpartition(":")[0] or place
    return user.rpartition(".")[0] or user if host.endswith(POOLER) else user


def _like(user: str, old: str, new: str) -> str:
    return new + user[len(old) :]


def _values(address: str) -> dict[str, Any]:
    from psycopg import Error
    from psycopg.conninfo import conninfo_to_dict

    values: dict[str, Any] = {}
    if _LIBPQ.match(address):
        try:
            values = dict(conninfo_to_dict(address))
        except Error:
            values = {}
    if not values.get("user"):
        raise UsageError(
            "What it holds is no address of a PostgreSQL with a user.",
            "",
            "Write postgresql://USER:PASSWORD@HOST:5432/DATABASE, with special characters percent-encoded.",
        )
    return values

"""One written form for a value on both sides, so that two rows are the same exactly when their forms are.

PostgreSQL writes it with the expression given here, and Python with the function; both are then hashed. Every form is
exact: floats by their bits, bytes in hex, and everything else as the server writes it, with times in UTC. The
connection has to say `datestyle=ISO` and `timezone=UTC`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

SEPARATOR = "\x1f"
ABSENT = "\x1e"
"""NULL. Nothing else is written so: a text begins with its length, which also says where it ends."""

Form = Callable[[Any], str]


def server_form(column: str, type_name: str) -> str:
    """The SQL expression for a column, already quoted, of that type."""
    kind = type_name.partition("(")[0]
    written = {
        "double precision": f"encode(float8send({column}), 'hex')",
        "bytea": f"encode({column}, 'hex')",
        "boolean": f"CASE {column} WHEN true THEN '1' WHEN false THEN '0' END",
        "real": f"encode(float8send({column}::double precision), 'hex')",
        "timestamptz": f"({column} AT TIME ZONE 'UTC')::text",
        "text": f"length({column}) || '=' || {column}",
        "varchar": f"length({column}) || '=' || {column}",
    }.get(kind, f"{column}::text")
    return f"coalesce({written}, E'\\x1e')"


def client_form(type_name: str) -> Form:
    """The function for values as they are sent to a column of that type; None is not among them."""
    return _FORMS.get(type_name.partition("(")[0], str)


def _number(value: Any) -> str:
    return (
        str(value)
        if isinstance(value, int)
        else format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")
    )


def _double(value: Any) -> str:
    return struct.pack(">d", value).hex()


def _bytes(value: Any) -> str:
    return str(value.hex())  # bytes(5) would be five zeros


def _text(value: Any) -> str:
    return f"{len(value)}={value}"


def _flag(value: Any) -> str:
    return "1" if value else "0"


def moment(value: Any) -> str:
    """A time as PostgreSQL writes it: a blank in the middle, and no zeros at the end of a fraction."""
    if isinstance(value, datetime):
        at = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return _short(at.isoformat(" "))
    return _short(f"{value[:10]} {value[11:]}")


def _short(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _hour(value: Any) -> str:
    return _short(value if isinstance(value, str) else str(value.isoformat()))


def _single(value: Any) -> str:
    """A float of 32 bits, which is what such a column keeps of one of 64."""
    return _double(struct.unpack(">f", struct.pack(">f", value))[0])


def _jsonb(value: Any) -> str:
    """As the server writes it: keys by length and then bytes, numbers as decimals, a blank after comma and colon."""
    return _write(json.loads(value, parse_float=Decimal, parse_int=int))


def _write(value: Any) -> str:
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: (len(pair[0].encode()), pair[0].encode()))
        return "{" + ", ".join(f"{_quote(key)}: {_write(one)}" for key, one in pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_write, value)) + "]"
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    written = format(value, "f") if isinstance(value, Decimal) else str(value)
    return written.removeprefix("-") if isinstance(value, Decimal) and not value else written


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_FORMS: Mapping[str, Form] = {
    "numeric": _number,
    "double precision": _double,
    "bytea": _bytes,
    "boolean": _flag,
    "real": _single,
    "timestamp": moment,
    "timestamptz": moment,
    "time": _hour,
    "text": _text,
    "varchar": _text,
    "jsonb": _jsonb,
}

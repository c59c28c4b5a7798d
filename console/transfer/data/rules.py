"""What somebody decided about columns, from a TOML file.

`["table.column"]` with any of `type`, `zone`, `epoch`, `invalid`, `nul`, `encoding`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, field_validator

from console.domain.errors import UsageError
from console.transfer.data.choosing import ColumnRule
from console.transfer.data.converters import TYPES, Reading


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: str = ""
    zone: str = ""
    epoch: Literal["", "s", "ms", "us", "ns", "julian"] = ""
    invalid: Literal["quarantine", "null"] = "quarantine"
    nul: Literal["quarantine", "strip"] = "quarantine"
    encoding: str = ""

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and value.partition("(")[0] not in TYPES:
            raise ValueError(f"choose one of {', '.join(TYPES)}")
        return value

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (KeyError, ValueError) as problem:
                raise ValueError("name a time zone, such as Europe/Berlin") from problem
        return value

    @field_validator("encoding")
    @classmethod
    def _encoding(cls, value: str) -> str:
        try:
            b"".decode(value or "utf-8")
        except LookupError as problem:
            raise ValueError("name an encoding, such as latin-1") from problem
        return value


def load_rules(path: Path) -> Mapping[tuple[str, str], ColumnRule]:
    """Read the file.

    Raises:
        UsageError: It cannot be read, or says something unknown; every problem is named at once.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        rules = TypeAdapter(dict[str, _Rule]).validate_python(values)
    except OSError as problem:
        raise UsageError(f"The rules cannot be read: {problem.strerror}.", str(path), "Name a TOML file.") from problem
    except tomllib.TOMLDecodeError as problem:
        raise UsageError(
            f"The rules are no TOML: {problem}.", str(path), "Correct the line that it names."
        ) from problem
    except ValidationError as problem:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problem.errors())
        raise UsageError(f"The rules say something unknown: {said}.", str(path), "Correct these keys.") from problem
    found = {}
    for name, rule in rules.items():
        table, _, column = name.rpartition(".")
        reading = Reading(rule.zone, rule.epoch, rule.invalid == "null", rule.nul == "strip", rule.encoding)
        found[table.lower(), column.lower()] = ColumnRule(rule.type, reading)
    return found

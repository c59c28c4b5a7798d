"""JSON Schema of the domain's types, as `console.domain.codec` writes them."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from typing import Any

from console.domain.codec import Json
from console.domain.events import EVENT_TYPES, Event

PLAIN: dict[Any, Json] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    timedelta: {"type": "number", "description": "seconds"},
    type(None): {"type": "null"},
    object: {},
    Any: {},
}


class Schemas:
    """Builds schemas; what is named once stands in `components` and is referred to."""

    def __init__(self) -> None:
        self.components: dict[str, Json] = {}

    def of(self, hint: Any) -> Json:
        """The schema of a type.

        Raises:
            TypeError: It has no JSON form here.
        """
        if isinstance(hint, typing.NewType):
            return self.of(hint.__supertype__)
        if hint is Event:
            return self._event()
        if hint in PLAIN:
            return dict(PLAIN[hint])
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            return {"anyOf": [self.of(option) for option in arguments]}
        if origin in (tuple, list):
            return {"type": "array", "items": self.of(arguments[0])}
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if isinstance(hint, type) and issubclass(hint, Enum):
            kind = "integer" if issubclass(hint, IntEnum) else "string"
            return {"type": kind, "enum": [member.value for member in hint]}
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            return self._dataclass(hint)
        raise TypeError(f"{hint} has no JSON form")

    def _dataclass(self, kind: type) -> Json:
        reference = {"$ref": f"#/components/schemas/{kind.__name__}"}
        if kind.__name__ in self.components:
            return reference
        self.components[kind.__name__] = {}  # a type may hold itself
        hints = typing.get_type_hints(kind)
        fields = dataclasses.fields(kind)
        required = [
            field.name
            for field in fields
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        ]
        about = (kind.__doc__ or "").strip().split("\n\n")[0]
        self.components[kind.__name__] = {
            "type": "object",
            **({"description": " ".join(about.split())} if about and not about.startswith(kind.__name__) else {}),
            "properties": {field.name: self.of(hints[field.name]) for field in fields},
            **({"required": required} if required else {}),
        }
        return reference

    def _event(self) -> Json:
        if "Event" not in self.components:
            for payload in EVENT_TYPES.values():
                self.of(payload)
            self.components["Event"] = {
                "type": "object",
                "description": "One line of the record. `type` names the schema of `payload`; skip unknown types.",
                "properties": {
                    "seq": {"type": "integer"},
                    "deployment": {"type": "string"},
                    "type": {"type": "string", "examples": sorted(EVENT_TYPES)},
                    "at": {"type": "string", "format": "date-time"},
                    "actor": {"type": "string"},
                    "payload": {"type": "object"},
                },
                "required": ["seq", "deployment", "type", "at", "actor", "payload"],
            }
        return {"$ref": "#/components/schemas/Event"}

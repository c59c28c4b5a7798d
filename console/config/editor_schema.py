"""JSON Schemas of the configuration and of pipeline files, for editors; made from the models that read them.

Draft 2020-12 in words that draft 7 has too, since that is what most editors' plugins check with.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, get_args

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from console.config.durations import format_duration
from console.config.pipeline_shape import FIELDS, WITHOUT_SERVICE, Pipeline, PipelineKind
from console.config.settings import Settings
from console.domain.plan import StepKind
from providers.registry import KINDS

Schema = dict[str, Any]

DURATION = r"^\s*0\s*$|^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*)+$"
PLACEHOLDER: Schema = {"type": "string", "pattern": r"^\{[a-z][a-z0-9_]*\}$"}
"""A value of a matrix in the place of a number, a choice or a time."""
DIALECT = "http://json-schema.org/draft-07/schema#"


class _Generator(GenerateJsonSchema):
    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """Times as people write them."""
        return {"type": "string", "pattern": DURATION}

    def encode_default(self, dft: Any) -> Any:
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Defaults that JSON cannot say are left to the words."""
        found = super().default_schema(schema)
        return {key: value for key, value in found.items() if key != "default" or value is not None}


def config_schema() -> Schema:
    """Of `config.toml`. Keys of a provider that belong to its adapter are open here; `config check` knows them."""
    schema = _schema_of(Settings, "Quarterdeck configuration")
    kinds = schema["$defs"]["ProviderSettings"]["properties"]["kind"]
    kinds["enum"] = sorted(KINDS)
    return schema


def pipeline_schema() -> Schema:
    """Of a pipeline file, with placeholders where a matrix may fill them in, and what each kind of step takes."""
    schema = _schema_of(Pipeline, "Quarterdeck pipeline")
    definitions: Schema = schema["$defs"]
    step = definitions["PipelineStep"]
    properties: Schema = step["properties"]
    properties["id"]["pattern"] = r"^([a-z0-9]|\{[a-z][a-z0-9_]*\})([a-z0-9_-]|\{[a-z][a-z0-9_]*\})*$"
    undo = definitions.pop("StepUndo")
    undo["properties"].pop("mode")
    own = {"oneOf": [{"required": ["run"]}, {"required": ["url"]}]}
    properties["undo"] = {
        "description": properties["undo"]["description"],
        "default": "auto",
        "anyOf": [{"enum": ["auto", "none"]}, {**undo, **own}],
    }
    for name in ("weight", "duration", "timeout", "retries", "approvals"):
        properties[name] = _or_placeholder(properties[name])
    step["allOf"] = [*_rules()]
    return schema


def _schema_of(model: type[Settings] | type[Pipeline], title: str) -> Schema:
    mode: JsonSchemaMode = "validation"
    schema = model.model_json_schema(schema_generator=_Generator, mode=mode)
    plain = _without_titles(schema)
    return {"$schema": DIALECT, **plain, "title": title}


def _without_titles(value: Any) -> Any:
    """Titles repeat the names of keys; `$defs` keep theirs out too. A property may itself be called title."""
    if isinstance(value, Mapping):
        return {
            key: _without_titles(inner) for key, inner in value.items() if key != "title" or isinstance(inner, Mapping)
        }
    return [_without_titles(inner) for inner in value] if isinstance(value, list) else value


def _or_placeholder(schema: Schema) -> Schema:
    kept: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    rest = {key: inner for key, inner in schema.items() if key not in kept}
    options = rest.get("anyOf", [rest])
    return {**kept, "anyOf": [*options, PLACEHOLDER]}


def _rules() -> list[Schema]:
    """By kind: the settings that it must have, and the ones that it has not."""
    rules = []
    for kind in map(StepKind, get_args(PipelineKind)):
        required = [name for name, (kinds, must) in FIELDS.items() if must and kind in kinds]
        if kind not in WITHOUT_SERVICE:
            required.append("service")
        foreign = [name for name, (kinds, _) in FIELDS.items() if kind not in kinds]
        then: Schema = {"properties": dict.fromkeys(foreign, False)}
        if required:
            then["required"] = required
        rules.append({"if": {"properties": {"kind": {"const": kind.value}}, "required": ["kind"]}, "then": then})
    return rules

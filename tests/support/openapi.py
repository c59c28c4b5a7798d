"""Hold requests and answers against a platform's own OpenAPI document.

A small reader made for the four documents in `../shared/specs`, whose habits general tools trip over: references into
`#/paths/...` through array indexes and percent-encoded braces (Render), `nullable` and `type: [X, "null"]` in the
same dialect (Supabase), parameters that span several path segments (GitHub, Storage).

Two leniencies, both on purpose: `oneOf` is read as `anyOf`, because the documents' arms overlap and real answers
match several; and a reference to another host accepts anything, because it cannot be read here.

    render = Document.load(shared_spec("render-public-api.json"))
    assert render.check_request("POST", "/v1/services/srv-1/deploys", {}, {"commitId": "abc"}) == []
    assert render.check_response("GET", "/v1/services/srv-1", 200, answer.json()) == []
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match

Json = Any
Query = Mapping[str, Any] | Sequence[tuple[str, Any]]

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
CODEC_FREE = object()
"""Says "the body was not JSON": only its media type is checked."""


def shared_spec(name: str) -> Path:
    """The path of an official document; it may be absent, tests then skip."""
    return SHARED / "specs" / name


@dataclass(frozen=True)
class Violation:
    """One way in which an exchange leaves its document.

    `kind` is one of: operation, status, media, query, body, answer, undeclared.
    `operation` is the document's own wording, e.g. "POST /services/{serviceId}/deploys"; for an unknown operation the
    method and path as asked. `where` is a JSON path ("$.commit.id") or a parameter's name.
    """

    kind: str
    operation: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind} · {self.operation} · {self.where}: {self.what}"


@dataclass(frozen=True)
class Operation:
    name: str
    template: str
    definition: Mapping[str, Json]
    parameters: tuple[Mapping[str, Json], ...]


@dataclass
class Document:
    """One OpenAPI 3.0 document, ready to judge exchanges. Build it with `load`; loading twice costs once."""

    raw: Mapping[str, Json]
    base: str = ""
    _routes: list[tuple[re.Pattern[str], int, str]] = field(default_factory=list)
    _defs: dict[str, Json] = field(default_factory=dict)

    @staticmethod
    def load(path: Path, base: str | None = None) -> "Document":
        """Read a document. `base` is the path in front of every template; by default the one of `servers[0]`."""
        return _load(path, base)

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation that answers this method and path (with or without the base), or None."""
        bare = urlsplit(path).path
        if self.base and bare.startswith(f"{self.base}/"):
            bare = bare[len(self.base) :]
        for pattern, _, template in self._routes:
            item = self.raw["paths"][template]
            if method.lower() in item and pattern.fullmatch(bare):
                definition = item[method.lower()]
                return Operation(
                    f"{method.upper()} {template}", template, definition, tuple(self._parameters(item, definition))
                )
        return None

    def check_request(self, method: str, path: str, query: Query | None = None, body: Json = None) -> list[Violation]:
        """Judge what a client sends. `query` values may be lists; a query inside `path` is read too.

        Pass `CODEC_FREE` as the body when it is not JSON (an upload, a form).
        """
        operation = self.operation(method, path)
        if operation is None:
            return [Violation("operation", f"{method.upper()} {urlsplit(path).path}", "-", "no such operation")]
        found = list(self._query_violations(operation, _pairs(query, path)))
        content = self.resolve(operation.definition.get("requestBody", {}))
        schema = _json_schema_of(content.get("content", {}))
        if body is None:
            if content.get("required") and schema is not None:
                found.append(Violation("body", operation.name, "$", "the document requires a body"))
        elif body is CODEC_FREE:
            pass
        elif not content:
            found.append(Violation("body", operation.name, "$", "the document knows no body here"))
        elif schema is not None:
            found += self._judge("body", operation.name, schema, body)
            found += self._undeclared(operation.name, schema, body)
        return found

    def check_response(
        self, method: str, path: str, status: int, body: Json = None, media: str | None = None
    ) -> list[Violation]:
        """Judge what a server answers. `body` is the parsed JSON, None when empty, `CODEC_FREE` when not JSON."""
        operation = self.operation(method, path)
        if operation is None:
            return [Violation("operation", f"{method.upper()} {urlsplit(path).path}", "-", "no such operation")]
        responses = operation.definition["responses"]
        key = next((k for k in (str(status), f"{status // 100}XX", "default") if k in responses), None)
        if key is None:
            documented = ", ".join(sorted(responses))
            return [Violation("status", operation.name, str(status), f"not documented (has {documented})")]
        content = self.resolve(responses[key]).get("content", {})
        schema = _json_schema_of(content)
        if body is CODEC_FREE:
            if media is not None and content and media.split(";")[0] not in content and "*/*" not in content:
                return [Violation("media", operation.name, str(status), f"{media} (has {', '.join(content)})")]
            return []
        if body is None:
            missing = schema is not None and bool(self.resolve(schema))
            return [Violation("answer", operation.name, str(status), "empty, has a schema")] if missing else []
        if schema is None:
            return [Violation("media", operation.name, str(status), "a JSON body where none is documented")]
        return [*self._judge("answer", operation.name, schema, body), *self._undeclared(operation.name, schema, body)]

    def resolve(self, node: Json) -> Json:
        """Follow `$ref` until the node is a definition itself."""
        seen: set[str] = set()
        while isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
            reference = node["$ref"]
            if reference in seen or not reference.startswith("#/"):
                return {}
            seen.add(reference)
            node = self._at(reference)
        return node

    def _at(self, reference: str) -> Json:
        node: Json = self.raw
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            node = node[int(name)] if isinstance(node, list) else self.resolve(node)[name]
        return node

    def _parameters(self, item: Mapping[str, Json], definition: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
        for parameter in [*item.get("parameters", []), *definition.get("parameters", [])]:
            yield self.resolve(parameter)

    def _query_violations(self, operation: Operation, pairs: list[tuple[str, str]]) -> Iterator[Violation]:
        known = {p["name"].removesuffix("[]"): p for p in operation.parameters if p["in"] == "query"}
        given: dict[str, list[str]] = {}
        for name, value in pairs:
            given.setdefault(name.removesuffix("[]"), []).append(value)
        for name, parameter in known.items():
            if parameter.get("required") and name not in given:
                yield Violation("query", operation.name, name, "required and missing")
        for name, texts in given.items():
            if name not in known:
                yield Violation("query", operation.name, name, "not documented")
                continue
            schema = self.schema(known[name].get("schema", {}))
            comma = known[name].get("explode", True) is False
            values = [part for text in texts for part in text.split(",")] if comma else texts
            yield from self._judge_query(operation.name, name, schema, values)

    def _judge_query(self, operation: str, name: str, schema: Json, values: list[str]) -> Iterator[Violation]:
        readings: list[Json] = [[_typed(v) for v in values], values]
        if len(values) == 1:
            readings += [_typed(values[0]), values[0]]
        if not any(self._validator(schema).is_valid(reading) for reading in readings):
            yield Violation("query", operation, name, f"{values!r} does not fit {json.dumps(schema)[:200]}")

    def _judge(self, kind: str, operation: str, schema: Json, body: Json) -> list[Violation]:
        found = []
        for error in self._validator(self.schema(schema)).iter_errors(body):
            cause = best_match([error]) or error
            found.append(Violation(kind, operation, cause.json_path, cause.message[:300]))
        return found

    def _validator(self, schema: Json) -> Draft202012Validator:
        return Draft202012Validator({**schema, "$defs": self._defs}, format_checker=FORMATS)

    def schema(self, node: Json) -> dict[str, Json]:
        """Translate a 3.0 schema into JSON Schema 2020-12; references become `#/$defs/...`, filled as they are met."""
        if not isinstance(node, Mapping):
            return {}
        if isinstance(node.get("$ref"), str):
            return self._reference(node["$ref"])
        out: dict[str, Json] = {}
        for key, value in node.items():
            if key == "properties":
                out[key] = {name: self.schema(child) for name, child in value.items()}
            elif key in ("allOf", "anyOf", "oneOf"):
                if value:
                    out["anyOf" if key == "oneOf" else key] = [self.schema(child) for child in value]
            elif key in ("items", "not") or (key == "additionalProperties" and isinstance(value, Mapping)):
                out[key] = self.schema(value)
            elif key in KEPT:
                out[key] = value
        for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if isinstance(out.get(exclusive), bool) and out.pop(exclusive) and limit in out:
                out[exclusive] = out.pop(limit)
        if "enum" in out:
            out["enum"] = [*out["enum"], *([None] if node.get("nullable") else [])]
        return {"anyOf": [{"type": "null"}, out]} if node.get("nullable") else out

    def _reference(self, reference: str) -> dict[str, Json]:
        if not reference.startswith("#/"):
            return {}
        name = re.sub(r"[^A-Za-z0-9]+", "_", reference)
        if name not in self._defs:
            self._defs[name] = {}
            self._defs[name] = self.schema(self._at(reference))
        return {"$ref": f"#/$defs/{name}"}

    def _undeclared(self, operation: str, schema: Json, body: Json) -> list[Violation]:
        """Fields that no arm of the schema names. A schema without `properties` declares anything."""
        return [
            Violation("undeclared", operation, where, "the document does not name this field")
            for where in self._strangers([self.resolve(schema)], body, "$")
        ]

    def _strangers(self, schemas: Sequence[Json], body: Json, where: str) -> Iterator[str]:
        arms = list(self._arms(schemas))
        if isinstance(body, list):
            items = [arm["items"] for arm in arms if "items" in arm]
            for value in body if items else []:
                yield from self._strangers(items, value, f"{where}[]")
        if not isinstance(body, Mapping):
            return
        if any(arm.get("additionalProperties") or _is_open(arm) for arm in arms):
            return
        for name, value in body.items():
            named = [arm["properties"][name] for arm in arms if name in arm.get("properties", {})]
            if named:
                yield from self._strangers(named, value, f"{where}.{name}")
            else:
                yield f"{where}.{name}"

    def _arms(self, schemas: Iterable[Json]) -> Iterator[Mapping[str, Json]]:
        for schema in schemas:
            definition = self.resolve(schema)
            if not isinstance(definition, Mapping):
                continue
            yield definition
            for key in ("allOf", "anyOf", "oneOf"):
                yield from self._arms(definition.get(key, []))


KEPT = {
    *("type", "format", "enum", "required", "uniqueItems", "additionalProperties", "pattern", "multipleOf"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"),
    *("minItems", "maxItems", "minProperties", "maxProperties"),
}


def _is_open(arm: Mapping[str, Json]) -> bool:
    """Whether this arm admits any object: it names no properties and is no composition of arms that do."""
    if any(key in arm for key in ("properties", "allOf", "anyOf", "oneOf", "items", "enum")):
        return False
    return arm.get("type") in (None, "object")


@cache
def _load(path: Path, base: str | None) -> Document:
    raw = json.loads(path.read_text())
    servers = raw.get("servers") or [{"url": ""}]
    document = Document(raw, urlsplit(servers[0]["url"]).path.rstrip("/") if base is None else base)
    for template, item in raw["paths"].items():
        wide = {
            p["name"]
            for method in METHODS
            for p in map(document.resolve, item.get(method, {}).get("parameters", []))
            if p.get("x-multi-segment")
        }
        document._routes.append((_pattern(template, wide), len(re.findall(r"\{", template)), template))
    document._routes.sort(key=lambda route: (route[1], -len(route[2])))
    return document


def _pattern(template: str, wide: set[str]) -> re.Pattern[str]:
    text = ""
    for part in re.split(r"(\{[^}]*\})", template):
        if part.startswith("{"):
            text += ".+" if part in ("{*}", "{wildcard}") or part[1:-1] in wide else "[^/]+"
        else:
            text += re.escape(part)
    return re.compile(text)


def _json_schema_of(content: Mapping[str, Json]) -> Json:
    for media, definition in content.items():
        if "json" in media or media == "*/*":
            return definition.get("schema", {})
    return None


def _pairs(query: Query | None, path: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, Any]] = []
    for part in filter(None, urlsplit(path).query.split("&")):
        name, _, value = part.partition("=")
        pairs.append((unquote(name), unquote(value)))
    for name, value in query.items() if isinstance(query, Mapping) else query or ():
        pairs += [(name, one) for one in value] if isinstance(value, list | tuple) else [(name, value)]
    return [(name, _text(value)) for name, value in pairs if value is not None]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _typed(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, list | dict) else value


FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or (datetime.fromisoformat(value).tzinfo is not None)


@FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or bool(UUID(value))


@FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    # GitHub's document names the empty text as the default of fields that it calls addresses.
    return value == "" or not isinstance(value, str) or bool(urlsplit(value).scheme)

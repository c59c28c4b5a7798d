"""The API's own OpenAPI document, made from the route table."""

from __future__ import annotations

from console.domain.codec import Json, to_json
from console.server.routes import Parameter, Route
from console.server.schemas import Schemas

ERROR_SCHEMA: Json = {
    "type": "object",
    "description": "What happened, where, and what to do. `exit_code` is what a command line tool should end with.",
    "properties": {
        "class": {"type": "string"},
        "what": {"type": "string"},
        "where": {"type": "string"},
        "remedy": {"type": "string"},
        "exit_code": {"type": "integer"},
        "transient": {"type": "boolean"},
        "reasons": {"type": "array", "items": {"type": "string"}},
        "problems": {"type": "array", "items": {"type": "object"}},
        "provider": {"type": "string"},
        "request": {"type": "string"},
        "retry_after": {"type": "number", "description": "seconds"},
    },
    "required": ["class", "what", "where", "remedy", "exit_code", "transient"],
}


def build_document(routes: tuple[Route, ...], version: str) -> Json:
    """Describe every route as OpenAPI 3.1."""
    schemas = Schemas()
    paths: dict[str, dict[str, Json]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Quarterdeck worker",
            "version": version,
            "description": "Over the unix socket of one state directory; the kernel says who asks. "
            "Times are ISO 8601 in UTC, durations seconds.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://worker"}],
        "paths": paths,
        "components": {"schemas": {"Error": ERROR_SCHEMA, **schemas.components}},
    }


def _operation(route: Route, schemas: Schemas) -> Json:
    media = route.media or ("text/event-stream" if route.stream else "application/json")
    operation: dict[str, Json] = {
        "operationId": route.name,
        "summary": route.about,
        "parameters": [_parameter(parameter, route, schemas) for parameter in route.parameters],
        "responses": {
            str(route.status): {
                "description": "Server-sent events; `data` is JSON." if route.stream else "Done.",
                "content": {media: {"schema": schemas.of(route.result)}},
            },
            **{str(status): _error(about) for status, about in route.errors.items()},
            "default": _error("Anything else that went wrong."),
        },
    }
    if route.body is not None:
        content = {"application/json": {"schema": schemas.of(route.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.takes_file:
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameter(parameter: Parameter, route: Route, schemas: Schemas) -> Json:
    in_path = f"{{{parameter.name}}}" in route.path
    schema = schemas.of(parameter.kind)
    if parameter.default not in (None, "") and not in_path:
        schema["default"] = to_json(parameter.default)
    return {
        "name": parameter.name,
        "in": "path" if in_path else "query",
        "required": in_path,
        "description": parameter.about,
        "schema": schema,
    }


def _error(about: str) -> Json:
    return {
        "description": about,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }

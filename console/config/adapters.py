"""Let each adapter's own settings model judge the keys of its provider, where the adapter has one.

The registry names the model of each kind, in `providers/<kind>/settings.py`. Secrets are references here and arrive
resolved there, so that a stand-in takes their place while the shape is checked.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from console.config.durations import parse_duration
from console.config.faults import SECRET_NAME, Fault, Key, explain
from console.config.settings import ProviderSettings, Settings
from console.config.shape import is_reference
from providers.registry import KINDS

STAND_IN = "resolved-later"


def find_option_faults(settings: Settings) -> Iterator[Fault]:
    """Everything that the adapters' models find wrong, and every secret that is written in the open."""
    for name, provider in settings.providers.items():
        key: Key = ("providers", name)
        open_secrets = set(_open_secrets(provider))
        for option in sorted(open_secrets):
            what = "A secret is written here in the open; only a reference is accepted."
            yield Fault((*key, option), what, "Write env:NAME, file:PATH, keyring:SERVICE/NAME or command:COMMAND.")
        model = find_model(provider.kind)
        if model is None:
            continue
        try:
            model.model_validate(adapter_values(provider, _stand_in(provider.options)))
        except ValidationError as problem:
            for fault in explain(problem, model, key):
                if fault.key[-1] not in open_secrets:
                    yield fault


def adapter_values(provider: ProviderSettings, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options in the form that the adapter's model takes: lengths of time read, `kind` where it wants one."""
    model = find_model(provider.kind)
    if model is None:
        return dict(options)
    fields = model.model_fields
    values = {name: _read_duration(value, fields.get(name)) for name, value in options.items()}
    return {"kind": provider.kind, **values} if "kind" in fields else values


def find_model(kind: str) -> type[BaseModel] | None:
    """The settings model of an adapter; None for a kind that the registry does not list."""
    if kind not in KINDS or importlib.util.find_spec(f"providers.{kind}") is None:
        return None
    try:
        module = importlib.import_module(f"providers.{kind}.settings")
    except ModuleNotFoundError:
        return None
    found = getattr(module, KINDS[kind], None)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _open_secrets(provider: ProviderSettings) -> Iterator[str]:
    model = find_model(provider.kind)
    fields = model.model_fields if model else {}
    for option, value in provider.options.items():
        field = fields.get(option)
        is_secret = field is not None and SecretStr in (field.annotation, *_options(field.annotation))
        if (is_secret or SECRET_NAME.search(option)) and isinstance(value, str) and value and not is_reference(value):
            yield option


def _read_duration(value: Any, field: FieldInfo | None) -> Any:
    if field is None or not isinstance(value, str) or timedelta not in (field.annotation, *_options(field.annotation)):
        return value
    try:
        return parse_duration(value)
    except ValueError:
        return value


def _options(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__args__", ())


def _stand_in(options: Mapping[str, Any]) -> dict[str, Any]:
    replaced: dict[str, Any] = replace_references(options, lambda key, reference: STAND_IN)
    return replaced


def replace_references(value: Any, by: Callable[[Key, str], str], key: Key = ()) -> Any:
    """Put something in the place of every reference, also inside tables and lists."""
    if isinstance(value, Mapping):
        return {name: replace_references(item, by, (*key, name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [replace_references(item, by, (*key, number)) for number, item in enumerate(value)]
    return by(key, value) if is_reference(value) else value


def list_references(value: Any, key: Key = ()) -> Iterator[tuple[Key, str]]:
    """Every reference in a table, with its key, also inside tables and lists."""
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    elif is_reference(value):
        yield key, value
    for name, item in items:
        yield from list_references(item, (*key, name))

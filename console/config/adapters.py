"""Let each adapter's own settings model judge the keys of its provider, where the adapter has one.

Convention: `providers/<kind>/settings.py` holds a pydantic model named `<Kind>Settings`. Secrets are references here
and arrive resolved there, so that a stand-in takes their place while the shape is checked.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from console.config.durations import parse_duration
from console.config.faults import SECRET_NAME, Fault, Key, explain
from console.config.settings import ProviderSettings, Settings
from console.config.shape import is_reference

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
    """The settings model of an adapter; None for a kind without one."""
    module_name = f"providers.{kind}.settings"
    try:
        if importlib.util.find_spec(module_name) is None:
            return None
    except ModuleNotFoundError:
        return None
    module = importlib.import_module(module_name)
    wanted = f"{kind.replace('-', '').replace('_', '')}settings"
    found = next((value for name, value in vars(module).items() if name.lower() == wanted), None)
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
    return {name: STAND_IN if is_reference(value) else value for name, value in options.items()}

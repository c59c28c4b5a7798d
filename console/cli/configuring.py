"""`config check`, `config show` and `config schema`: the configuration, without a worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli.checkup import say_contents
from console.cli.output import show
from console.cli.session import Session
from console.domain.errors import ExitCode

if TYPE_CHECKING:
    from console.config.settings import Settings


def check(session: Session) -> int:
    """Load the file; every problem it has is the error's text."""
    path, settings = _load(session)
    words = f"{path}: good. {say_contents(settings)}."
    show(session, {"file": str(path), "good": True, "environments": list(settings.environments)}, [words])
    return ExitCode.GOOD


def show_settings(session: Session) -> int:
    """Print the settings in force, defaults among them."""
    _, settings = _load(session)
    data = settings.model_dump(mode="json")
    show(session, data, _lines(data))
    return ExitCode.GOOD


def schema(session: Session) -> int:
    """Print the schema of `config.toml` or of a pipeline file; needs neither worker nor configuration."""
    from console.config.editor_schema import config_schema, pipeline_schema

    found = pipeline_schema() if session.options.of == "pipeline" else config_schema()
    show(session, found, json.dumps(found, indent=2, ensure_ascii=False).splitlines())
    return ExitCode.GOOD


def _load(session: Session) -> tuple[Path, Settings]:
    from console.config.loader import load
    from console.config.location import locate

    path = locate(session.home, session.config)
    return path, load(path)


def _lines(data: object, prefix: str = "") -> list[str]:
    """Every setting on a line of its own: `environments.production.bake_time = 5m`."""
    if isinstance(data, dict) and data:
        return [
            line for key, value in data.items() for line in _lines(value, f"{prefix}.{key}" if prefix else str(key))
        ]
    return [f"{prefix} = {data}"]

"""Published statistical cases, kept beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "vectors"


def load(name: str, *, module: bool = False) -> Any:
    """Read a file of cases, or skip what needs it: the test, or the whole module."""
    file = FOLDER / name
    if not file.exists():
        pytest.skip("the shared reference vectors are not beside this checkout", allow_module_level=module)
    return json.loads(file.read_text())

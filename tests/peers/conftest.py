"""Clients that nobody here wrote, and where to find them."""

from __future__ import annotations

from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "node_modules" / ".bin"


@pytest.fixture(scope="session")
def supabase_cli() -> str:
    """The official Supabase CLI, as `npm ci` put it beside this file."""
    found = PROGRAMS / "supabase"
    if not found.exists():
        pytest.skip("the Supabase CLI is not installed: `make peers` fetches it with npm")
    return str(found)

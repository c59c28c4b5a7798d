"""Fixtures for every room."""

import os
import sys
from collections.abc import Iterator

import hypothesis
import pytest

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("quarterdeck", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("quarterdeck")

# Tests start hundreds of processes. Where no bytecode may be written each of them compiles everything anew, which takes
# several times as long as what it is asked to do.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL server for the whole run: the superuser's DSN of its empty database `postgres`."""
    from console.playground.postgres import TemporaryPostgres

    with TemporaryPostgres(tmp_path_factory.mktemp("postgres")) as dsn:
        yield dsn

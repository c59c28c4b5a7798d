"""Fixtures for every room."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL server for the whole run: the superuser's DSN of its empty database `postgres`."""
    from console.playground.postgres import TemporaryPostgres

    with TemporaryPostgres(tmp_path_factory.mktemp("postgres")) as dsn:
        yield dsn

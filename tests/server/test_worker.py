"""What the composition root decides by itself."""

from __future__ import annotations

import logging
from pathlib import Path

from console.config.secrets import Secret, Secrets
from console.config.settings import Settings
from console.server.worker import engine_url, hide_secrets, worker_name

HOME = Path("/home/ann/quarterdeck")


class TestGivenAName:
    def test_when_one_is_configured_then_it_is_that(self):
        settings = Settings.model_validate({"engine": {"worker": "bastion-1"}})

        assert worker_name(settings, HOME, shared=True) == worker_name(settings, HOME, shared=False) == "bastion-1"

    def test_when_two_share_a_host_and_a_database_then_their_names_differ_and_stay(self):
        one, other = (worker_name(Settings(), home, shared=True) for home in (HOME, HOME / "second"))

        assert one != other
        assert one == worker_name(Settings(), HOME, shared=True)

    def test_when_it_is_alone_then_the_host_is_name_enough(self):
        assert worker_name(Settings(), HOME, shared=True).startswith(worker_name(Settings(), HOME, shared=False))


class TestGivenAnEngineAddress:
    def test_when_it_is_a_secret_then_the_secret_is_taken(self):
        settings = Settings.model_validate({"engine": {"url": "env:ENGINE_URL"}})

        assert engine_url(settings, Secrets({"engine.url": Secret("postgresql://x")})) == "postgresql://x"

    def test_when_it_is_written_then_that_is_taken(self):
        settings = Settings.model_validate({"engine": {"url": "postgresql:///shared"}})

        assert engine_url(settings, Secrets({})) == "postgresql:///shared"
        assert engine_url(Settings(), Secrets({})) == ""


def test_no_secret_reaches_the_log(tmp_path):
    root = logging.getLogger()
    handler = logging.FileHandler(tmp_path / "log")
    root.addHandler(handler)
    try:
        hide_secrets(Secrets({"providers.render.token": Secret("rnd-s3cret")}))
        logging.getLogger("anybody").warning("the token is %s, again %s", "rnd-s3cret", "rnd-s3cret")
    finally:
        root.removeHandler(handler)
        handler.close()

    assert (tmp_path / "log").read_text() == "the token is •••, again •••\n"

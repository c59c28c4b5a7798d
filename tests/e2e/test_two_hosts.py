"""Two hosts share one engine in PostgreSQL: what one leaves unfinished the other finishes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.e2e.conftest import TakenBack, bring_back, customers, hurry
from tests.e2e.deck import Deck, Scene

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


@dataclass(frozen=True)
class Hosts:
    anchor: Deck
    bell: Deck


@pytest.fixture
def hosts(playground: Path, deck: Deck, taken_back: TakenBack) -> Iterator[Hosts]:
    """Two state directories with a worker each, for the playground's platforms, on a database of their own."""
    deck.stop()
    address = (playground / "playground/secrets/database-url").read_text(encoding="utf-8").strip()
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute("CREATE DATABASE engine")
    root = Path(tempfile.mkdtemp(prefix="qd-hosts-", dir="/tmp"))
    url = root / "engine-url"
    url.touch(0o600)
    url.write_text(f"{address.rpartition('/')[0]}/engine", encoding="utf-8")
    made = []
    for name in ("anchor", "bell"):
        home = root / name
        home.mkdir(mode=0o700)
        config = hurry(
            playground / "config.toml", home / "config.toml", engine=f'url = "file:{url}"\nworker = "{name}"'
        )
        text = config.read_text(encoding="utf-8")
        config.write_text(
            text.replace('tier = "production"', 'tier = "production"\nstages = [50, 100]'), encoding="utf-8"
        )
        made.append(Deck(home))
    with customers(playground, 60.0):
        yield Hosts(*made)
        bring_back(made[1])
    for one in made:
        one.stop()
    shutil.rmtree(root)
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute("DROP DATABASE engine WITH (FORCE)")


class TestGivenOneOfTwoWorkersDies:
    def test_when_it_had_a_deployment_then_the_other_finishes_it(self, hosts: Hosts, deck: Deck):
        before = Scene.of(deck)
        assert hosts.bell.json("worker", "start")["worker"] == "bell"
        running = hosts.anchor.begin("deploy", "production", "--release", "v1.1", "--wait", "--request-id", "shared")
        running.wait_for("backend: blue 50 % · green 50 %")
        refused = hosts.bell.here("deploy", "production", "--release", "v1.2")

        running.kill()
        killed = hosts.anchor.kill_worker()
        ran = hosts.bell(
            "deploy", "production", "--release", "v1.1", "--wait", "--request-id", "shared", "--format", "json"
        )

        assert refused.code == 4
        assert ran.json["id"] in refused.err
        assert ran.code == 0, ran.err
        assert ran.json["workers"] == ["anchor", "bell"]
        assert hosts.anchor.worker_pid == killed  # nobody has started it again
        after = Scene.of(deck)
        assert after.weights == {"blue": 0, "green": 100}
        assert after.failed == before.failed, after.failures
        shown = [host.json("show", ran.json["id"]) for host in (hosts.anchor, hosts.bell)]
        assert shown[0] == shown[1] == ran.json

        back = hosts.anchor("rollback", "production", "--wait", "--format", "json")

        assert back.code == 0, back.err
        assert Scene.of(deck).lasting == before.lasting

"""One playground for the whole folder, and the deployments that several tests look at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from console.playground import commands
from tests.e2e.deck import Deck, Ran, Scene, frontend_release

BUSY, SOME, QUIET = 110.0, 40.0, 10.0
"""Requests a second: enough for a verdict within seconds; enough to lose one without a verdict; a few."""
SPEED = 2.0


def hurry(config: Path, target: Path, **sections: str) -> Path:
    """The playground's configuration with short waits; a section's text replaces or begins it."""
    text = config.read_text(encoding="utf-8")
    for name in ("bake_time", "verify_time"):
        for seconds in (5, 2):
            text = text.replace(f'{name} = "{seconds}s"', f'{name} = "1s"')
    text += "".join(f"\n[{name}]\n{lines}\n" for name, lines in sections.items())
    target.write_text(text, encoding="utf-8")
    target.chmod(0o600)
    return target


@pytest.fixture(scope="package")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A playground that is up: its home."""
    home = tmp_path_factory.mktemp("deck")
    commands.up(home, rps=QUIET, speed=SPEED)
    hurry(home / "config.toml", home / "quick.toml")
    yield home
    Deck(home).stop()
    commands.down(home)


@pytest.fixture(scope="package")
def deck(playground: Path) -> Deck:
    """The commands."""
    return Deck(playground, playground / "quick.toml")


@contextlib.contextmanager
def customers(home: Path, rps: float = BUSY) -> Iterator[None]:
    """More of them, as long as production changes."""
    commands.traffic(home, rps=rps)
    yield
    commands.traffic(home, rps=QUIET)


@pytest.fixture
def idle(deck: Deck) -> Deck:
    """The commands, with nothing going on: what a failed test left running is taken back first."""
    for environment in deck.json("status"):
        held = environment["lock"]
        if held is not None:
            deck.here("rollback", held["deployment"], "--wait")
    return deck


@dataclass(frozen=True)
class Deployed:
    """A good release that went live in production, and what was seen around it."""

    ran: Ran
    second: Ran
    before: Scene
    after: Scene
    frontend: tuple[str, str]

    @property
    def record(self) -> Any:
        return self.ran.json

    @property
    def id(self) -> str:
        return str(self.record["id"])


@pytest.fixture(scope="package")
def deployed(deck: Deck) -> Deployed:
    """v1.1 goes live; somebody else asks for v1.2 in the middle."""
    before, frontend = Scene.of(deck), frontend_release(deck)
    with customers(deck.home):
        running = deck.begin("deploy", "production", "--release", "v1.1", "--wait", "--format", "json")
        running.wait_for("backend: blue 90 % · green 10 %")
        second = deck.here("deploy", "production", "--release", "v1.2", "--wait", "--format", "json")
        ran = running.end()
    return Deployed(ran, second, before, Scene.of(deck), (frontend, frontend_release(deck)))


@dataclass(frozen=True)
class TakenBack:
    """The same release, taken back by hand after it had gone live."""

    ran: Ran
    deployed: Deployed
    after: Scene
    frontend: str


@pytest.fixture(scope="package")
def taken_back(deck: Deck, deployed: Deployed) -> TakenBack:
    with customers(deck.home, SOME):
        ran = deck("rollback", "production", "--wait", "--format", "json", "--reason", "changed my mind")
    return TakenBack(ran, deployed, Scene.of(deck), frontend_release(deck))


@pytest.fixture
def production(idle: Deck, taken_back: TakenBack) -> Iterator[Deck]:
    """The commands, with the first release live in production; what a test puts there is taken back after it."""
    with customers(idle.home):
        yield idle
        bring_back(idle)


def bring_back(deck: Deck) -> None:
    """Take back what is live in production, where it went live by a deployment."""
    newest = deck.json("history", "production", "--limit", "1")
    if newest and newest[0]["status"] not in {"rolled_back", "aborted"}:
        deck.here("rollback", newest[0]["id"], "--wait")

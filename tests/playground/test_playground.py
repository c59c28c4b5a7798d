"""Whole playgrounds, up and down, as the command line brings them."""

import os
import signal
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.domain.errors import ConsoleError, UsageError
from console.playground import commands
from console.playground.home import PlaygroundHome
from console.playground.processes import is_running
from console.playground.status_shape import Status

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("playground")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("home")
    commands.up(directory, rps=40, speed=4)
    yield directory
    commands.down(directory)


def until(home: Path, holds: Callable[[Status], bool], within_s: float = 15.0) -> Status:
    deadline = time.monotonic() + within_s
    while True:
        status = commands.status(home)
        if holds(status):
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.1)


def status_of(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


class TestGivenAPlaygroundThatIsUp:
    def test_then_the_first_release_serves_and_nothing_fails(self, home: Path):
        status = until(home, lambda status: status["requests_total"] > 50)

        assert status["requests_failed"] == 0
        assert set(status["by_release"]) == {"v1.0"}
        assert status["services"]["backend"]["weights"] == {"blue": 100, "green": 0}
        assert [one["arm"] for one in status["services"]["backend"]["instances"]] == ["blue"]
        assert set(status["services"]) == {
            "database",
            "backend",
            "worker",
            "frontend",
            "staging-backend",
        }
        assert set(status["changes"]) == {"render", "vercel", "supabase", "github", "caddy"}
        assert set(status["changes"].values()) == {0}
        assert all(one["healthy"] for service in status["services"].values() for one in service["instances"])

    def test_then_its_secrets_are_for_the_owner_alone(self, home: Path):
        place = PlaygroundHome(home)

        for path in (*place.secrets.iterdir(), place.config, place.state):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path

    def test_when_up_is_asked_again_then_it_is_the_same_playground(self, home: Path):
        assert commands.up(home)["edge_url"] == commands.status(home)["edge_url"]

    def test_when_the_rate_is_changed_then_the_load_follows(self, home: Path):
        assert commands.traffic(home, rps=55)["rps"] == 55

    def test_when_the_live_release_is_broken_then_its_failures_are_counted_until_it_is_mended(self, home: Path):
        before = commands.fault(home, "app", {"error_rate": 1.0}, "v1.0")["requests_failed"]

        broken = until(home, lambda status: status["requests_failed"] > before + 5)
        cleared = commands.clear(home)

        assert broken["faults"] == {"app v1.0": {"error_rate": 1.0}}
        assert broken["failures"][-1]["release"] == "v1.0"
        assert broken["failures"][-1]["status"] == 500
        assert cleared["faults"] == {}

    @pytest.mark.parametrize("platform", ["render", "vercel", "supabase", "github", "caddy"])
    def test_when_a_platform_is_broken_then_its_api_fails_until_it_is_mended(self, home: Path, platform):
        state = PlaygroundHome(home).read_state()
        assert state is not None
        address = f"http://127.0.0.1:{state.ports[platform]}/"

        commands.fault(home, platform, {"status": 503, "rate": 1.0})
        broken = status_of(address)
        commands.clear(home)

        assert broken == 503
        assert status_of(address) != 503

    @pytest.mark.parametrize(
        ("target", "settings", "release"),
        [
            ("app", {"error_rate": 0.5}, "v9"),
            ("app", {"error_rate": 2}, "v1.0"),
            ("azure", {}, None),
            ("render", {"rate": 7}, None),
        ],
    )
    def test_when_a_fault_makes_no_sense_then_it_is_refused(self, home: Path, target, settings, release):
        with pytest.raises(UsageError):
            commands.fault(home, target, settings, release)


class TestGivenTwoPlaygroundsSideBySide:
    def test_when_one_is_killed_then_nothing_of_it_stays_and_the_other_does_not_notice(
        self, home: Path, tmp_path: Path
    ):
        # The second home's path is too long for a socket.
        second = tmp_path / ("long" * 20)
        commands.up(second, rps=5, speed=4)
        try:
            state = PlaygroundHome(second).read_state()
            assert state is not None
            os.kill(state.supervisor.pid, signal.SIGKILL)
            deadline = time.monotonic() + 10
            while any(is_running(child) for child in state.children):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            with pytest.raises(ConsoleError, match="No playground is up"):
                commands.status(second)

            again = commands.up(second, rps=5, speed=4)

            assert again["requests_failed"] == 0
            assert not any(Path(directory).exists() for directory in state.scratch)
            assert again["edge_url"] != commands.status(home)["edge_url"]
        finally:
            assert commands.down(second)
        assert not commands.down(second)


class TestGivenAHomeThatIsInUse:
    def test_when_it_holds_a_configuration_of_somebody_else_then_up_refuses(self, tmp_path: Path):
        (tmp_path / "config.toml").write_text("[source]\n")

        with pytest.raises(ConsoleError, match="did not write"):
            commands.up(tmp_path)

"""An app over the fake service, whose clocks stand still until a test moves them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from textual import _wait
from textual.pilot import Pilot

from screens.app import QuarterdeckApp
from tests.screens import scene
from tests.screens.fake_service import FakeService

LOOK_S = 0.003


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name in {"NO_COLOR", "COLORTERM"} or (
            name.startswith(("TEXTUAL", "QUARTERDECK")) and name != "TEXTUAL_SNAPSHOT_TEMPDIR"
        ):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """After every key a pilot looks whether the process rests; ours rests within milliseconds, so look that often."""
    monkeypatch.setattr(_wait, "SLEEP_GRANULARITY", LOOK_S)
    monkeypatch.setattr(_wait, "SLEEP_IDLE", LOOK_S / 4)


@dataclass
class World:
    """The service, the app, and time."""

    service: FakeService
    now: datetime
    seconds: float = 0.0
    theme: str = "dark"
    options: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = QuarterdeckApp(
            self.service,
            clock=lambda: self.now,
            monotonic=lambda: self.seconds,
            theme=self.theme,
            **self.options,  # type: ignore[arg-type]  # a test's own mixture
        )

    async def settle(self, pilot: Pilot[int]) -> None:
        """Wait until everything that was asked is answered and drawn."""
        for _ in range(3):
            await pilot.pause()
            await self.app.settle()
        self.app.flush()
        self.app.drain_logs()
        await pilot.pause()

    async def press(self, pilot: Pilot[int], *keys: str, typed_ahead: bool = False) -> None:
        """Press keys as somebody does who reads: half a second apart, unless they were typed ahead."""
        for key in keys:
            if not typed_ahead:
                self.seconds += 0.5
            await pilot.press(key)
            await self.settle(pilot)

    def text(self) -> str:
        """The whole screen as plain text."""
        screen = self.app.screen
        lines = screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in lines)


@pytest.fixture
def make_world() -> Callable[..., World]:
    def make(
        until: str | None = "bake-10", *, theme: str = "dark", service: FakeService | None = None, **options: object
    ) -> World:
        if service is None:
            service = FakeService(scene.tale(until).events if until else ())
        now = (scene.tale(until).at if until else scene.START) + timedelta(seconds=14)
        return World(service, now, theme=theme, options=options)

    return make

"""The rollback dialog: opened by `R` with everything already in it, done by `y`. It never asks anybody to type."""

from __future__ import annotations

from console.client.service import RollbackPreview
from console.domain.deployment import Deployment
from console.domain.errors import ConsoleError
from console.domain.events import Control
from console.domain.ids import ServiceName
from screens.confirm import ConfirmDialog
from screens.view.rollback import changed, rollback_rows, target_of
from screens.view.rows import Row


class RollbackDialog(ConfirmDialog):
    """Armed for one deployment, or some services of it.

    What is on record is shown at once, what the platforms say of it when they have said it. `y` waits for neither: the
    worker plans the rollback anew whatever was shown. It refuses when another deployment took its place under the
    reader's eyes.
    """

    def __init__(self, deployment: Deployment, services: tuple[ServiceName, ...] = ()) -> None:
        self._deployment = deployment
        self._services = services
        self._armed = target_of(deployment)
        self._preview: RollbackPreview | None = None
        self._problem = ""
        super().__init__(
            f"Roll back {deployment.environment}", self._rows, self._roll_back, yes="roll back now", grave=True
        )

    def on_mount(self) -> None:
        self.console_app.ask(self._load())

    async def _load(self) -> None:
        await self._fetch(asks=False)
        if self.is_mounted and self._preview is not None:
            await self._fetch(asks=True)

    async def _fetch(self, *, asks: bool) -> None:
        service = self.console_app.service
        try:
            self._preview = await service.preview_rollback(self._deployment.id, self._services, asks=asks)
        except ConsoleError as error:
            self._problem = " ".join(part for part in (error.what, error.remedy) if part)
        if self.is_mounted:
            self.redraw()

    def _rows(self, width: int) -> list[Row]:
        app = self.console_app
        current = app.store.deployments.get(self._deployment.id, self._deployment)
        return rollback_rows(current, self._preview, self._problem, app.clock(), width, app.size.height - 8)

    def refusal(self) -> str:
        moved = changed(self._armed, self.console_app.store.latest_of(self._deployment.environment))
        if moved:
            return moved
        return self._preview.refusal if self._preview is not None else ""

    def _roll_back(self) -> None:
        name = self._deployment.environment
        self.console_app.controls.ask(
            self._deployment.id,
            Control.ROLLBACK,
            services=self._services,
            done=f"{name} rolls back: traffic first.",
        )

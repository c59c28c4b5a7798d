"""Somebody at Vercel's desk."""

from typing import Any

from providers.contract import Operation, OperationKey
from providers.vercel import projects
from tests.providers.subjects.vercel import FRONTEND, VercelSubject


class Operator:
    """Asks and acts at the desk, each time with a key of its own."""

    def __init__(self, vercel: VercelSubject) -> None:
        self.vercel = vercel
        self.connection = vercel.open()
        self._wishes = 0

    async def ask(self, reading: str, request: object) -> Any:
        offered: Any = self.connection.desk.readings[reading]
        return await offered.fetch(request)

    async def act(self, action: str, request: object) -> Operation:
        self._wishes += 1
        offered: Any = self.connection.desk.actions[action]
        begun: Operation = await offered.actuator.start(request, self.key())
        return begun

    async def end(self, action: str, request: object) -> Operation:
        """Act, let it end, and look."""
        begun = await self.act(action, request)
        await self.vercel.finish()
        offered: Any = self.connection.desk.actions[action]
        ended: Operation = await offered.actuator.observe(begun.reference)
        return ended

    def key(self) -> OperationKey:
        return OperationKey(f"wish-{self._wishes}", self.vercel.now())

    async def serving(self) -> dict[str, str]:
        """What the desk says of each production build, by release."""
        told = await self.ask("serving", projects.Serving(FRONTEND))
        return {one["ref"]: one["says"] for one in told["deployments"]}

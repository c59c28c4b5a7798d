"""While a stage is held, the router is asked again and again whether it still divides as the record says.

One writer: what we set is put back once in a step, and only where the router itself says that it was started anew or
read its file again since. Whatever else differs is somebody else's wish, and is never fought: the stage is held, its
time stands still, and a person is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from console.domain import events as ev
from console.domain.deployment import StepStatus
from console.domain.errors import ProviderError
from console.domain.ids import ServiceName
from console.domain.plan import StepKind
from console.domain.traffic import busy_arms, divide_alike, say_weights
from console.domain.verdict import Verdict, VerdictKind
from console.engine.executors.sides import sides_of
from console.engine.work import Failed, Work
from providers.contract import Router, ShiftTraffic, Unsupported

RUN = "run"
"""Name under which a shift leaves which run of the router's configuration it was made in."""


class WeightWatch:
    """Compares the router's weights with those that a held step stands for.

    `strange` says in words what differs, empty while nothing does; `lost` is for how long something differed, all in
    all; `share` is the candidate's real weight.

    Args:
        pause: Seconds that must pass between two looks, for routers that count questions.
    """

    def __init__(self, work: Work, pause: float = 0.0) -> None:
        self.strange = ""
        self.lost = timedelta()
        self._work = work
        self._pause = pause
        self._route = str(work.argument("route"))
        self._service = ServiceName(str(work.argument("service")))
        self._sides = sides_of(work)
        self._wanted = self._sides.weights
        self.share = self._sides.share
        self._found: Mapping[str, int] = {}
        self._run = _recorded_run(work)
        self._knows_run = False
        self._looked_at: datetime | None = None

    async def look(self) -> bool:
        """Read the weights. Whether they are other ones than at the last look; a silent router changes nothing."""
        now = self._work.clock.now()
        if self._looked_at is not None:
            self.lost += now - self._looked_at if self.strange else timedelta()
            if self._pause and not self.strange and (now - self._looked_at).total_seconds() < self._pause:
                return False
        router = self._work.capabilities(str(self._work.argument("router"))).router
        if isinstance(router, Unsupported):
            return False
        self._looked_at = now
        try:
            found = busy_arms(await router.fetch_weights(self._route))
        except ProviderError:
            return False
        if divide_alike(found, self._wanted):
            return await self._be_content(router)
        if self.strange and found == self._found:
            return False
        self._found = found
        self.share = self._sides.share_in(found)
        await self._doubt(router)
        return True

    async def _be_content(self, router: Router) -> bool:
        if not self._knows_run:
            self._run, self._knows_run = await _fetch_run(router, self._route), True
        if not self.strange:
            return False
        self.strange, self._found, self.share = "", {}, self._sides.share
        await self._work.record(ev.TrafficShifted(self._service, self._wanted))
        if self._work.state.status is StepStatus.WAITING:
            await self._work.record(ev.StepStarted(self._work.step.id, self._work.state.attempts))
        await self._work.progress(f"the router divides {say_weights(self._wanted)} again; the stage goes on")
        return True

    async def _doubt(self, router: Router) -> None:
        run = await _fetch_run(router, self._route)
        is_anew = bool(run and self._run and run != self._run)
        why = "It was started anew or read its file again" if is_anew else "Somebody else moves it"
        seen = f"The router shows {say_weights(self._found) or 'no weights'} for {self._service} where "
        seen += f"{say_weights(self._wanted)} was set. {why}"
        self.strange = f"{seen}."
        await self._work.progress(self.strange)
        evidence = {"set": dict(self._wanted), "found": dict(self._found), "router_began_anew": is_anew}
        verdict = Verdict(VerdictKind.INCONCLUSIVE, self.strange, evidence)
        await self._work.record(
            ev.TrafficShifted(self._service, self._found), ev.StageJudged(self._work.step.id, verdict, self._service)
        )
        if is_anew and self._work.state.operation is None and await self._put_back():
            self._run = run
            return
        remedy = "after it had been put back once" if is_anew else "find out who"
        words = f"{seen}, {remedy}: set {say_weights(self._wanted)} again and it goes on; or promote, or roll back."
        await self._work.record(ev.StepWaiting(self._work.step.id, words))

    async def _put_back(self) -> bool:
        capabilities = self._work.capabilities(str(self._work.argument("router")))
        request = ShiftTraffic(self._route, self._wanted)
        summary = f"put {self._route} back to {say_weights(self._wanted)}"
        return not isinstance(await self._work.perform(capabilities.shift_traffic, request, summary), Failed)


async def run_outputs(router: Router, route: str) -> Mapping[str, str]:
    """What a shift leaves for those who watch its weights later."""
    run = await _fetch_run(router, route)
    return {RUN: run} if run else {}


async def _fetch_run(router: Router, route: str) -> str:
    try:
        return await router.fetch_run(route)
    except ProviderError:
        return ""


def _recorded_run(work: Work) -> str:
    runs = [
        str(state.outputs[RUN])
        for state in work.deployment.steps.values()
        if state.step.service == work.step.service and state.step.kind is StepKind.SHIFT and RUN in state.outputs
    ]
    return runs[-1] if runs else ""

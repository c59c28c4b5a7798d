"""How Render's deploys go: queue, build, pre-deploy, start, health check, switch, drain.

The switch is Render's zero-downtime one: the new process has to answer its health check before the public name is
led to it, and only then the old one is told to end. A release that does not come up leaves the old one serving.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from console.playground.emulators.clock import Clock
from console.playground.emulators.emulator import Tally, Tasks
from console.playground.emulators.ids import render_id
from console.playground.emulators.render_state import Deploy, DeployStatus, Json, Running, Service
from console.playground.emulators.render_state import begun_deploy as begun
from console.playground.emulators.render_state import running as as_running
from console.playground.emulators.wire import Refusal
from console.playground.hosting import Hosting
from console.playground.releases import Catalogue, Release

QUEUE_S = 0.1
BUILD_S = 0.45
PRE_DEPLOY_S = 0.1
HEALTH_POLL_S = 0.05
# The real platforms wait for minutes. A crash is noticed at once; this is for what hangs, on a busy machine too.
HEALTH_TIMEOUT_S = 20.0


class NeverHealthyError(Exception):
    """The new processes did not come up; `failure` is Render's `reason.failure`."""

    def __init__(self, failure: Json) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass
class Deployer:
    """Runs the deploys of every service, one a service at a time."""

    hosting: Hosting
    releases: Catalogue
    clock: Clock
    tasks: Tasks
    tally: Tally

    def __post_init__(self) -> None:
        self._work: dict[str, asyncio.Task[None]] = {}
        self._draining: list[Running] = []

    async def first_live(self, service: Service) -> None:
        """Put the first release live as if it had been deployed long ago; of a suspended service only the record."""
        release = None if service.image else self.releases.first
        deploy = begun(self.clock, self.releases.first.commit, release, "manual")
        deploy.image = service.image
        deploy.created_at = deploy.updated_at = deploy.started_at = deploy.finished_at = service.created_at + 60
        deploy.status = "live"
        service.deploys.insert(0, deploy)
        if not service.suspended:
            await self._take_over(service, await self._come_up(service, release, service.count))

    def request(
        self, service: Service, commit: str | None, clear_cache: bool, image: str = "", build: str = ""
    ) -> Deploy | None:
        """Begin a deploy, or queue it behind the one in progress; queued gives None, as Render's empty 202 does.

        With `image`, or with a `build` that was made of `commit`, nothing is built.
        """
        wanted = commit or self.releases.main.commit
        found = None if image else self.releases.find(wanted)
        deploy = begun(self.clock, found.commit if found else wanted, found, "api")
        deploy.clears_cache, deploy.image, deploy.build = clear_cache, image, build
        busy = service.in_progress is not None
        for waiting in [d for d in service.deploys if d.status == "queued"]:
            self.cancel(service, waiting, {"newDeploy": {"id": deploy.id}})
        self.tally.add("deploy")
        if busy:
            deploy.status = "queued"
            service.deploys.insert(0, deploy)
            return None
        self._begin(service, deploy)
        return deploy

    async def note_crashes(self, service: Service) -> None:
        """Tell of every instance whose process has ended by itself, once."""
        told = {event.details.get("instanceID") for event in service.events if event.type == "server_failed"}
        for one in service.running:
            if one.id not in told and not await self.hosting.alive(one.process):
                details = {"instanceID": one.id, "reason": {"nonZeroExit": 1}}
                service.happened(self.clock.now(), "server_failed", details)

    def roll_back(self, service: Service, deploy_id: str) -> Deploy:
        """Begin a deploy of an earlier build. Whatever is in progress or queued makes way."""
        target = service.find(deploy_id)
        if target is None:
            raise Refusal(404, f"not found: {deploy_id}")
        if target.status not in ("live", "deactivated"):
            raise Refusal(400, "cannot roll back to a deploy that was never live")
        deploy = begun(self.clock, target.commit, target.release, "rollback")
        deploy.image, deploy.build = target.image, target.build
        deploy.rollback_target = deploy_id
        for other in [d for d in service.deploys if not d.is_over]:
            self.cancel(service, other, {"newDeploy": {"id": deploy.id}})
        self.tally.add("rollback")
        self._begin(service, deploy)
        return deploy

    def resume(self, service: Service) -> None:
        """Bring the release that was live up again, by a deploy of its own."""
        last = service.live or next((d for d in service.deploys if d.status == "deactivated"), None)
        if last is None:
            return
        deploy = begun(self.clock, last.commit, last.release, "service_resumed")
        deploy.image, deploy.build = last.image, last.build
        self._begin(service, deploy)

    def cancel(self, service: Service, deploy: Deploy, because: Json | None = None) -> bool:
        """Stop a deploy that has not ended; what serves goes on serving. False once it is being switched to."""
        if deploy.is_over or deploy.is_switching:
            return False
        work = self._work.pop(deploy.id, None)
        if work is not None:
            work.cancel()
        self._end(service, deploy, "canceled", because)
        return True

    async def suspend(self, service: Service) -> None:
        """Take the service down: nothing serves, nothing is in progress."""
        for deploy in [d for d in service.deploys if not d.is_over]:
            if not self.cancel(service, deploy):
                await asyncio.wait([self._work[deploy.id]])
        gone, service.running = service.running, []
        await self.lead(service)
        self._drain(gone)

    async def stop(self, services: list[Service]) -> None:
        """End every process, also those that are still finishing their last requests."""
        gone = [*self._draining, *(one for service in services for one in service.running)]
        await asyncio.gather(*(self.hosting.stop(one.process) for one in gone))

    async def restart(self, service: Service) -> None:
        """Replace every instance by a fresh one of the same release."""
        live = service.live
        if live is None or service.suspended:
            return
        with suppress(NeverHealthyError):
            await self._take_over(service, await self._come_up(service, live.release, service.count))

    async def scale(self, service: Service, before: int) -> None:
        """Start or end instances until there are `service.count`."""
        live = service.live
        if live is None or service.suspended:
            return
        with suppress(NeverHealthyError):
            more = await self._come_up(service, live.release, service.count - len(service.running))
            kept, extra = [*service.running, *more][: service.count], service.running[service.count :]
            service.running = kept
            await self.lead(service)
            self._drain(extra)
        details = {"fromInstances": before, "toInstances": service.count}
        service.happened(self.clock.now(), "instance_count_changed", details)

    async def lead(self, service: Service) -> None:
        """Lead the public name to what runs; in maintenance to nothing."""
        if not service.hosted:
            return
        serving = [] if service.maintenance else [one.process for one in service.running]
        await self.hosting.route(service.name, serving)

    def _begin(self, service: Service, deploy: Deploy) -> None:
        service.deploys.insert(0, deploy)
        self._work[deploy.id] = self.tasks.begin(self._run(service, deploy))

    async def _run(self, service: Service, deploy: Deploy) -> None:
        try:
            await self._stages(service, deploy)
        finally:
            self._work.pop(deploy.id, None)
        waiting = [d for d in service.deploys if d.status == "queued"]
        if waiting and service.in_progress is None and not service.suspended:
            self._work[waiting[0].id] = self.tasks.begin(self._run(service, waiting[0]))

    async def _stages(self, service: Service, deploy: Deploy) -> None:
        await self.clock.sleep(QUEUE_S)
        deploy.started_at = self.clock.now()
        trigger = _trigger(deploy)
        builds = deploy.trigger == "api" and not deploy.image and not deploy.build
        self._turn(deploy, "build_in_progress" if builds else "update_in_progress")
        service.happened(self.clock.now(), "deploy_started", {"deployId": deploy.id, "trigger": trigger})
        if builds and not await self._build(service, deploy, trigger):
            return
        self._turn(deploy, "update_in_progress")
        try:
            fresh = await self._come_up(service, deploy.release, service.count)
        except NeverHealthyError as error:
            self._end(service, deploy, "update_failed", {"failure": error.failure})
            return
        deploy.is_switching = True
        await self._take_over(service, fresh)
        service.image, service.cached = deploy.image, True
        for older in [d for d in service.deploys if d.status == "live" and d is not deploy]:
            self._turn(older, "deactivated")
        self._end(service, deploy, "live")

    async def _build(self, service: Service, deploy: Deploy, trigger: Json) -> bool:
        build = render_id("bld")
        service.happened(self.clock.now(), "build_started", {"buildId": build, "trigger": trigger})
        await self.clock.sleep(BUILD_S)
        built = deploy.release is not None
        ended: Json = {"buildId": build, "buildStatus": "succeeded" if built else "failed", "status": 2 if built else 3}
        reason: Json = {} if built else {"failure": _failure(nonZeroExit=128)}
        service.happened(self.clock.now(), "build_ended", {**ended, "reason": reason})
        if not built:
            self._end(service, deploy, "build_failed", {"buildFailed": {"id": build}})
            return False
        if service.pre_deploy_command:
            self._turn(deploy, "pre_deploy_in_progress")
        await self.clock.sleep(PRE_DEPLOY_S)
        return True

    async def _take_over(self, service: Service, fresh: list[Running]) -> None:
        gone, service.running = service.running, fresh
        await self.lead(service)
        self._drain(gone)

    def _drain(self, gone: list[Running]) -> None:
        self._draining += gone
        for one in gone:
            self.tasks.begin(self._end_process(one))

    async def _end_process(self, one: Running) -> None:
        await self.hosting.stop(one.process)
        self._draining.remove(one)

    async def _come_up(self, service: Service, release: Release | None, count: int) -> list[Running]:
        """Start that many processes and wait until all of them are healthy; else end them all.

        What is only told has no processes, and comes up at once.
        """
        fresh: list[Running] = []
        if not service.hosted or release is None:
            return fresh
        try:
            for _ in range(count):
                process = await self.hosting.start(service.name, service.cast.role, release.name)
                fresh.append(as_running(self.clock, service, process))
            deadline = self.clock.now() + HEALTH_TIMEOUT_S
            for one in fresh:
                await self._await_health(one, deadline)
        except BaseException:
            self._drain(fresh)
            raise
        return fresh

    async def _await_health(self, one: Running, deadline: float) -> None:
        while not await self.hosting.healthy(one.process):
            if not await self.hosting.alive(one.process):
                raise NeverHealthyError(_failure(nonZeroExit=1))
            if self.clock.now() >= deadline:
                raise NeverHealthyError(
                    _failure(
                        timedOutSeconds=round(HEALTH_TIMEOUT_S),
                        timedOutReason="health check",
                        unhealthy=f"no healthy answer within {HEALTH_TIMEOUT_S:g} s",
                    )
                )
            await self.clock.sleep(HEALTH_POLL_S)

    def _turn(self, deploy: Deploy, status: DeployStatus) -> None:
        deploy.status = status
        deploy.updated_at = self.clock.now()

    def _end(self, service: Service, deploy: Deploy, status: DeployStatus, reason: Json | None = None) -> None:
        self._turn(deploy, status)
        deploy.finished_at = deploy.updated_at
        told = {"live": ("succeeded", 2), "canceled": ("canceled", 4)}.get(status, ("failed", 3))
        details = {"deployId": deploy.id, "deployStatus": told[0], "status": told[1], "reason": reason or {}}
        service.happened(deploy.updated_at, "deploy_ended", details)


def _trigger(deploy: Deploy) -> Json:
    told: Json = {
        "firstBuild": False,
        "envUpdated": False,
        "manual": deploy.trigger in ("api", "manual"),
        "deployedByRender": deploy.trigger == "service_resumed",
        "clearCache": deploy.clears_cache,
        "rollback": deploy.trigger == "rollback",
    }
    if deploy.rollback_target is not None:
        told["rollbackTargetDeployId"] = deploy.rollback_target
    return told


def _failure(**told: object) -> Json:
    return {"evicted": False, **told}

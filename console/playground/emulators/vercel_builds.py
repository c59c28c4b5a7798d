"""How Vercel's deployments go: queue, initialise, build, ready; and how production moves between them.

Each deployment is its own process with its own address. Vercel starts functions on demand; here at most
`KEPT_RUNNING` processes are kept, older ones are ended and started again before traffic is led to them.
"""

import asyncio
from dataclasses import dataclass
from typing import Literal

from console.playground.emulators.clock import Clock
from console.playground.emulators.emulator import Tally, Tasks
from console.playground.emulators.ids import slug, vercel_id
from console.playground.emulators.vercel_parts import AliasRequest, CheckRun
from console.playground.emulators.vercel_rollouts import Rollouts
from console.playground.emulators.vercel_state import Deployment, Project
from console.playground.emulators.wire import Refusal
from console.playground.hosting import Hosting, Instance
from console.playground.releases import Catalogue

QUEUE_S = 0.1
INITIALISE_S = 0.1
BUILD_S = 0.5
ALIAS_S = 0.15
HEALTH_POLL_S = 0.05
CHECK_POLL_S = 0.5
# The real platforms wait for minutes. A crash is noticed at once; this is for what hangs, on a busy machine too.
HEALTH_TIMEOUT_S = 20.0
KEPT_RUNNING = 3


class FailedToBootError(Exception):
    """The deployment's process did not answer its health check."""


@dataclass(frozen=True)
class Wish:
    """What a new deployment is made of."""

    commit: str
    ref: str
    target: str | None
    meta: dict[str, str]
    source: str


@dataclass
class Builder:
    """Builds deployments and moves production between them."""

    hosting: Hosting
    releases: Catalogue
    clock: Clock
    tasks: Tasks
    tally: Tally

    def __post_init__(self) -> None:
        self._work: dict[str, asyncio.Task[None]] = {}
        self.rollouts = Rollouts(self.hosting, self.clock, self.tasks, self.tally, self._serve, self._boot)

    async def first_live(self, project: Project) -> None:
        """Put the first release into production as if it had been there for long."""
        first = self.releases.first
        deployment = self._make(project, Wish(first.commit, "main", "production", {}, "git"))
        deployment.created_at = deployment.building_at = deployment.ready_at = project.created_at + 60
        deployment.state = "READY"
        await self._boot(deployment, project)
        await self._serve(project, deployment)

    def create(self, project: Project, wish: Wish) -> Deployment:
        """Begin to build a deployment."""
        deployment = self._make(project, wish)
        self.tally.add("deployment")
        work = self._work[deployment.id] = self.tasks.begin(self._build(project, deployment))
        work.add_done_callback(lambda _: self._work.pop(deployment.id, None))
        return deployment

    def cancel(self, deployment: Deployment) -> None:
        """Stop a build that has not ended."""
        work = self._work.pop(deployment.id, None)
        if work is not None:
            work.cancel()
        deployment.state = "CANCELED"
        deployment.canceled_at = self.clock.now()
        self.tally.add("cancel")

    def begin_switch(
        self, project: Project, deployment: Deployment, kind: Literal["promote", "rollback"]
    ) -> AliasRequest:
        """Begin to move production to a deployment; `project.request` tells how far it got."""
        if project.request is not None and project.request.status in ("pending", "in-progress"):
            raise Refusal(409, "Another promotion or rollback is in progress", "conflict")
        if deployment.id == project.production:
            raise Refusal(409, "The deployment is already the current production deployment", "conflict")
        if deployment.state != "READY":
            raise Refusal(400, "The deployment is not ready", "deployment_not_ready")
        project.request = AliasRequest(project.production, deployment.id, "pending", self.clock.now(), kind)
        self.tally.add(kind)
        self.tasks.begin(self._switch(project, deployment, project.request))
        return project.request

    async def lead_nowhere(self, project: Project) -> None:
        """Take the production domain away from whatever has it."""
        project.production = ""
        await self.hosting.route(project.name, [])

    async def lead(self, project: Project, deployment: Deployment) -> None:
        """Lead the production domain to a deployment at once, starting its process if it was ended."""
        await self._boot(deployment, project)
        await self._serve(project, deployment)

    async def delete(self, project: Project, deployment: Deployment) -> None:
        project.deployments.remove(deployment)
        await self._end(deployment)

    async def pause(self, project: Project) -> None:
        """Answer nothing on the production domain while the project is paused."""
        live = project.find(project.production)
        serving = [] if project.is_paused or live is None or live.process is None else [live.process]
        await self.hosting.route(project.name, serving)

    async def stop(self, projects: list[Project]) -> None:
        """End every process."""
        running = [one.process for project in projects for one in project.deployments if one.process is not None]
        await asyncio.gather(*(self.hosting.stop(process) for process in running))

    def _make(self, project: Project, wish: Wish) -> Deployment:
        name = f"{project.name}-{slug(9)}"
        release = self.releases.find(wish.commit)
        deployment = Deployment(
            id=vercel_id("dpl"),
            public_name=name,
            host=self.hosting.url_of(name).partition("://")[2],
            name=project.name,
            project_id=project.id,
            commit=release.commit if release else wish.commit,
            ref=wish.ref,
            release=release,
            target=wish.target,
            meta=wish.meta,
            source=wish.source,
            created_at=self.clock.now(),
        )
        now = deployment.created_at
        deployment.checks = [CheckRun(f"run_{slug(20)}", check, now, now) for check in project.checks]
        project.deployments.insert(0, deployment)
        return deployment

    async def _build(self, project: Project, deployment: Deployment) -> None:
        await self.clock.sleep(QUEUE_S)
        deployment.state = "INITIALIZING"
        deployment.says(self.clock.now(), "stdout", "Running build in Frankfurt, Germany (West) – fra1")
        await self.clock.sleep(INITIALISE_S)
        deployment.state, deployment.building_at = "BUILDING", self.clock.now()
        deployment.says(self.clock.now(), "stdout", f"Cloning github.com (Branch: {deployment.ref})")
        if deployment.release is None:
            self._fail(deployment, "COMMIT_NOT_FOUND", f"The commit {deployment.commit} could not be found.")
            return
        deployment.says(self.clock.now(), "command", "npm run build")
        await self.clock.sleep(BUILD_S)
        try:
            await self._boot(deployment, project)
        except FailedToBootError as error:
            self._fail(deployment, "BUILD_FAILED", str(error))
            return
        deployment.state, deployment.ready_at = "READY", self.clock.now()
        deployment.says(self.clock.now(), "stdout", "Build Completed. Deployment completed")
        deployment.says(self.clock.now(), "deployment-state", "READY")
        if deployment.target == "production":
            deployment.substate = "STAGED"
            if not await self._passes_checks(deployment):
                return
            if project.auto_assign and project.rolled_back_to is None:
                if self.rollouts.applies_to(project):
                    self.rollouts.begin(project, deployment)
                else:
                    await asyncio.shield(self.tasks.begin(self._serve(project, deployment)))
        else:
            deployment.alias_assigned_at = self.clock.now()

    async def _passes_checks(self, deployment: Deployment) -> bool:
        """Wait for the checks that hold the domains back; one that nobody reports runs out of time."""
        for run in deployment.blocking:
            while run.status != "completed":
                if self.clock.now() >= run.created_at + run.check.timeout:
                    run.status, run.conclusion, run.completed_at = "completed", "timeout", self.clock.now()
                else:
                    await self.clock.sleep(CHECK_POLL_S)
        return all(run.conclusion in ("succeeded", "neutral", "skipped") for run in deployment.blocking)

    def _fail(self, deployment: Deployment, code: str, message: str) -> None:
        deployment.state, deployment.ready_at = "ERROR", self.clock.now()
        deployment.error = (code, message)
        deployment.says(self.clock.now(), "stderr", f"Error: {message}")
        deployment.says(self.clock.now(), "deployment-state", "ERROR")

    async def _switch(self, project: Project, deployment: Deployment, request: AliasRequest) -> None:
        await self.clock.sleep(ALIAS_S / 2)
        request.status = "in-progress"
        try:
            await self._boot(deployment, project)
        except FailedToBootError:
            request.status = "failed"
            return
        await self.clock.sleep(ALIAS_S / 2)
        await self._serve(project, deployment)
        project.rolled_back_to = deployment.id if request.kind == "rollback" else None
        request.status = "succeeded"

    async def _boot(self, deployment: Deployment, project: Project) -> None:
        """Make sure that the deployment's process runs and answers."""
        deployment.used_at = self.clock.now()
        if deployment.process is not None and await self.hosting.healthy(deployment.process):
            return
        assert deployment.release is not None
        process = await self.hosting.start(project.name, project.cast.role, deployment.release.name)
        try:
            await self._await_health(process)
        except BaseException:
            await asyncio.shield(self.hosting.stop(process))
            raise
        deployment.process = process
        await self.hosting.route(deployment.public_name, [process])
        self.tasks.begin(self._trim(project))

    async def _await_health(self, process: Instance) -> None:
        deadline = self.clock.now() + HEALTH_TIMEOUT_S
        while not await self.hosting.healthy(process):
            if not await self.hosting.alive(process):
                raise FailedToBootError("The deployment's function crashed while starting (exit status 1).")
            if self.clock.now() >= deadline:
                raise FailedToBootError(f"The deployment did not answer within {HEALTH_TIMEOUT_S:g} s.")
            await self.clock.sleep(HEALTH_POLL_S)

    async def _serve(self, project: Project, deployment: Deployment) -> None:
        """Lead the production domain to a running deployment."""
        now = self.clock.now()
        if deployment.process is not None and not project.is_paused:
            await self.hosting.route(project.name, [deployment.process])
        project.production = deployment.id
        for domain in project.domains:
            if domain.serves_production:
                identity = project.aliases.get(domain.name, (slug(24), "", now))[0]
                project.aliases[domain.name] = (identity, deployment.id, now)
        deployment.substate, deployment.alias_assigned_at = "PROMOTED", now
        deployment.used_at = now

    async def _trim(self, project: Project) -> None:
        kept = {project.production, *((project.rollout.canary, project.rollout.current) if project.rollout else ())}
        running = [one for one in project.deployments if one.process is not None and one.id not in kept]
        running.sort(key=lambda one: one.used_at, reverse=True)
        for old in running[KEPT_RUNNING - 1 :]:
            await self._end(old)

    async def _end(self, deployment: Deployment) -> None:
        process, deployment.process = deployment.process, None
        if process is not None:
            await self.hosting.route(deployment.public_name, [])
            await self.hosting.stop(process)

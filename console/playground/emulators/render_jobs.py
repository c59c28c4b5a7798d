"""One-off jobs of a service, and runs of a cron job. Neither has a process here; both take a moment."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import iso
from console.playground.emulators.ids import render_id
from console.playground.emulators.limits import Budget
from console.playground.emulators.render_app import Frontdoor
from console.playground.emulators.render_estate import Estate, moment, page
from console.playground.emulators.render_state import CronRun, Job, Json, Service
from console.playground.emulators.wire import Refusal, as_json, empty, many, read_object

JOB_S = 2.0
RUN_S = 5.0
JOBS = Budget(2000, 3600)
EXIT_CODE_OF_FALSE = 1


def counted_jobs(_: Request) -> tuple[str, Budget]:
    return "jobs", JOBS


class Jobs:
    """The handlers. A job whose command is `false` fails, any other one succeeds."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self, door: Frontdoor) -> list[Route]:
        jobs = "/services/{service}/jobs"
        return [
            door.route("GET", jobs, self._list),
            door.route("POST", jobs, self._create, counted_jobs),
            door.route("GET", f"{jobs}/{{job}}", self._get),
            door.route("POST", f"{jobs}/{{job}}/cancel", self._cancel),
            door.route("POST", "/cron-jobs/{service}/runs", self._run_cron),
            door.route("DELETE", "/cron-jobs/{service}/runs", self._cancel_cron),
        ]

    async def _list(self, request: Request) -> Response:
        service, statuses = self._estate.service(request), many(request, "status")
        after, before = moment(request, "createdAfter"), moment(request, "createdBefore")
        found = [
            job
            for job in service.jobs
            if (not statuses or job.status in statuses)
            and (after is None or job.created_at > after)
            and (before is None or job.created_at < before)
        ]
        return page(request, found, "job", lambda job: job.id, lambda job: _told_job(service, job))

    async def _create(self, request: Request) -> Response:
        service, wish = self._estate.service(request), await read_object(request)
        if not wish.get("startCommand"):
            raise Refusal(400, "startCommand is required")
        if service.type == "static_site":
            raise Refusal(400, "static sites run no jobs")
        plan = str(wish.get("planId") or "plan-srv-006")
        job = Job(render_id("job"), str(wish["startCommand"]), plan, self._estate.clock.now())
        service.jobs.insert(0, job)
        self._estate.tally.add("job")
        self._estate.tasks.begin(self._work(service, job))
        return as_json(_told_job(service, job), 201)

    async def _work(self, service: Service, job: Job) -> None:
        await self._estate.clock.sleep(JOB_S)
        if job.status == "running":
            self._end_job(service, job, failed=job.command == "false")

    def _end_job(self, service: Service, job: Job, failed: bool) -> None:
        job.status, job.finished_at = ("failed" if failed else "succeeded"), self._estate.clock.now()
        reason: Json = {"reason": {"evicted": False, "nonZeroExit": EXIT_CODE_OF_FALSE}} if failed else {}
        service.happened(job.finished_at, "job_run_ended", {"jobId": job.id, "status": job.status, **reason})

    async def _get(self, request: Request) -> Response:
        service = self._estate.service(request)
        return as_json(_told_job(service, self._job(service, request)))

    async def _cancel(self, request: Request) -> Response:
        service = self._estate.service(request)
        job = self._job(service, request)
        if job.status not in ("pending", "running"):
            raise Refusal(400, f"job {job.id} cannot be canceled: it is {job.status}")
        job.status, job.finished_at = "canceled", self._estate.clock.now()
        self._estate.tally.add("cancel_job")
        return as_json(_told_job(service, job))

    def _job(self, service: Service, request: Request) -> Job:
        for job in service.jobs:
            if job.id == request.path_params["job"]:
                return job
        raise Refusal(404, f"not found: {request.path_params['job']}")

    async def _run_cron(self, request: Request) -> Response:
        service = self._cron(request)
        for active in [run for run in service.runs if run.status == "pending"]:
            self._end_run(service, active, "canceled")
        run = CronRun(render_id("crr"), self._estate.clock.now())
        service.runs.insert(0, run)
        self._estate.tally.add("cron_run")
        service.happened(run.started_at, "cron_job_run_started", {"cronJobRunId": run.id})
        self._estate.tasks.begin(self._play(service, run))
        return as_json({"id": run.id, "status": run.status, "startedAt": iso(run.started_at)})

    async def _play(self, service: Service, run: CronRun) -> None:
        await self._estate.clock.sleep(RUN_S)
        if run.status == "pending":
            self._end_run(service, run, "successful")

    async def _cancel_cron(self, request: Request) -> Response:
        service = self._cron(request)
        active = [run for run in service.runs if run.status == "pending"]
        for run in active:
            self._end_run(service, run, "canceled")
            self._estate.tally.add("cancel_cron_run")
        return empty(204)

    def _end_run(self, service: Service, run: CronRun, status: str) -> None:
        run.status = "canceled" if status == "canceled" else "successful"
        run.finished_at = self._estate.clock.now()
        service.happened(run.finished_at, "cron_job_run_ended", {"cronJobRunId": run.id, "status": run.status})

    def _cron(self, request: Request) -> Service:
        service = self._estate.service(request)
        if service.type != "cron_job":
            raise Refusal(404, f"not found: {service.id}")
        return service


def _told_job(service: Service, job: Job) -> Json:
    at = iso(job.created_at)
    ended = {"finishedAt": iso(job.finished_at)} if job.finished_at is not None else {}
    return {
        "id": job.id,
        "serviceId": service.id,
        "startCommand": job.command,
        "planId": job.plan,
        "status": job.status,
        "createdAt": at,
        "startedAt": at,
        **ended,
    }

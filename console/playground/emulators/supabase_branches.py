"""Preview branches, and the action runs in which the platform works on them.

A new branch makes its project, runs the migrations and deploys the functions. Pushing, merging and resetting answer at
once with the id of a run; a run's steps say how far it is, the branch says whether it went well.
"""

import secrets
import uuid

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from console.playground.emulators.clock import iso
from console.playground.emulators.supabase_doors import Door
from console.playground.emulators.supabase_state import HEALTHY, Branch, Course, Json, Platform, Project, Run
from console.playground.emulators.wire import Refusal, as_json, read_object, whole

STEPS = ("clone", "pull", "health", "configure", "migrate", "seed", "deploy")
STEP_LASTS = 1.0
GRACE = 3600.0
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Branches:
    """Answers below `/branches` and `/actions`. A branch named in `failing` cannot run its migrations."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.failing: set[str] = set()

    def remember(self, project: Project, branch: str, run: str) -> None:
        """Have a run of a branch that ended before the playground began."""
        steps = {name: Course(project.made_at, "EXITED") for name in STEPS}
        project.runs.append((project.ref, Run(run, branch, project.made_at, steps)))

    def doors(self) -> list[Door]:
        project, branch = "/v1/projects/{ref}", "/v1/branches/{branch}"
        return [
            Door("GET", f"{project}/branches", self._list),
            Door("POST", f"{project}/branches", self._create),
            Door("GET", f"{project}/branches/{{name}}", self._get_by_name),
            Door("GET", branch, self._get_config),
            Door("PATCH", branch, self._change),
            Door("DELETE", branch, self._delete),
            Door("POST", f"{branch}/push", self._push),
            Door("POST", f"{branch}/merge", self._merge),
            Door("POST", f"{branch}/reset", self._push),
            Door("POST", f"{branch}/restore", self._restore),
            Door("GET", f"{branch}/diff", self._diff),
            Door("GET", f"{project}/actions", self._list_runs),
            Door("GET", f"{project}/actions/{{run}}", self._get_run),
            Door("GET", f"{project}/actions/{{run}}/logs", self._get_run_logs),
        ]

    def _now(self) -> float:
        return self._platform.clock.now()

    def _alive(self, project: Project) -> list[Branch]:
        for branch in list(project.branches.values()):
            if branch.ends is not None and branch.ends <= self._now():
                del project.branches[branch.id]
        return list(project.branches.values())

    def _find(self, request: Request) -> tuple[Project, Branch]:
        wanted = request.path_params["branch"]
        for project in self._platform.all_projects():
            for branch in self._alive(project):
                if wanted in (branch.id, branch.ref):
                    return project, branch
        raise Refusal(404, "Branch not found")

    async def _list(self, request: Request) -> Response:
        project = self._platform.project(request)
        return as_json([self._told(project, branch) for branch in self._alive(project)])

    async def _get_by_name(self, request: Request) -> Response:
        project, name = self._platform.project(request), request.path_params["name"]
        for branch in self._alive(project):
            if branch.name == name:
                return as_json(self._told(project, branch))
        raise Refusal(404, "Branch not found")

    def _told(self, project: Project, branch: Branch) -> Json:
        status = branch.course.at(self._now())
        told: Json = {
            "id": branch.id,
            "name": branch.name,
            "project_ref": branch.ref,
            "parent_project_ref": project.ref,
            "is_default": branch.ref == project.ref,
            "persistent": branch.persistent,
            "status": status,
            "created_at": iso(branch.made_at),
            "updated_at": iso(branch.updated_at),
            "with_data": branch.with_data,
            "preview_project_status": "COMING_UP" if status == "CREATING_PROJECT" else HEALTHY,
        }
        more = {"git_branch": branch.git_branch, "notify_url": branch.notify_url}
        if branch.ends is not None:
            more["deletion_scheduled_at"] = iso(branch.ends)
        return told | {name: value for name, value in more.items() if value is not None}

    async def _create(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        name = wish.get("branch_name")
        if not isinstance(name, str) or not name:
            raise Refusal(400, "branch_name: Required")
        if not project.branches:
            self._keep(project, Branch(str(uuid.uuid4()), "main", project.ref, self._now(), self._done()))
        if any(name == branch.name for branch in self._alive(project)):
            raise Refusal(400, f"A branch named {name} exists already")
        ref = "".join(secrets.choice(_LETTERS) for _ in range(20))
        branch = Branch(
            str(uuid.uuid4()),
            name,
            ref,
            self._now(),
            Course(self._now(), ("CREATING_PROJECT", 5), ("RUNNING_MIGRATIONS", 5), self._end(name)),
            wish.get("git_branch"),
            bool(wish.get("persistent")),
            bool(wish.get("with_data")),
            wish.get("notify_url"),
        )
        self._keep(project, branch)
        self._platform.tally.add("branch")
        return as_json(self._told(project, branch), 201)

    def _keep(self, project: Project, branch: Branch) -> None:
        branch.updated_at = self._now()
        project.branches[branch.id] = branch

    def _done(self) -> Course:
        return Course(self._now(), "FUNCTIONS_DEPLOYED")

    def _end(self, name: str) -> str:
        return "MIGRATIONS_FAILED" if name in self.failing else "FUNCTIONS_DEPLOYED"

    async def _get_config(self, request: Request) -> Response:
        _, branch = self._find(request)
        coming = branch.course.at(self._now()) == "CREATING_PROJECT"
        return as_json(
            {
                "ref": branch.ref,
                "postgres_version": "supabase-postgres-17.4.1.002",
                "postgres_engine": "17",
                "release_channel": "ga",
                "status": "COMING_UP" if coming else HEALTHY,
                "db_host": f"db.{branch.ref}.supabase.co",
                "db_port": 5432,
                "db_user": "postgres",
                "db_pass": f"branch-password-of-{branch.ref}",
                "jwt_secret": f"branch-jwt-secret-of-{branch.ref}",
            }
        )

    async def _change(self, request: Request) -> Response:
        project, branch = self._find(request)
        wish = await read_object(request)
        names = {"branch_name": "name", **{name: name for name in ("git_branch", "persistent", "notify_url")}}
        changed = [name for name in names if name in wish and wish[name] != getattr(branch, names[name])]
        for name in changed:
            setattr(branch, names[name], wish[name])
        if changed:
            branch.updated_at = self._now()
            self._platform.tally.add("branch")
        return as_json(self._told(project, branch))

    async def _delete(self, request: Request) -> Response:
        project, branch = self._find(request)
        if branch.ref == project.ref:
            raise Refusal(400, "The default branch cannot be deleted")
        if request.query_params.get("force") != "false":
            del project.branches[branch.id]
            self._platform.tally.add("branch")
        elif branch.ends is None:
            branch.ends = self._now() + GRACE
            self._platform.tally.add("branch")
        return as_json({"message": "ok"})

    async def _restore(self, request: Request) -> Response:
        _, branch = self._find(request)
        if branch.ends is None:
            raise Refusal(400, "No deletion of this branch is scheduled")
        branch.ends = None
        self._platform.tally.add("branch")
        return as_json({"message": "Branch restoration initiated"})

    async def _push(self, request: Request) -> Response:
        project, branch = self._find(request)
        return self._begin(project, branch, branch)

    async def _merge(self, request: Request) -> Response:
        project, branch = self._find(request)
        default = next(one for one in self._alive(project) if one.ref == project.ref)
        return self._begin(project, branch, default)

    def _begin(self, project: Project, asked: Branch, worked_on: Branch) -> Response:
        """Run on the project that is worked on: the branch's own for push and reset, its parent's for a merge."""
        now, fails = self._now(), asked.name in self.failing
        steps = {}
        for number, name in enumerate(STEPS):
            begins = number * STEP_LASTS
            end = "DEAD" if fails and name == "migrate" else "EXITED"
            steps[name] = Course(now, ("CREATED", begins), ("RUNNING", STEP_LASTS), end)
        run = Run(str(uuid.uuid4()), worked_on.id, now, steps)
        project.runs.append((worked_on.ref, run))
        lasts = len(STEPS) * STEP_LASTS
        worked_on.course = Course(now, ("RUNNING_MIGRATIONS", lasts), self._end(asked.name))
        worked_on.updated_at = now
        self._platform.tally.add("branch_run")
        return as_json({"workflow_run_id": run.id, "message": "ok"}, 201)

    async def _diff(self, request: Request) -> Response:
        _, branch = self._find(request)
        return PlainTextResponse(f"-- {branch.name} adds nothing to its parent\n")

    def _runs(self, request: Request) -> list[Run]:
        ref = request.path_params["ref"]
        known = list(self._platform.all_projects())
        runs = [run for project in known for of, run in project.runs if of == ref]
        refs = {project.ref for project in known} | {one.ref for project in known for one in self._alive(project)}
        if ref not in refs:
            raise Refusal(403, "Forbidden resource")
        return sorted(runs, key=lambda run: run.made_at, reverse=True)

    async def _list_runs(self, request: Request) -> Response:
        runs = self._runs(request)
        start, limit = whole(request, "offset", 0, 0, 100_000), whole(request, "limit", 20, 10, 1000)
        return as_json([self._run(run) for run in runs[start : start + limit]])

    def _run_of(self, request: Request) -> Run:
        for run in self._runs(request):
            if run.id == request.path_params["run"]:
                return run
        raise Refusal(404, "Action run not found")

    async def _get_run(self, request: Request) -> Response:
        return as_json(self._run(self._run_of(request)))

    async def _get_run_logs(self, request: Request) -> Response:
        run, now = self._run_of(request), self._now()
        begun = [(name, course.at(now)) for name, course in run.steps.items() if course.at(now) != "CREATED"]
        return PlainTextResponse("".join(f"{name}: {status}\n" for name, status in begun))

    def _run(self, run: Run) -> Json:
        now = self._now()
        steps = [
            {
                "name": name,
                "status": course.at(now),
                "created_at": iso(run.made_at),
                "updated_at": iso(min(now, course.ends)),
            }
            for name, course in run.steps.items()
        ]
        times = {"created_at": iso(run.made_at), "updated_at": iso(now)}
        rest: Json = {"git_config": None, "workdir": None, "check_run_id": None}
        return {"id": run.id, "branch_id": run.branch, "run_steps": steps, **rest, **times}

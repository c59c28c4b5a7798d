"""GitHub's three scanners. There is nothing to find until somebody adds it; each can be switched off.

Secrets are answered literally unless `hide_secret=true` was asked for, as at GitHub.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.github_app import Frontdoor, api_of, paged
from console.playground.emulators.github_code import Code
from console.playground.emulators.wire import Refusal

Json = dict[str, Any]
AT = "2026-11-20T08:00:00Z"
LITERAL = "play_live_0123456789abcdef"
OFF = {
    "dependabot": (403, "Dependabot alerts are disabled for this repository."),
    "code-scanning": (403, "Code scanning is not enabled for this repository. Please enable code scanning."),
    "secret-scanning": (404, "Secret scanning is disabled on this repository."),
}


class Alerts:
    """What was found, as pairs of severity and name, by scanner; `off` names the scanners that are off."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self.off: set[str] = set()
        self.dependencies: list[tuple[str, str]] = []
        self.code: list[tuple[str, str]] = []
        self.secrets: list[tuple[str, str]] = []

    def routes(self, door: Frontdoor) -> list[Route]:
        repo = "/repos/{owner}/{repo}"
        return [
            door.route("GET", f"{repo}/dependabot/alerts", self._list_dependencies),
            door.route("GET", f"{repo}/code-scanning/alerts", self._list_code),
            door.route("GET", f"{repo}/secret-scanning/alerts", self._list_secrets),
        ]

    def _enter(self, request: Request, scanner: str) -> str:
        self._code.own(request)
        if scanner in self.off:
            status, words = OFF[scanner]
            raise Refusal(status, words)
        return f"{api_of(request)}/repos/{self._code.full_name}/{scanner}/alerts"

    def _common(self, at: str, number: int) -> Json:
        web = f"https://github.com/{self._code.full_name}/security/{at.split('/')[-2]}/{number}"
        return {"number": number, "state": "open", "url": f"{at}/{number}", "html_url": web, "created_at": AT}

    async def _list_dependencies(self, request: Request) -> Response:
        at = self._enter(request, "dependabot")
        wanted = [word for word in request.query_params.get("severity", "").split(",") if word]
        told = [
            self._dependency(at, number, severity, name)
            for number, (severity, name) in enumerate(self.dependencies, 1)
            if not wanted or severity in wanted
        ]
        return paged(request, told)

    def _dependency(self, at: str, number: int, severity: str, name: str) -> Json:
        package = {"ecosystem": "pip", "name": name}
        fault = {
            "package": package,
            "severity": severity,
            "vulnerable_version_range": "< 2.0",
            "first_patched_version": {"identifier": "2.0"},
        }
        advisory = {
            "ghsa_id": "GHSA-0000-0000-0000",
            "cve_id": None,
            "summary": f"{name} lets strangers in",
            "description": "It does not look who comes.",
            "vulnerabilities": [fault],
            "severity": severity,
            "cvss": {"score": 8.1, "vector_string": None},
            "cwes": [],
            "identifiers": [{"type": "GHSA", "value": "GHSA-0000-0000-0000"}],
            "references": [],
            "published_at": AT,
            "updated_at": AT,
            "withdrawn_at": None,
        }
        return {
            **self._common(at, number),
            "dependency": {"package": package, "manifest_path": "requirements.txt", "scope": "runtime"},
            "security_advisory": advisory,
            "security_vulnerability": fault,
            "updated_at": AT,
            "dismissed_at": None,
            "dismissed_by": None,
            "dismissed_reason": None,
            "dismissed_comment": None,
            "fixed_at": None,
        }

    async def _list_code(self, request: Request) -> Response:
        at = self._enter(request, "code-scanning")
        return paged(request, [self._fault(at, number, *what) for number, what in enumerate(self.code, 1)])

    def _fault(self, at: str, number: int, severity: str, name: str) -> Json:
        location = {"path": "api/orders.py", "start_line": 7, "end_line": 7, "start_column": 1, "end_column": 9}
        return {
            **self._common(at, number),
            "instances_url": f"{at}/{number}/instances",
            "dismissed_by": None,
            "dismissed_at": None,
            "dismissed_reason": None,
            "rule": {"id": "py/rule", "severity": "error", "security_severity_level": severity, "description": name},
            "tool": {"name": "CodeQL", "version": None},
            "most_recent_instance": {
                "ref": "refs/heads/main",
                "state": "open",
                "commit_sha": self._code.releases.main.commit,
                "location": location,
            },
        }

    async def _list_secrets(self, request: Request) -> Response:
        at = self._enter(request, "secret-scanning")
        hidden = request.query_params.get("hide_secret") == "true"
        told = [
            {
                **self._common(at, number),
                "locations_url": f"{at}/{number}/locations",
                "resolution": None,
                "resolved_at": None,
                "resolved_by": None,
                "secret_type": "play_key",
                "secret_type_display_name": name,
                "validity": validity,
                "publicly_leaked": False,
                "push_protection_bypassed": False,
                "push_protection_bypassed_by": None,
                "push_protection_bypassed_at": None,
                **({} if hidden else {"secret": LITERAL}),
            }
            for number, (validity, name) in enumerate(self.secrets, 1)
        ]
        return paged(request, told)

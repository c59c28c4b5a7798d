"""Vercel's domains: those of the team, those of a project, and the proof that a domain is whose it is said to be.

The team has one domain, whose DNS Vercel serves. A domain from elsewhere is added unverified, and verified once the
record that Vercel names stands in `public_txt`, which is the rest of the world's DNS.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock, millis
from console.playground.emulators.emulator import Tally
from console.playground.emulators.ids import slug
from console.playground.emulators.vercel_app import Frontdoor, paged
from console.playground.emulators.vercel_dns import Dns
from console.playground.emulators.vercel_parts import Json, ProjectDomain
from console.playground.emulators.vercel_state import USER_ID, USERNAME, Project
from console.playground.emulators.wire import Refusal, as_json, read_object
from console.playground.scene import VERCEL_TEAM

NAMESERVERS = ["ns1.vercel-dns.com", "ns2.vercel-dns.com"]
CNAME, IPV4 = "cname.vercel-dns.com", "76.76.21.21"


class Domains:
    """Answers what is asked about domains."""

    def __init__(
        self,
        projects: list[Project],
        project: Callable[[Request], Project],
        dns: Dns,
        clock: Clock,
        tally: Tally,
    ) -> None:
        self._projects = projects
        self._project = project
        self._dns = dns
        self._clock = clock
        self._tally = tally
        self.public_txt: set[tuple[str, str]] = set()

    def routes(self, door: Frontdoor) -> list[Route]:
        one = "/v9/projects/{project}/domains/{domain}"
        return [
            door.route("GET", "/v5/domains", self._team_domains),
            door.route("GET", "/v5/domains/{domain}", self._team_domain),
            door.route("GET", "/v6/domains/{domain}/config", self._configuration),
            door.route("GET", "/v9/projects/{project}/domains", self._list),
            door.route("POST", "/v10/projects/{project}/domains", self._add),
            door.route("GET", one, self._get),
            door.route("PATCH", one, self._edit),
            door.route("DELETE", one, self._remove),
            door.route("POST", f"{one}/verify", self._verify),
        ]

    def _of_team(self, name: str) -> Json:
        at = millis(self._projects[0].created_at)
        creator = {"id": USER_ID, "username": USERNAME, "email": "ops@harbour.example"}
        return {
            "id": f"dom_{name}",
            "name": name,
            "verified": True,
            "nameservers": NAMESERVERS,
            "intendedNameservers": NAMESERVERS,
            "creator": creator,
            "teamId": VERCEL_TEAM,
            "userId": USER_ID,
            "createdAt": at,
            "boughtAt": None,
            "expiresAt": None,
            "serviceType": "zeit.world",
            "transferredAt": None,
        }

    async def _team_domains(self, request: Request) -> Response:
        at = millis(self._projects[0].created_at)
        return paged(request, "domains", [(at, self._of_team(name)) for name in self._dns.zones])

    async def _team_domain(self, request: Request) -> Response:
        name = self._dns.zone(request)
        return as_json({"domain": {**self._of_team(name), "suffix": False}})

    async def _configuration(self, request: Request) -> Response:
        name = request.path_params["domain"]
        found = self._dns.leads(name)
        return as_json(
            {
                "configuredBy": found,
                "acceptedChallenges": ["dns-01", "http-01"],
                "recommendedIPv4": [{"rank": 1, "value": [IPV4]}],
                "recommendedCNAME": [{"rank": 1, "value": CNAME}],
                "misconfigured": found is None,
            }
        )

    async def _list(self, request: Request) -> Response:
        project = self._project(request)
        told = [(millis(one.created_at), self._told(project, one)) for one in reversed(project.domains)]
        return paged(request, "domains", told)

    async def _add(self, request: Request) -> Response:
        project, wish = self._project(request), await read_object(request)
        name = wish.get("name")
        if not isinstance(name, str) or "." not in name:
            raise Refusal(400, f"The domain `{name}` is not valid", "invalid_domain")
        if wish.get("gitBranch") and wish.get("redirect"):
            raise Refusal(400, "You can't set both a git branch and a redirect for the domain", "bad_request")
        holder = next((one for one in self._projects for domain in one.domains if domain.name == name), None)
        if holder is not None:
            words = f"Cannot add {name} since it's already in use by the project {holder.name}."
            raise Refusal(409, words, "domain_already_in_use", projectId=holder.id)
        proof = "" if self._dns.zone_of(name) else f"vc-domain-verify={name},{slug(20)}"
        now = self._clock.now()
        made = ProjectDomain(name, now, wish.get("redirect"), wish.get("gitBranch"), proof)
        project.domains.append(made)
        self._tally.add("domain")
        self._lead(project, made)
        return as_json(self._told(project, made))

    async def _get(self, request: Request) -> Response:
        return as_json(self._told(*self._find(request)))

    async def _edit(self, request: Request) -> Response:
        (project, domain), wish = self._find(request), await read_object(request)
        wanted = (wish.get("redirect", domain.redirect), wish.get("gitBranch", domain.git_branch))
        if wanted != (domain.redirect, domain.git_branch):
            domain.redirect, domain.git_branch = wanted
            self._tally.add("domain")
        return as_json(self._told(project, domain))

    async def _remove(self, request: Request) -> Response:
        project, domain = self._find(request)
        project.domains.remove(domain)
        project.aliases.pop(domain.name, None)
        self._tally.add("domain_removed")
        return as_json({})

    async def _verify(self, request: Request) -> Response:
        project, domain = self._find(request)
        if domain.proof:
            if (f"_vercel.{_apex(domain.name)}", domain.proof) not in self.public_txt:
                words = f'Domain _vercel.{_apex(domain.name)} is missing required TXT Record "{domain.proof}"'
                raise Refusal(400, words, "missing_txt_record")
            domain.proof = ""
            self._tally.add("domain_verified")
            self._lead(project, domain)
        return as_json({name: value for name, value in self._told(project, domain).items() if name != "verification"})

    def _lead(self, project: Project, domain: ProjectDomain) -> None:
        """A verified domain of production leads to what serves."""
        if domain.serves_production and project.production:
            project.aliases[domain.name] = (slug(24), project.production, self._clock.now())

    def _find(self, request: Request) -> tuple[Project, ProjectDomain]:
        project = self._project(request)
        for domain in project.domains:
            if domain.name == request.path_params["domain"]:
                return project, domain
        raise Refusal(404, "The domain is not assigned to the project", "not_found")

    def _told(self, project: Project, domain: ProjectDomain) -> Json:
        apex = _apex(domain.name)
        told: Json = {
            "name": domain.name,
            "apexName": apex,
            "projectId": project.id,
            "redirect": domain.redirect,
            "redirectStatusCode": 308 if domain.redirect else None,
            "gitBranch": domain.git_branch,
            "createdAt": millis(domain.created_at),
            "updatedAt": millis(domain.created_at),
            "verified": not domain.proof,
        }
        if domain.proof:
            challenge = {"type": "TXT", "domain": f"_vercel.{apex}", "value": domain.proof}
            told["verification"] = [{**challenge, "reason": "pending_domain_verification"}]
        return told


def _apex(name: str) -> str:
    host = name.partition(":")[0].partition("/")[0]
    return host if host.replace(".", "").isdigit() else ".".join(host.split(".")[-2:])

"""GitHub Apps: who the App is says a signed assertion (RS256); what it may do, a token of an hour.

There is no App until somebody gives the public half of its key.
"""

import base64
import binascii
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators import github_shapes as shapes
from console.playground.emulators.clock import Clock, iso_seconds
from console.playground.emulators.github_app import Frontdoor, api_of
from console.playground.emulators.github_code import Code
from console.playground.emulators.wire import Refusal, as_json, read_object

Json = dict[str, Any]
INSTALLATION = 5501
LONGEST = 600
LIFETIME = 3600.0


class Installation:
    """One App, installed on the product's repository. `public_key` is PEM text; "" means that there is none."""

    def __init__(self, code: Code, door: Frontdoor, clock: Clock) -> None:
        self._code = code
        self._door = door
        self._clock = clock
        self.public_key = ""
        self.app = "Iv23liPlay"
        self.permissions = {"checks": "write", "contents": "read", "deployments": "write", "statuses": "write"}
        self.issued = 0

    def routes(self) -> list[Route]:
        door = self._door
        return [
            door.route("GET", "/repos/{owner}/{repo}/installation", self._get, costs_quota=False, signed=True),
            door.route(
                "POST", "/app/installations/{id:int}/access_tokens", self._issue, costs_quota=False, signed=True
            ),
        ]

    def _need_assertion(self, request: Request) -> None:
        """Refuse what is not signed by the App, is not yet or no longer valid, or lasts longer than ten minutes."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        claims = self._verify(token)
        now = self._clock.now()
        if claims is None or claims.get("iss") != self.app:
            raise Refusal(401, "A JSON web token could not be decoded")
        if claims["iat"] > now:
            raise Refusal(401, "'Issued at' claim ('iat') must be an Integer representing the time that it was issued")
        if claims["exp"] <= now or claims["exp"] - claims["iat"] > LONGEST:
            raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")

    def _verify(self, token: str) -> Json | None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        head, _, signature = token.rpartition(".")
        try:
            key = load_pem_public_key(self.public_key.encode())
            assert isinstance(key, RSAPublicKey)
            key.verify(_decode(signature), head.encode(), PKCS1v15(), SHA256())
            claims: Json = json.loads(_decode(head.partition(".")[2]))
        except (InvalidSignature, ValueError, binascii.Error):
            return None
        return claims

    async def _get(self, request: Request) -> Response:
        self._need_assertion(request)
        self._code.own(request)
        api, founded = api_of(request), iso_seconds(self._code.releases.first.created_at.timestamp())
        owner = self._code.full_name.partition("/")[0]
        at = f"{api}/app/installations/{INSTALLATION}"
        return as_json(
            {
                "id": INSTALLATION,
                "account": shapes.user(api, owner, "Organization"),
                "repository_selection": "selected",
                "access_tokens_url": f"{at}/access_tokens",
                "repositories_url": f"{api}/installation/repositories",
                "html_url": f"https://github.com/organizations/{owner}/settings/installations/{INSTALLATION}",
                "app_id": 77,
                "client_id": self.app,
                "target_id": shapes.OWNER_ID,
                "target_type": "Organization",
                "permissions": self.permissions,
                "events": [],
                "created_at": founded,
                "updated_at": founded,
                "single_file_name": None,
                "app_slug": "quarterdeck-play",
                "suspended_by": None,
                "suspended_at": None,
            }
        )

    async def _issue(self, request: Request) -> Response:
        self._need_assertion(request)
        wish = await read_object(request, required=False)
        if request.path_params["id"] != INSTALLATION:
            raise Refusal(404, "Not Found")
        if wish.get("repositories", []) not in ([], [self._code.full_name.partition("/")[2]]):
            raise Refusal(422, "There is at least one repository that does not exist or is not accessible")
        self.issued += 1
        token, expires = f"ghs_play{self.issued:030d}", self._clock.now() + LIFETIME
        self._door.installed[token] = expires
        body = {"token": token, "expires_at": iso_seconds(expires), "permissions": self.permissions}
        return as_json({**body, "repository_selection": "selected"}, 201)


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

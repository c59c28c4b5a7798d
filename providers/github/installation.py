"""Act as a GitHub App: a token of an hour for one repository, asked for with a signed assertion.

The assertion is a JSON Web Token over the App's private key (RS256), valid for ten minutes at most; GitHub's clock may
be behind ours, so that it is dated back by one. The key is read with the package `cryptography`, and only here.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import httpx

from console.domain.errors import ProviderError, Unauthorized
from providers.exchange import Reply
from providers.github.manners import error_words, is_limited
from providers.refusals import Refusals
from providers.wire import moment, need_text

if TYPE_CHECKING:
    from providers.http import ProviderHttp

DATED_BACK = timedelta(minutes=1)
VALID_FOR = timedelta(minutes=9)
RENEWED_BEFORE = timedelta(minutes=5)
LIFETIME = timedelta(hours=1)


class InstallationAuth(httpx.Auth):
    """Puts the installation's token on every request, and the assertion on those that only an App itself may make.

    `bind` has to be called once, with the client that uses it.
    """

    def __init__(
        self,
        app: str,
        private_key: str,
        installation: str,
        repository: str,
        base_url: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._app = app
        self._key = private_key.replace("\\n", "\n")
        self._installation = installation
        self._repository = repository
        self._base_url = base_url
        self._clock = clock
        self._token = ""
        self._renew_at: datetime | None = None
        self._lock = asyncio.Lock()
        self._http: ProviderHttp | None = None

    def bind(self, http: ProviderHttp) -> None:
        self._http = http

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if request.url.path.endswith(f"/repos/{self._repository}/installation"):
            request.headers["authorization"] = f"Bearer {self._assert()}"
            yield request
            return
        async with self._lock:
            if not self._is_fresh():
                if not self._installation:
                    answer = yield self._asking("GET", f"/repos/{self._repository}/installation")
                    self._installation = await self._read(answer, "id")
                wish = {"repositories": [self._repository.partition("/")[2]]}
                answer = yield self._asking("POST", f"/app/installations/{self._installation}/access_tokens", wish)
                self._token = await self._read(answer, "token")
                expires = moment(answer.json(), "expires_at") or self._clock() + LIFETIME
                self._renew_at = min(expires, self._clock() + LIFETIME) - RENEWED_BEFORE
                self._need_http().guard([self._token])
        request.headers["authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == 401:
            self._token = ""

    def _is_fresh(self) -> bool:
        """Also after our clock was set back: the token is then simply asked for again."""
        now = self._clock()
        return bool(self._token) and self._renew_at is not None and timedelta(0) < self._renew_at - now <= LIFETIME

    def _asking(self, method: str, path: str, wish: Mapping[str, object] | None = None) -> httpx.Request:
        headers = {
            "authorization": f"Bearer {self._assert()}",
            "accept": "application/vnd.github+json",
            "user-agent": "quarterdeck",
        }
        return httpx.Request(method, f"{self._base_url}{path}", headers=headers, json=wish)

    async def _read(self, answer: httpx.Response, name: str) -> str:
        await answer.aread()
        http = self._need_http()
        if not answer.is_success:
            refusals = Refusals(http.provider, http.platform, {self._key}, error_words, is_limited)
            raise refusals.of_status(answer.request, answer, self._clock())
        try:
            body = answer.json()
        except ValueError:
            body = None
        return http.decode(
            Reply(answer.status_code, answer.headers, body, "an answer to the App"), lambda node: need_text(node, name)
        )

    def _need_http(self) -> ProviderHttp:
        assert self._http is not None, "bind comes before the first request"
        return self._http

    def _assert(self) -> str:
        now = self._need_http().platform_time(self._clock())
        claims = {
            "iat": int((now - DATED_BACK).timestamp()),
            "exp": int((now + VALID_FOR).timestamp()),
            "iss": self._app,
        }
        try:
            return sign(claims, self._key)
        except (ImportError, ValueError, TypeError) as problem:
            raise self._unusable(problem) from None

    def _unusable(self, problem: Exception) -> ProviderError:
        provider = self._need_http().provider
        if isinstance(problem, ImportError):
            words = "needs the package cryptography"
            remedy = "Install it with `pip install 'quarterdeck[github-app]'`, or use a token."
        else:
            words, remedy = "cannot be read", "Give a PEM file of the App's private keys, without a password."
        return Unauthorized(provider, f"The App's private key {words}.", f"[providers.{provider}] private_key", remedy)


def sign(claims: Mapping[str, object], private_key: str) -> str:
    """A JSON Web Token of the claims, with RS256.

    Raises:
        ImportError: The package `cryptography` is not installed.
        ValueError, TypeError: The key is no PEM, has a password, or is not RSA.
    """
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(private_key.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("it is not an RSA key")
    head = ".".join(_encode(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    return f"{head}.{_encode(key.sign(head.encode(), PKCS1v15(), SHA256()))}"


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")

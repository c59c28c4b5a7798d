"""Acts of the operator's: a program of this host, or one HTTP request.

Nobody can ask a program whether it was run. So its key goes on record before it starts and its process right after, and
when the worker dies in between, what is left of it is ended and the step is lost, unless it says that repeating it does
no harm. As an undo it is repeated in any case, since what was begun must be taken back.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from console.domain import events as ev
from console.domain.errors import UsageError
from console.domain.plan import Phase
from console.engine.processes import Ended, end_named, name_process, run_program
from console.engine.work import Done, Failed, Outcome, Work
from providers.redaction import excerpt, redact

REFERENCES = ("env:", "file:", "keyring:", "command:")
LITERAL = "text:"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What a program gets of the worker's own environment; the platforms' tokens may be in the rest."""
KEPT_LINES = 20
LONGEST_ANSWER = 256 * 1024


async def command(work: Work) -> Outcome:
    """Run a program; it is good when it ends with 0."""
    early = await _before(work)
    if early is not None:
        return early
    try:
        values = await _resolved(work, work.argument("variables", {}))
    except UsageError as problem:
        return _judged(work, Failed(problem.what, problem.where, problem.remedy))
    secrets = [value for value, secret in values.values() if secret]
    arguments = [_filled(work, str(word)) for word in work.argument("run")]
    key = f"{work.deployment.id}/{work.step.id}/{work.deployment.seq}"
    await work.record(ev.OperationIntended(work.step.id, key, f"run {Path(arguments[0]).name}"))

    async def started(pid: int) -> None:
        await work.record(ev.OperationStarted(work.step.id, key, name_process(pid)))

    try:
        ended = await run_program(
            arguments,
            directory=Path(str(work.argument("directory"))),
            variables={**_passed_on(), **_facts(work), **{name: value for name, (value, _) in values.items()}},
            limit=timedelta(seconds=float(work.argument("limit_s"))),
            started=started,
        )
    except OSError as problem:
        what = f"{arguments[0]} cannot be run: {problem.strerror or problem}."
        return _judged(work, Failed(redact(what, secrets), f"step {work.step.id}", "Check its path and directory."))
    return _judged(work, _outcome_of(work, arguments[0], ended, secrets))


def _outcome_of(work: Work, program: str, ended: Ended, secrets: list[str]) -> Outcome:
    lines = [redact(line, secrets) for line in ended.lines]
    name, last = Path(program).name, lines[-1] if lines else "it wrote nothing"
    if ended.status == 0:
        return Done(f"{name} ended well after {ended.seconds:.1f} s: {last}", {"output": lines[-KEPT_LINES:]})
    if ended.status is None:
        how = f"did not end within {float(work.argument('limit_s')):g} s and was ended"
    else:
        how = f"ended with {ended.status}" if ended.status > 0 else f"was ended by signal {-ended.status}"
    where = "\n".join([f"step {work.step.id}", *lines[-KEPT_LINES:]])
    return Failed(f"{name} {how}: {last}", where, "Run it by hand to see more.", again=True)


async def request(work: Work) -> Outcome:
    """Ask once; it is good when status and text are as expected. Redirects are not followed."""
    early = await _before(work)
    if early is not None:
        return early
    try:
        values = await _resolved(work, work.argument("headers", {}))
        place = await _resolved(work, {"address": work.argument("address")})
    except UsageError as problem:
        return _judged(work, Failed(problem.what, problem.where, problem.remedy))
    secrets = [part for value, secret in (*values.values(), *place.values()) if secret for part in _parts(value)]
    method, address = str(work.argument("method")), _address(work, place["address"][0])
    if not address:
        words = f"{work.step.service} has no address that {work.argument('address')} could be asked at."
        remedy = "Write the whole address, or url = … in the service's settings."
        return _judged(work, Failed(words, f"step {work.step.id}", remedy))
    headers = {name: value for name, (value, _) in values.items()}
    if method not in {"GET", "HEAD"}:
        key = f"{work.deployment.id}/{work.step.id}/{work.deployment.seq}"
        await work.record(ev.OperationIntended(work.step.id, key, f"{method} {redact(address, secrets)}"))
        headers.setdefault("idempotency-key", key)
    body = _filled(work, str(work.argument("body", "")))
    try:
        status, text = await _ask(work, method, address, headers, body)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ssl.SSLError, OSError, ValueError) as problem:
        words = str(problem) or "there was no answer in time"
        failed = Failed(f"{method} {address}: {words}.", f"step {work.step.id}", "", again=True)
        return _judged(work, _redacted(failed, secrets))
    return _judged(work, _redacted(_answer(work, f"{method} {address}", status, text, secrets), secrets))


async def _ask(work: Work, method: str, address: str, headers: dict[str, str], body: str) -> tuple[int, str]:
    async with (
        asyncio.timeout(float(work.argument("limit_s"))),
        httpx.AsyncClient(timeout=None, trust_env=False, headers={"user-agent": "quarterdeck"}) as client,  # noqa: S113
        client.stream(method, address, headers=headers, content=body.encode() or None) as response,
    ):
        seen = bytearray()
        async for chunk in response.aiter_bytes():
            if len(seen) < LONGEST_ANSWER:
                seen += chunk
        return response.status_code, bytes(seen).decode(response.encoding or "utf-8", errors="replace")


def _answer(work: Work, asked: str, status: int, text: str, secrets: list[str]) -> Outcome:
    good = list(work.argument("expect_status", [])) or range(200, 300)
    wanted = _filled(work, str(work.argument("expect_text", "")))
    words = excerpt(text, secrets) or "nothing"
    where = f"step {work.step.id}"
    if status not in good:
        return Failed(f"{asked}: HTTP {status}: {words}", where, "", again=True)
    if wanted and wanted not in text:
        return Failed(f"{asked}: the answer does not contain {wanted!r}: {words}", where, "", again=True)
    return Done(f"{asked}: HTTP {status}", {"output": [words]})


def _redacted(outcome: Outcome, secrets: list[str]) -> Outcome:
    match outcome:
        case Done(detail, outputs):
            return Done(redact(detail, secrets), outputs)
        case Failed(what, where, remedy, again):
            return Failed(redact(what, secrets), redact(where, secrets), remedy, again)
        case _:
            return outcome


async def _before(work: Work) -> Outcome | None:
    """What there is to say without doing anything: it is only armed, or nobody knows whether it was done."""
    armed = str(work.argument("armed", ""))
    if armed:
        return Done(f"is ready: {armed}")
    operation = work.state.operation
    if operation is None or work.step.phase is Phase.ROLLBACK or work.argument("repeatable", False):
        if operation is not None and operation.reference:
            end_named(operation.reference)
        return None
    left = " What was left of it was ended." if operation.reference and end_named(operation.reference) else ""
    lost = Failed(
        f"It is lost: the worker died while it ran, and whether it did its work is not known.{left}",
        f"step {work.step.id}",
        "Look for yourself. `repeatable: true` in the pipeline has such a step done again.",
    )
    return _judged(work, lost)


def _judged(work: Work, outcome: Outcome) -> Outcome:
    """A failure that does no harm is noted once its attempts are used up."""
    may_fail = bool(work.argument("may_fail", False))
    last = work.state.attempts >= int(work.argument("tries", 1)) or not (isinstance(outcome, Failed) and outcome.again)
    if isinstance(outcome, Failed) and may_fail and last:
        return Done(f"failed, which it may: {outcome.what}")
    return outcome


async def _resolved(work: Work, written: Mapping[str, Any]) -> dict[str, tuple[str, bool]]:
    """Values by name, each with whether it is a secret.

    Raises:
        UsageError: A reference leads nowhere.
    """
    found: dict[str, tuple[str, bool]] = {}
    for name, value in written.items():
        text = str(value)
        if text.startswith(REFERENCES):
            if work.variables is None:
                where = f"step {work.step.id}"
                raise UsageError(f"{name} cannot be resolved here.", where, "Write it without reference.")
            found[str(name)] = (await work.variables.follow(text, f"step {work.step.id}, {name}"), True)
        else:
            found[str(name)] = (_filled(work, text.removeprefix(LITERAL)), False)
    return found


def _address(work: Work, address: str) -> str:
    """Where to ask: a path alone belongs to the new release of the service."""
    if not address.startswith("/"):
        return address
    url = str(work.argument("url", "")).rstrip("/")
    return url + address if url else ""


def _parts(secret: str) -> list[str]:
    """A secret, and of an address also what a server may repeat of it."""
    parts = urlsplit(secret)
    return [secret, parts._replace(scheme="", netloc="").geturl()] if parts.scheme in {"http", "https"} else [secret]


def _filled(work: Work, text: str) -> str:
    return text.replace("{deployment}", work.deployment.id)


def _passed_on() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def _facts(work: Work) -> dict[str, str]:
    """What a program may want to know, in words that plans and records use too."""
    plan = work.deployment.plan
    back = work.step.phase is Phase.ROLLBACK
    reason = work.deployment.rollback.reason if back and work.deployment.rollback else ""
    facts = {
        "deployment": work.deployment.id,
        "environment": plan.environment,
        "release": plan.release.name,
        "commit": plan.release.commit,
        "service": work.step.service or "",
        "step": work.step.undoes or work.step.id,
        "direction": "back" if back else "forward",
        "reason": reason,
        "url": str(work.argument("url", "")),
    }
    return {f"QUARTERDECK_{name.upper()}": str(value).replace("\0", "") for name, value in facts.items()}

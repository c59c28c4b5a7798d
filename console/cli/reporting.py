"""`report`: a deployment as Markdown, HTML or JSON."""

from __future__ import annotations

import asyncio
from pathlib import Path

from console.cli.finding import find_deployment
from console.cli.session import Session
from console.domain.errors import ExitCode, UsageError


async def report(session: Session) -> int:
    """Print it, or write it to the file named."""
    options = session.options
    form = "md" if session.form == "text" else session.form
    service = await session.service()
    found = await find_deployment(service, options.deployment)
    text = await service.report(found.id, form)
    if not options.output:
        print(text, end="" if text.endswith("\n") else "\n", file=session.out)
        return ExitCode.GOOD
    path = Path(options.output)
    try:
        await asyncio.to_thread(path.write_text, text, encoding="utf-8")
    except OSError as problem:
        raise UsageError(
            f"The report could not be written: {problem.strerror}.", str(path), "Name another file."
        ) from problem
    session.say(f"Report of {found.id} written to {path}.")
    return ExitCode.GOOD

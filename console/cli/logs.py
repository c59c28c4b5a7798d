"""`logs`: lines of an environment or a deployment, and new ones as they come."""

from __future__ import annotations

from console.cli.finding import is_environment
from console.cli.output import show_json, show_rows
from console.cli.session import Session
from console.cli.times import parse_moment
from console.cli.words import say_clock
from console.client.service import LogBatch, LogQuery
from console.domain.codec import to_json
from console.domain.errors import ExitCode
from console.domain.ids import EnvironmentName
from console.domain.telemetry import LogLine


async def logs(session: Session) -> int:
    """Print what there is; with `--follow` go on until interrupted."""
    options = session.options
    service = await session.service()
    environment, deployment = None, None
    if options.target:
        if await is_environment(service, options.target):
            environment = EnvironmentName(options.target)
        else:
            deployment = (await service.deployment(options.target)).id
    query = LogQuery(
        environment=environment,
        deployment=deployment,
        sources=tuple(options.source),
        text=options.grep,
        level=options.level,
        since=parse_moment(options.since, session.now()) if options.since else None,
        limit=options.limit,
    )
    if not options.follow:
        batch = await service.logs(query)
        show_rows(session, batch.lines, (say_line(line) for line in batch.lines))
        _tell_dropped(session, batch)
        return ExitCode.GOOD
    session.farewell = "No longer following."
    async for batch in service.follow_logs(query):
        for line in batch.lines:
            if session.form == "text":
                print(say_line(line), file=session.out)
            else:
                session.options.format = "jsonl"  # an array has no end while lines still come
                show_json(session, to_json(line))
        session.out.flush()
        _tell_dropped(session, batch)
    return ExitCode.GOOD


def say_line(line: LogLine) -> str:
    """`06:16:03  backend-blue  warning  text`; the level is left out where it is the usual one."""
    level = "" if line.level in ("", "info") else f"{line.level}  "
    return f"{say_clock(line.at)}  {line.source}  {level}{line.text}"


def _tell_dropped(session: Session, batch: LogBatch) -> None:
    if batch.dropped:
        session.say(f"{batch.dropped} lines came faster than they could be read and are not shown.")

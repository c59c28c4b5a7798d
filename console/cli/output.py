"""Data on stdout, in the form that was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from console.cli.figures import figure_lines
from console.cli.session import Session
from console.cli.showing import deployment_json, deployment_lines
from console.domain.codec import to_json
from console.domain.deployment import Deployment


def show(session: Session, value: object, lines: Iterable[str]) -> None:
    """Print one value: as JSON when asked, else the lines."""
    if session.form == "text":
        show_lines(session, lines)
    else:
        show_json(session, to_json(value))


def show_rows(session: Session, values: Sequence[object], lines: Iterable[str]) -> None:
    """Print several values: as one JSON array, as one JSON object a line, or as text."""
    if session.form == "jsonl":
        for value in values:
            show_json(session, to_json(value))
    elif session.form == "json":
        show_json(session, [to_json(value) for value in values])
    else:
        show_lines(session, lines)


def show_deployment(session: Session, deployment: Deployment) -> None:
    """One deployment, whole; of a failover also what it came to."""
    now = session.now()
    if session.form == "text":
        show_lines(session, (*deployment_lines(deployment, now), *figure_lines(deployment)))
    else:
        show_json(session, deployment_json(deployment, now))


def show_json(session: Session, data: Any) -> None:
    """One value a call; indented for `json`, on one line for `jsonl`."""
    indent = None if session.form == "jsonl" else 2
    print(json.dumps(data, indent=indent, ensure_ascii=False), file=session.out, flush=True)


def show_lines(session: Session, lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=session.out)
    session.out.flush()

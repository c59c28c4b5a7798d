"""What requests of the desk have in common, and how answers are cut to what is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from providers.http import Params, ProviderHttp, segment
from providers.wire import ShapeError, need_items, need_table, pick

ProjectRef = Annotated[str, "the project's ref, 20 lowercase letters"]
Row = Mapping[str, object]


@dataclass(frozen=True)
class OfProject:
    """The request of what only needs to know the project."""

    project: ProjectRef


def project_path(ref: str, *rest: str) -> str:
    """`/v1/projects/{ref}/…`; only the ref is quoted."""
    return "/".join(("/v1/projects", segment(ref), *rest))


def row_of(*names: str) -> Callable[[object], Row]:
    """Make a parser of one object that keeps these fields, in this order; a missing one is null.

    Naming what is kept keeps out what is secret, also what a later version of the platform may add.
    """

    def parse(node: object) -> Row:
        return {name: pick(need_table(node), name) for name in names}

    return parse


def rows_of(*names: str, within: str = "") -> Callable[[object], Sequence[Row]]:
    """The same for a list, or for the list in the field `within`."""
    row = row_of(*names)

    def parse(node: object) -> Sequence[Row]:
        return [row(one) for one in need_items(node, *((within,) if within else ()))]

    return parse


async def fetch_text(
    http: ProviderHttp, path: str, params: Params | None = None, headers: Mapping[str, str] | None = None
) -> str:
    """GET something that is plain text.

    Raises:
        UnexpectedReply: It is a web page, or JSON.
    """
    reply = await http.send("GET", path, params=params, headers=headers, as_text=True)
    media = reply.headers.get("content-type", "")

    def parse(content: object) -> str:
        if "html" in media or "json" in media:
            raise ShapeError(f"it is {media}, not plain text")
        return str(content)

    return http.decode(replace(reply, json=reply.text), parse)

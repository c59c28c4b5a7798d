"""The references' part of a transfer: which forms lead to which new references, and what is done with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace

from console.domain.errors import Refused, UsageError
from console.transfer.connecting import connect_target
from console.transfer.files import references
from console.transfer.files.forms import Forms, Target, build_forms
from console.transfer.files.journal import State
from console.transfer.files.orphans import find_unnamed
from console.transfer.files.progress import Progress, Reach, Stopped, Told, never, no_crash
from console.transfer.files.references import References
from console.transfer.files.request import Act, ReferBy, Request, Result


def refer(
    request: Request,
    result: Result,
    urls: Mapping[str, str],
    told: Told,
    stopped: Callable[[], bool] = never,
    reach: Reach = no_crash,
) -> Result:
    """Find references, and rewrite those that were named.

    Args:
        urls: The public address of every key.

    Raises:
        Refused: Files that are not verified are to be referred to, or a column cannot be taken back.
        Stopped: `stopped` said so, and nothing was rewritten.
    """
    told = _until(stopped, told)
    began = time.monotonic()
    _need_database(request)
    if request.rewrite and not result.holds:
        raise Refused(
            "Not every file is verified and can be read; no reference was rewritten.",
            f"{result.count(State.VERIFIED)} of {len(result.entries)} files are",
            "The same command tries them again; --find-references tells who names them.",
        )
    forms = spell(request, result, urls)
    with closing(connect_target(request.database, row_security="off")) as target:
        changed: tuple[references.Changed, ...] = ()
        if request.rewrite:
            changed = references.rewrite(
                target,
                forms,
                request.place,
                request.rewrite,
                triggers_ok=request.triggers_ok,
                told=told,
                reach=reach,
            )
        found = references.find(target, forms, told)
    return replace(
        result,
        references=replace(found, changed=changed),
        orphans=find_unnamed(result.entries, found.named),
        seconds={**result.seconds, "references": time.monotonic() - began},
    )


def take_back(request: Request, told: Told, stopped: Callable[[], bool] = never) -> Result:
    """Give references that were rewritten their old text. Raises Stopped where somebody said so; nothing is changed."""
    _need_database(request)
    told = _until(stopped, told)
    began = time.monotonic()
    with closing(connect_target(request.database, row_security="off")) as target:
        changed = references.revert(target, request.place, told=told)
    return Result(
        Act.REVERT, None, (), references=References(changed=changed), seconds={"revert": time.monotonic() - began}
    )


def spell(request: Request, result: Result, urls: Mapping[str, str]) -> Forms:
    """Every form of every file; those that are not verified or stayed behind lead to nothing."""
    assert result.bucket is not None
    by_url = request.refer_by is ReferBy.URL or (request.refer_by is ReferBy.AUTO and result.bucket.public)
    name = result.bucket.name
    news = {key: url if by_url else f"{name}/{key}" for key, url in urls.items()}
    targets = [Target(one.path, news[one.key] if one.state is State.VERIFIED else "") for one in result.entries]
    targets += [Target(one.path, "") for one in result.left]
    return build_forms(targets, request.folder, request.old_prefixes, base=_base(urls) if by_url else "")


def _base(urls: Mapping[str, str]) -> str:
    """What every address begins with: up to the bucket."""
    first = next(iter(urls.values()), "")
    head, mark, rest = first.partition("/object/public/")
    return f"{head}{mark}{rest.partition('/')[0]}/" if mark else ""


def _until(stopped: Callable[[], bool], told: Told) -> Told:
    """Tell on, until somebody asks to stop."""

    def tell(progress: Progress) -> None:
        if stopped():
            raise Stopped
        told(progress)

    return tell


def _need_database(request: Request) -> None:
    if not request.database:
        raise UsageError(
            "No database is named.", "--database", "Give its address as a reference: env:NAME, file:PATH, …"
        )

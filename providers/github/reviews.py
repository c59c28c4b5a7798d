"""Pull requests of a commit, and what their reviewers think now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers.github.client import GitHubClient
from providers.wire import moment, need_items, need_text, text

APPROVED, CHANGES_REQUESTED = "APPROVED", "CHANGES_REQUESTED"
NO_OPINION = frozenset({"COMMENTED", "PENDING"})
"""A comment takes nothing back, and a review that is not handed in is nobody's word yet."""
GONE = "(a deleted account)"


@dataclass(frozen=True)
class ListPulls:
    commit: Annotated[str, "the full commit"]


@dataclass(frozen=True)
class ShowReviews:
    pull: Annotated[int, "the number of the pull request"]


@dataclass(frozen=True)
class Pull:
    number: int
    title: str
    state: str
    by: str
    base: str
    head: str
    merged_at: datetime | None
    url: str


@dataclass(frozen=True)
class Review:
    """`state` is GitHub's word; `commit` is what was looked at, which may be older than the pull request's head."""

    by: str
    state: str
    commit: str
    at: datetime | None
    url: str


@dataclass(frozen=True)
class Reviews:
    """`opinions` holds the word that counts of each person: the latest that is an opinion."""

    pull: int
    approvals: int
    changes_requested_by: tuple[str, ...]
    opinions: Mapping[str, str]
    reviews: tuple[Review, ...]


class ReviewReadings:
    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def list_pulls(self, request: ListPulls) -> Sequence[Pull]:
        return await self._client.fetch_all(self._client.at("commits", request.commit, "pulls"), _parse_pulls)

    async def show(self, request: ShowReviews) -> Reviews:
        path = self._client.at("pulls", request.pull, "reviews")
        return count_opinions(request.pull, await self._client.fetch_all(path, parse_reviews))


def count_opinions(pull: int, reviews: Sequence[Review]) -> Reviews:
    """Reviews come oldest first; a dismissed one is kept by GitHub under its old place and counts for nothing."""
    opinions = {one.by: one.state for one in reviews if one.state not in NO_OPINION}
    against = tuple(sorted(who for who, word in opinions.items() if word == CHANGES_REQUESTED))
    approvals = sum(word == APPROVED for word in opinions.values())
    return Reviews(pull, approvals, against, opinions, tuple(reviews))


def _parse_pulls(node: object) -> Sequence[Pull]:
    return [
        Pull(
            number=int(need_text(one, "number")),
            title=text(one, "title"),
            state=text(one, "state"),
            by=text(one, "user", "login") or GONE,
            base=text(one, "base", "ref"),
            head=text(one, "head", "sha"),
            merged_at=moment(one, "merged_at"),
            url=text(one, "html_url"),
        )
        for one in need_items(node)
    ]


def parse_reviews(node: object) -> Sequence[Review]:
    return [
        Review(
            by=text(one, "user", "login") or GONE,
            state=need_text(one, "state"),
            commit=text(one, "commit_id"),
            at=moment(one, "submitted_at"),
            url=text(one, "html_url"),
        )
        for one in need_items(node)
    ]

"""`init`: ask the platforms what is there, and write a configuration to go on from. Needs no worker."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from console.cli.asking import ask_text, choose_one, choose_some
from console.cli.first_config import FirstConfig, Platform, write_config
from console.cli.output import show
from console.cli.platforms import (
    MIGRATIONS,
    NAMES,
    VARIABLES,
    Platforms,
    RealPlatforms,
    fetch_places,
    find_reference,
    find_repository,
    has_migrations,
    read_token,
)
from console.cli.proposal import ARMS, Place, Placing, propose, settle
from console.cli.session import Session
from console.config.loader import load
from console.config.location import locate
from console.config.secrets import SecretMissing
from console.config.shape import is_reference
from console.domain.errors import ConsoleError, ExitCode, Rejected, StoreError, UsageError
from providers.discovery import MOST_LISTED, Belonging

ROUTER = "edge"
LISTED = 20


async def init(session: Session) -> int:
    """Write a first configuration from what the tokens of this host see."""
    return await Initialising(session, RealPlatforms()).run()


@dataclass
class Initialising:
    """One run of it."""

    session: Session
    platforms: Platforms
    blocks: list[Platform] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    source: str = ""
    branch: str = ""
    migrations: str = ""
    _path: Path = Path()

    @property
    def asks(self) -> bool:
        return not self.session.options.yes

    async def run(self) -> int:
        session = self.session
        self._path = _destination(session)
        _refuse_to_overwrite(self._path)
        for kind in NAMES:
            await self._look_at(kind)
        if not any(not block.trouble for block in self.blocks):
            tried = "\n".join(f"  {block.trouble}" for block in self.blocks)
            variables = ", ".join(names[0] for names in VARIABLES.values())
            raise UsageError(
                "No platform could be asked; nothing was written.",
                tried,
                f"Set one of {variables}, or name a reference.",
            )
        placings, router_url = self._place()
        config = FirstConfig(
            self.blocks,
            placings,
            self.source,
            self.branch,
            self.migrations,
            ROUTER if router_url else "",
            router_url,
        )
        write_new(self._path, write_config(config, session.now()))
        self._tell(placings)
        return ExitCode.GOOD

    async def _look_at(self, kind: str) -> None:
        reference = find_reference(kind)
        if self.asks:
            reference = self._ask_reference(kind, reference)
        if not reference:
            return
        try:
            token = read_token(reference, self._path.parent)
            block = await self._ask_platform(kind, reference, token)
        except (SecretMissing, ConsoleError) as problem:
            block = self._troubled(kind, reference, f"{problem.what} {problem.remedy}".strip())
        self.blocks.append(block)
        self.session.say(f"{NAMES[kind]}: {block.trouble}" if block.trouble else f"{NAMES[kind]}: asked.")

    def _ask_reference(self, kind: str, found: str) -> str:
        name = NAMES[kind]
        question = f"{name}: reference to a token (env:NAME, file:PATH, …) [Enter leaves {name} out]:"
        if found:
            question = f"{name}: use the token in {found}? [Y/n, or another reference]"
        while True:
            answer = ask_text(self.session, question)
            if answer.lower() in {"", "y", "yes"}:
                return found
            if answer.lower() in {"n", "no"}:
                return ""
            if is_reference(answer):
                return answer
            # What was typed is not shown or kept: it may be the token itself.
            self.session.say("That is no reference. Tokens are not written down here; name the place where one is.")

    def _troubled(self, kind: str, reference: str, trouble: str) -> Platform:
        words = f"{NAMES[kind]} could not be asked: {' '.join(trouble.split())}"
        return Platform(kind, kind, {"token": reference}, trouble=words)

    async def _ask_platform(self, kind: str, reference: str, token: str) -> Platform:
        address = self.platforms.address(kind)
        options = {"base_url": address} if address else {}
        chosen, others, trouble = await self._belong(kind, token)
        notes = {}
        if chosen is not None:
            options[chosen.option] = chosen.value
            notes[chosen.option] = "" if chosen.name == chosen.value else " ".join(chosen.name.split())
        alternatives = [f'{one.option} = "{one.value}"  # {" ".join(one.name.split())}' for one in others]
        block = Platform(kind, kind, {**options, "token": reference}, notes, alternatives, trouble)
        if trouble:
            return block
        connection = self.platforms.open(kind, {**options, "token": token})
        try:
            self.places += await self._choose_places(kind, await fetch_places(kind, connection))
            if kind == "github":
                self.source = kind
                self.branch = chosen.branch if chosen and chosen.branch else "main"
                with contextlib.suppress(Rejected):
                    self.migrations = MIGRATIONS if await has_migrations(connection, self.branch) else ""
        finally:
            await connection.close()
        return block

    async def _belong(self, kind: str, token: str) -> tuple[Belonging | None, Sequence[Belonging], str]:
        """The workspace, team or repository to write, those beside it, and why none can be written."""
        try:
            seen = list(await self.platforms.belongings(kind, token))
        except Rejected:
            seen = []  # a token of an installation may not list
        here = find_repository() if kind == "github" else ""
        if here and (not seen or len(seen) >= MOST_LISTED) and not any(one.value == here for one in seen):
            seen.insert(0, Belonging("repository", here, here))
        seen.sort(key=lambda one: one.value != here)
        if self.asks and len(seen) > 1:
            number = choose_one(self.session, f"{NAMES[kind]}: which {seen[0].option}?", _labels(seen))
            chosen = seen[number] if number is not None else None
        else:
            chosen = seen[0] if len(seen) == 1 or (seen and seen[0].value == here) else None
        others = seen[:LISTED] if chosen is None else []
        if kind == "github" and chosen is None:
            why = "Several repositories are there; take one of those below." if seen else "No repository is known."
            return None, others, f'{why} Write repository = "owner/name".'
        if kind == "vercel" and chosen is None and len(seen) > 1 and not self.asks:
            return None, others, "Several teams are there; take one of those below, or none for the own account."
        return chosen, others, ""

    async def _choose_places(self, kind: str, places: Sequence[Place]) -> Sequence[Place]:
        if not self.asks or not places:
            return places
        names = [f"{one.words}   {one.place.name} ({one.place.about or one.place.id})" for one in propose(places)]
        chosen = choose_some(self.session, f"{NAMES[kind]}: which of these?", names)
        return [places[number] for number in chosen]

    def _place(self) -> tuple[list[Placing], str]:
        placings = propose(self.places)
        if not self.asks:
            return placings, ""
        if placings:
            placings = self._correct(placings)
        url = ""
        if any(placing.arm for placing in placings):
            url = ask_text(
                self.session, "Admin address of the Caddy that divides traffic between blue and green [Enter for none]:"
            )
        return settle(placings, ROUTER if url else ""), url

    def _correct(self, placings: list[Placing]) -> list[Placing]:
        """Let a person change what was read out of the names."""
        while True:
            self.session.say("This is how it would be written:")
            for number, placing in enumerate(placings, start=1):
                doubt = f"   ({placing.doubt})" if placing.doubt else ""
                self.session.say(f"  {number:>3}  {placing.words}   {placing.place.name}{doubt}")
            answer = ask_text(self.session, "Right? [Enter, or as `2 staging backend`, `3 production backend blue`]")
            if not answer:
                return placings
            words = answer.split()
            is_known = words[0].isdecimal() and 1 <= int(words[0]) <= len(placings)
            if not is_known or len(words) not in {3, 4} or (len(words) == 4 and words[3] not in ARMS):
                self.session.say("Write a number, an environment, a service, and blue or green where it is one of two.")
                continue
            number = int(words[0]) - 1
            arm = words[3] if len(words) == 4 else ""
            placings[number] = replace(placings[number], environment=words[1], service=words[2], arm=arm)
            placings = settle(placings)

    def _tell(self, placings: Sequence[Placing]) -> None:
        session = self.session
        sure = [placing for placing in placings if not placing.doubt]
        doubtful = [placing for placing in placings if placing.doubt]
        lines = [f"{self._path} is written.", *(f"  {placing.words}   {placing.place.name}" for placing in sure)]
        data = {
            "file": str(self._path),
            "providers": [block.name for block in self.blocks if not block.trouble],
            "left_out": {
                **{block.name: block.trouble for block in self.blocks if block.trouble},
                **{placing.place.name: placing.doubt for placing in doubtful},
            },
            "placed": [
                {"environment": one.environment, "service": one.service, "arm": one.arm, "id": one.place.id}
                for one in sure
            ],
        }
        show(session, data, lines)
        for placing in doubtful:
            session.say(f"Only as a comment: {placing.place.name}: {placing.doubt}")
        session.say("Look through it, then `quarterdeck config check` and `quarterdeck doctor`.")


def _labels(seen: Sequence[Belonging]) -> list[str]:
    return [one.name if one.name == one.value else f"{one.name} ({one.value})" for one in seen]


def _destination(session: Session) -> Path:
    named = session.options.output
    return Path(named).expanduser() if named else locate(session.home, session.config)


def _refuse_to_overwrite(path: Path) -> None:
    if path.exists():
        raise UsageError(
            "There is a configuration already; it is not overwritten.",
            str(path),
            "Name another file with --output, or move this one away.",
        )


def write_new(path: Path, text: str) -> None:
    """Write a file that did not exist, for its owner alone, once it has been read as a configuration.

    Raises:
        UsageError: It exists by now.
        StoreError: It cannot be written.
        ConfigError: It would not be accepted, which is a fault of ours; nothing was written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".toml", dir=path.parent) as draft:
            draft.write(text)
            draft.flush()
            load(Path(draft.name))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        _refuse_to_overwrite(path)
    except OSError as problem:
        raise StoreError(
            f"The file cannot be written: {problem.strerror}.", str(path), "Check the directory, or name another."
        ) from problem

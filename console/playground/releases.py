"""The releases of the playground's product: good ones, and one for each way a release can be bad.

The GitHub emulator serves this catalogue as tags, commits and contents; the hosting emulators start what it says.
Migrations are cumulative: a release contains the files of every earlier one, except those of the bad migration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from types import MappingProxyType

from console.playground.scene import FIRST_RELEASE, MIGRATIONS_PATH

_FIRST_COMMIT = datetime(2026, 9, 1, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Behaviour:
    """How a release's processes behave: share of API answers that are 500 (0..1), extra latency, whether they start."""

    error_rate: float = 0.0
    latency_ms: int = 0
    starts: bool = True


@dataclass(frozen=True)
class Release:
    """One tag of the product's repository. `migrations` maps file name to SQL, without a folder."""

    name: str
    about: str
    message: str
    created_at: datetime
    good: bool = True
    behaviour: Behaviour = Behaviour()
    migrations: Mapping[str, str] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        """The 40 hex digits of this release's commit, the same in every playground."""
        return commit_of(self.name)

    def files(self) -> dict[str, str]:
        """Give the repository's text files at this commit, path to content."""
        readme = f"# shop\n\nThe product that the playground deploys. This is {self.name}: {self.about}.\n"
        migrations = {f"{MIGRATIONS_PATH}/{name}": text for name, text in self.migrations.items()}
        return {"README.md": readme, **migrations}


@dataclass(frozen=True)
class Catalogue:
    """All releases, oldest first."""

    releases: tuple[Release, ...]

    def find(self, ref: str) -> Release | None:
        """Find a release by tag name, full commit or a prefix of it of at least 7 digits; `main` is the newest good."""
        if ref in ("main", "refs/heads/main", "heads/main"):
            return self.main
        name = ref.removeprefix("refs/").removeprefix("tags/")
        for release in self.releases:
            if release.name == name or (len(ref) >= 7 and release.commit.startswith(ref)):
                return release
        return None

    @property
    def main(self) -> Release:
        """The head of branch `main`: the newest good release."""
        return next(release for release in reversed(self.releases) if release.good)

    @property
    def first(self) -> Release:
        """The release that is live everywhere when the playground comes up."""
        return self.releases[0]


def commit_of(name: str) -> str:
    """Derive a release's commit from its name."""
    return sha1(f"quarterdeck-demo/shop@{name}".encode(), usedforsecurity=False).hexdigest()


_SHOP = {
    "20260901090000_create_shop.sql": """\
create table public.items (
  id bigint generated always as identity primary key,
  name text not null,
  price_cents integer not null check (price_cents >= 0)
);

create table public.orders (
  id bigint generated always as identity primary key,
  item_id bigint not null references public.items (id),
  quantity integer not null check (quantity > 0),
  created_at timestamptz not null default now()
);

create table public.jobs (
  id bigint generated always as identity primary key,
  order_id bigint not null,
  created_at timestamptz not null default now()
);

insert into public.items (name, price_cents) values
  ('Brass lantern', 4900), ('Signal flags', 2300), ('Ship''s bell', 8900), ('Sextant', 18900),
  ('Log book', 1200), ('Hemp rope', 1700), ('Oilskin coat', 9900), ('Deck shoes', 5400);
""",
    "20260901090000_create_shop.down.sql": """\
drop table public.jobs;
drop table public.orders;
drop table public.items;
""",
}
_ORDER_NOTE = {
    "20260915101500_add_order_note.sql": "alter table public.orders add column note text;\n",
    "20260915101500_add_order_note.down.sql": "alter table public.orders drop column note;\n",
}
_ITEM_STOCK = {
    "20261001083000_add_item_stock.sql": """\
alter table public.items add column stock integer not null default 100;
comment on column public.items.stock is 'pieces left in the warehouse';
""",
    "20261001083000_add_item_stock.down.sql": "alter table public.items drop column stock;\n",
}
_ITEM_RATINGS = {
    "20261020120000_add_item_ratings.sql": """\
create table public.item_ratings (
  item_id bigint not null references public.items (id),
  rating integer not null check (rating between 1 and 5)
);
insert into public.item_ratings (item_id, rating) values (1, 5), (2, 4);
insert into public.item_ratings (item_id, rating) values (3, 9);
""",
    "20261020120000_add_item_ratings.down.sql": "drop table public.item_ratings;\n",
}
_ORDER_CHANNEL = {
    "20261105140000_add_order_channel.sql": "alter table public.orders add column channel text;\n",
    "20261105140000_add_order_channel.down.sql": "alter table public.orders drop column channel;\n",
}


def build_catalogue() -> Catalogue:
    """Build the eight releases, a week apart."""
    upto_note = {**_SHOP, **_ORDER_NOTE}
    upto_stock = {**upto_note, **_ITEM_STOCK}
    slow, broken = Behaviour(latency_ms=150), Behaviour(error_rate=0.08)
    return Catalogue(
        (
            _release(0, FIRST_RELEASE, "the first release, live at the start", "Open the shop", _SHOP),
            _release(1, "v1.1", "good: orders carry a note", "Let customers leave a note", upto_note),
            _release(2, "v1.2", "good: items know their stock", "Count what is left in the warehouse", upto_stock),
            _release(
                3,
                "v1.3-errors",
                "bad: healthy, but 8 % of API answers are 500",
                "Cache prices in the process",
                upto_stock,
                broken,
            ),
            _release(
                4, "v1.4-slow", "bad: every API answer takes 150 ms longer", "Sort items by margin", upto_stock, slow
            ),
            _release(
                5,
                "v1.5-crash",
                "bad: its processes exit at the start",
                "Read settings from the environment",
                upto_stock,
                Behaviour(starts=False),
            ),
            _release(
                6,
                "v1.6-bad-migration",
                "bad: its migration fails halfway",
                "Rate items",
                {**upto_stock, **_ITEM_RATINGS},
                good=False,
            ),
            _release(
                7,
                "v1.7",
                "good: orders remember their channel",
                "Remember where an order came from",
                {**upto_stock, **_ORDER_CHANNEL},
            ),
        )
    )


def _release(
    number: int,
    name: str,
    about: str,
    message: str,
    migrations: Mapping[str, str],
    behaviour: Behaviour | None = None,
    good: bool | None = None,
) -> Release:
    return Release(
        name=name,
        about=about,
        message=message,
        created_at=_FIRST_COMMIT + timedelta(weeks=number),
        good=behaviour is None if good is None else good,
        behaviour=behaviour or Behaviour(),
        migrations=MappingProxyType(dict(migrations)),
    )

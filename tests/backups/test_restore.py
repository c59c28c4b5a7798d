"""A backup is put back whole or not at all, after the present was saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.backups.restore import Restored, RestoreRequest, restore
from console.backups.values import Backup, Interrupted, Proof, State, TableSum
from console.domain.errors import ConsoleError, Refused


def put_back(shop, backup: Backup, stopped=lambda: False, **more: Any) -> Restored:
    return restore(backup, RestoreRequest(shop.address, shop.root, **more), stopped=stopped)


def verified(shop, backup: Backup) -> Backup:
    """Let it pass for verified; how it is proven is tested elsewhere."""
    passed = replace(backup, state=State.VERIFIED, proof=Proof(True, backup.at))
    shop.catalogue.write(passed)
    return passed


@pytest.fixture
def proven(shop, backup) -> Backup:
    """A backup of what the shop holds at first."""
    return verified(shop, backup)


class TestGivenAVerifiedBackup:
    def test_when_it_is_restored_then_all_is_as_it_was_and_the_present_was_saved(self, shop):
        shop.ask("create publication news for table users")
        shop.ask("create procedure tidy() language plpgsql as $$\nbegin\nCOMMIT;\nend $$")
        shop.ask('create table "odd\n FROM stdin;" ("a b" text); insert into "odd\n FROM stdin;" values (E\'\\\\.\')')
        shop.ask("create foreign data wrapper nobody; create server other foreign data wrapper nobody")
        shop.ask("alter default privileges revoke execute on functions from public")
        backup = verified(shop, shop.take())
        shop.ask("delete from orders; update users set email = 'x' where id = 3; drop view totals")
        shop.ask("create table later (id int)")
        shop.ask("insert into supabase_migrations.schema_migrations values ('20260301000000')")

        with pytest.raises(Refused) as caught:
            put_back(shop, backup)
        assert "migration 20260301000000 instead of 20260201000000, table public.later" in caught.value.what
        done = put_back(shop, backup, over_newer=True)

        assert shop.ask("select count(*) from orders") == [(500,)]
        assert shop.ask("select email from users where id = 3") == [("u3@example.com",)]
        assert shop.ask("select to_regclass('later')::text, to_regclass('totals')::text") == [(None, "totals")]
        assert shop.ask("select tablename from pg_publication_tables where pubname = 'news'") == [("users",)]
        assert shop.ask("insert into orders (cents) values (1) returning id") == [(501,)]
        assert done.saved.note == f"before {backup.id} was restored"
        assert done.saved.sums.tables["public.orders"].rows == 0

    def test_when_what_comes_out_is_not_what_it_holds_then_nothing_was_changed(self, shop, proven):
        wrong = replace(proven, sums=replace(proven.sums, tables={**proven.sums.tables, "public.empty": TableSum(1)}))
        shop.ask("delete from parts")

        with pytest.raises(ConsoleError, match=r"table public\.empty has 0 rows instead of 1"):
            put_back(shop, wrong)

        assert shop.ask("select count(*) from parts") == [(0,)]

    def test_when_somebody_stops_it_within_then_nothing_was_changed(self, shop, proven):
        shop.ask("delete from parts")
        saved = len(shop.catalogue.find_all())

        with pytest.raises(Interrupted):
            put_back(shop, proven, stopped=lambda: len(shop.catalogue.find_all()) > saved and taken(shop))

        assert shop.ask("select count(*) from parts") == [(0,)]

    def test_when_a_schema_is_left_alone_then_it_stays_as_it_is_now(self, shop, proven):
        shop.ask("insert into supabase_migrations.schema_migrations values ('20251231000000')")
        shop.ask("delete from parts")

        shop.forbid_writing()
        put_back(shop, proven, left_alone=["supabase_migrations"])

        assert shop.ask("select count(*) from supabase_migrations.schema_migrations") == [(3,)]
        assert shop.ask("select count(*) from parts") == [(1,)]


def taken(shop) -> bool:
    return all(one.state is not State.TAKING for one in shop.catalogue.find_all())


class TestGivenABackupThatShouldNotBeRestored:
    def test_when_it_was_never_proven_then_it_is_refused(self, still, backup):
        with pytest.raises(Refused, match="never restored for proof"):
            put_back(still, backup)

    def test_when_a_file_of_it_was_changed_then_it_is_refused(self, still, backup):
        next((backup.path / "data").glob("*.gz")).write_bytes(b"")

        with pytest.raises(Refused, match="was changed"):
            put_back(still, verified(still, backup))

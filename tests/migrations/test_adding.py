"""What only adds may come before rows that are still under way; everything else waits for the last of them."""

from __future__ import annotations

import pytest

from console.migrations.adding import name_beyond_adding


class TestGivenMigrationsBesideRowsThatStillCome:
    @pytest.mark.parametrize(
        "sql",
        [
            "alter table t add column note text",
            "create table u (id int primary key); insert into u values (1); create unique index on u (id)",
            "create index concurrently on t (a); comment on table t is 'x'; alter table t enable row level security",
            "create type kind as enum ('a'); alter table t add kind kind default 'a' not null",
            "",
        ],
    )
    def test_when_they_only_add_then_nothing_is_named(self, sql: str):
        assert name_beyond_adding([sql]) == ()

    @pytest.mark.parametrize(
        ("sql", "named"),
        [
            ("update t set a = 1", "UPDATE t"),
            ("insert into t values (1)", "INSERT INTO t"),
            ("create table u (a int); insert into u select a from t", "INSERT INTO u"),
            ("create table u as select * from t", "CREATE TABLE"),
            ("alter table t drop column a", "ALTER TABLE t"),
            ("alter table t add column a int unique", "ALTER TABLE t"),
            ("alter table t add check (a > 0)", "ALTER TABLE t"),
            ("create unique index on t (a)", "CREATE UNIQUE INDEX ON t"),
            ("create trigger x before insert on t for each row execute function f()", "CREATE TRIGGER t"),
            ("do $$ begin end $$", "DO"),
        ],
    )
    def test_when_one_touches_rows_or_refuses_some_then_it_is_named(self, sql: str, named: str):
        assert name_beyond_adding(["create table v (id int)", sql]) == (named,)

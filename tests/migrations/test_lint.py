"""What the linter says of statements, and what a file's statements do, by the server's grammar."""

from __future__ import annotations

import pytest

from console.migrations.classify import classify_file
from console.migrations.findings import Severity
from console.migrations.grammar import split_file
from console.migrations.lint import lint
from console.migrations.statement import Lock, Phase, Work
from providers.contract import MigrationFile

pytest.importorskip("pglast")


def found(sql: str) -> dict[str, tuple[Severity, int]]:
    return {one.rule: (one.severity, one.line) for one in lint([MigrationFile("1", "a", sql, "select 1")]).findings}


def one(sql: str):
    return classify_file(sql, split_file(sql))[-1]


class TestGivenWhatSquawkDoesNotSee:
    @pytest.mark.parametrize(
        ("sql", "rule"),
        [
            ("vacuum full t", "vacuum-full"),
            ("alter table t disable row level security", "disables-rls"),
            ("alter table t set unlogged", "unlogged"),
            ("grant all on t to anon", "grant-to-anon"),
            ("grant insert on t to public", "grant-to-anon"),
            ("create view v as select * from (select id from auth.users) u", "view-over-auth"),
            ("create function f() returns int language sql security definer as 'select 1'", "definer-search-path"),
            ("alter table t add g int generated always as (a + 1) stored", "stored-generated-column"),
            ("alter table t add constraint e exclude using gist (c with &&)", "exclusion-constraint"),
            ("alter table t add a int; update t set a = 1 where b", "backfill-under-lock"),
            ("create index concurrently on t (a)", "unnamed-index"),
            ("cluster t using i", "rewrites-table"),
            ("alter table t set tablespace other", "rewrites-table"),
            ("create materialized view v as select * from auth.users", "view-over-auth"),
            ("alter default privileges in schema public grant all on tables to anon", "grant-to-anon"),
            ("create role r login password 'x'", "password"),
        ],
    )
    def test_when_it_is_linted_then_it_blocks(self, sql, rule):
        assert found(f"-- words\n\n{sql}")[rule] == (Severity.BLOCKS, 3)

    @pytest.mark.parametrize(
        "sql",
        [
            "grant select on t to anon",
            "alter type m add value 'a'; select 'b'",
            "create type m as enum ('a'); select 'a'::m",
            "alter role r with login",
            "vacuum t",
            "create table t (a int); update t set a = 1 where a > 0",
            "create function f() returns int language sql security definer set search_path = '' as 'select 1'",
        ],
    )
    def test_when_it_is_harmless_then_nothing_blocks(self, sql):
        assert not [rule for rule, (severity, _) in found(sql).items() if severity is Severity.BLOCKS]

    def test_when_a_new_value_of_an_enum_is_used_in_its_transaction_then_it_blocks(self):
        assert found("alter type m add value 'a';\nselect 'a'::m")["new-enum-value"] == (Severity.BLOCKS, 2)
        assert "new-enum-value" not in found("alter type m add value 'a';\nvacuum t;\nselect 'a'::m")


class TestGivenSquawk:
    def test_when_it_finds_something_then_lines_count_from_one_and_severities_are_ours(self):
        said = found("\ncreate index i on t (a);\nalter table t add b int;")

        assert said["require-concurrent-index-creation"] == (Severity.BLOCKS, 2)
        assert said["prefer-bigint-over-int"] == (Severity.STYLE, 3)
        assert "require-lock-timeout" not in said


class TestGivenStatements:
    @pytest.mark.parametrize(
        ("sql", "lock", "work", "phase", "alone"),
        [
            ("alter table t add a int default 7", Lock.ACCESS_EXCLUSIVE, Work.NONE, Phase.EXPAND, False),
            ("alter table t add a float default random()", Lock.ACCESS_EXCLUSIVE, Work.REWRITE, Phase.EXPAND, False),
            ("alter table t add a timestamptz default now()", Lock.ACCESS_EXCLUSIVE, Work.NONE, Phase.EXPAND, False),
            ("alter table t add a int not null", Lock.ACCESS_EXCLUSIVE, Work.NONE, Phase.CONTRACT, False),
            ("alter table t alter a type text", Lock.ACCESS_EXCLUSIVE, Work.REWRITE, Phase.CONTRACT, False),
            ("alter table t alter a set not null", Lock.ACCESS_EXCLUSIVE, Work.SCAN, Phase.CONTRACT, False),
            ("alter table t validate constraint c", Lock.SHARE_UPDATE_EXCLUSIVE, Work.SCAN, Phase.EXPAND, False),
            ("create index i on t (a)", Lock.SHARE, Work.BUILD, Phase.EXPAND, False),
            ("create index concurrently i on t (a)", Lock.SHARE_UPDATE_EXCLUSIVE, Work.BUILD, Phase.EXPAND, True),
            ("reindex (concurrently) table t", Lock.SHARE_UPDATE_EXCLUSIVE, Work.BUILD, Phase.EXPAND, True),
            ("vacuum t", Lock.SHARE_UPDATE_EXCLUSIVE, Work.SCAN, Phase.EXPAND, True),
            ("cluster t", Lock.ACCESS_EXCLUSIVE, Work.REWRITE, Phase.EXPAND, True),
            ("drop table t", Lock.ACCESS_EXCLUSIVE, Work.NONE, Phase.CONTRACT, False),
            (
                "alter table t detach partition p concurrently",
                Lock.SHARE_UPDATE_EXCLUSIVE,
                Work.NONE,
                Phase.CONTRACT,
                True,
            ),
            ("create table u (a int references t)", Lock.SHARE_ROW_EXCLUSIVE, Work.NONE, Phase.EXPAND, False),
            ("create table p partition of t for values in (1)", Lock.ACCESS_EXCLUSIVE, Work.NONE, Phase.EXPAND, False),
            ("alter table t attach partition p default", Lock.ACCESS_EXCLUSIVE, Work.SCAN, Phase.EXPAND, False),
            ("do $$ begin drop table t; end $$", Lock.UNKNOWN, Work.NONE, Phase.EXPAND, False),
            ("create table t (a int); drop table t", Lock.ACCESS_EXCLUSIVE, Work.NONE, Phase.EXPAND, False),
        ],
    )
    def test_when_one_is_classified_then_lock_work_and_phase_are_known(self, sql, lock, work, phase, alone):
        seen = one(sql)
        assert (seen.lock, seen.work, seen.phase, seen.alone) == (lock, work, phase, alone)

    def test_when_a_file_is_cut_then_bodies_stay_whole_and_comments_go_with_what_follows(self):
        sql = "create function f() returns int language sql begin atomic select 1; end;;\n-- next ü\nselect ';';"
        assert split_file(sql) == (
            "create function f() returns int language sql begin atomic select 1; end",
            "-- next ü\nselect ';'",
        )

"""Cutting SQL files into statements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.migrations.split import (
    UnfinishedSql,
    forbidden_words,
    normalize,
    split_statements,
    tokenize,
    without_secrets,
)

ATOMIC = """create or replace function total(a int) returns int language sql
begin atomic
  select case when a > 0 then 1 else 2 end;
  select a + 1;
end"""
PLPGSQL = "create function f() returns void language plpgsql as $body$ begin perform 1; end; $body$"


class TestGivenAFileOfSeveralStatements:
    def test_when_it_is_cut_then_each_statement_stands_alone(self):
        assert split_statements("create table a ();\n\ncreate table b () ;\n") == (
            "create table a ()",
            "create table b ()",
        )

    def test_when_the_last_one_has_no_semicolon_then_it_counts_too(self):
        assert split_statements("select 1; select 2") == ("select 1", "select 2")

    @pytest.mark.parametrize("empty", ["", "  \n", ";;", "-- nothing\n", "/* nothing /* at all */ */ ;"])
    def test_when_nothing_is_said_then_there_is_no_statement(self, empty):
        assert split_statements(empty) == ()

    def test_when_a_comment_comes_first_then_it_stays_with_its_statement(self):
        assert split_statements("-- why; because\nselect 1; -- done;\n") == ("-- why; because\nselect 1",)


class TestGivenASemicolonThatEndsNothing:
    @pytest.mark.parametrize(
        "statement",
        [
            "select 'a;b'",
            "select 'it''s; fine'",
            r"select E'it\'s; fine'",
            r"select E'both '' and \' ; fine'",
            r"select 'a\', ';'",
            'select 1 as "a;b""c;"',
            "select $$a;b$$",
            "select $q$a;$$;b$q$",
            "select $a$ $b$ ; $a$",
            "select 1 /* a; /* b; */ c; */ + 2",
            "select 1 -- a;\n + 2",
            "create rule r as on insert to t do also (insert into a values (1); insert into b values (2))",
            PLPGSQL,
            "do $$ begin raise notice 'a;'; end $$",
            ATOMIC,
        ],
    )
    def test_when_it_is_cut_then_the_statement_is_whole(self, statement):
        assert split_statements(f"{statement};\nselect 2;") == (statement, "select 2")

    def test_when_a_name_holds_dollars_then_no_quote_begins(self):
        assert split_statements("select a$b$ from t; select c$b$ from t") == (
            "select a$b$ from t",
            "select c$b$ from t",
        )

    def test_when_parameters_are_numbered_then_no_quote_begins(self):
        assert split_statements("prepare p as select $1; execute p(1)") == ("prepare p as select $1", "execute p(1)")

    def test_when_begin_stands_alone_then_it_opens_no_body(self):
        assert split_statements("begin; select 1; end;") == ("begin", "select 1", "end")


class TestGivenAnUnfinishedFile:
    @pytest.mark.parametrize("rest", ["'abc", '"abc', "$$abc", "$a$ $$", "/* /* */", r"E'abc\'"])
    def test_when_it_is_cut_then_the_line_is_named(self, rest):
        with pytest.raises(UnfinishedSql, match="line 2"):
            split_statements(f"select 1;\n{rest}")


class TestGivenTwoWaysToWriteTheSame:
    def test_when_only_comments_and_line_breaks_differ_then_they_are_equal(self):
        assert normalize(["-- one\r\nselect  1;\nselect 2;"]) == normalize(["select 1", "select\n2"])

    def test_when_a_string_differs_then_they_are_not(self):
        assert normalize(["select 'a  b'"]) != normalize(["select 'a b'"])

    def test_when_a_stored_statement_ends_in_a_comment_then_the_next_one_survives(self):
        assert normalize(["select 1 -- one", "select 2"]) == normalize(["select 1; select 2"])


class TestGivenAStatementToBeShown:
    @pytest.mark.parametrize("secret", ["'hunter2'", "E'hunter2'", "$$hunter2$$"])
    def test_when_it_speaks_of_a_password_then_its_strings_are_not_shown(self, secret):
        assert without_secrets(f'create role "r" password {secret}') == "create role \"r\" password '…'"

    def test_when_it_speaks_of_none_then_it_is_shown_as_it_is(self):
        assert without_secrets("select 'a'") == "select 'a'"


class TestGivenAStatementThatNeedsNoTransaction:
    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            ("begin", "BEGIN"),
            ("-- end it\ncommit", "COMMIT"),
            ("prepare transaction 'x'", "PREPARE TRANSACTION"),
            ("create unique index concurrently i on t (a)", "CREATE UNIQUE INDEX CONCURRENTLY"),
            ("reindex (verbose) table concurrently t", "REINDEX (VERBOSE) TABLE CONCURRENTLY"),
            ("vacuum full t", "VACUUM"),
            ("create index i on t (a)", ""),
            ("refresh materialized view concurrently v", ""),
            ("prepare p as select 1", ""),
            ("rollback to savepoint a", ""),
            ("select 'begin'", ""),
        ],
    )
    def test_when_it_is_looked_at_then_the_words_are_named(self, statement, words):
        assert forbidden_words(statement) == words


@given(st.text(alphabet="ab;$' \"\n-/*()E\\_1é", max_size=60))
def test_tokens_joined_are_the_text(sql):
    try:
        tokens = list(tokenize(sql))
    except UnfinishedSql:
        return
    assert "".join(token.text for token in tokens) == sql


@given(st.lists(st.sampled_from(["select 1", "select ';'", "select $$;$$", "-- c\nselect 2", PLPGSQL, ATOMIC])))
def test_cutting_what_was_joined_gives_the_parts(statements):
    assert list(split_statements(";\n".join(statements))) == statements

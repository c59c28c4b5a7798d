"""The command line as a whole: help that lists every command once, and commands that name functions that exist."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator

import pytest

from console.cli.grammar import Parser
from console.cli.parser import build_parser


def commands_of(parser: Parser) -> Iterator[Parser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield command
                yield from commands_of(command)


class TestGivenTheWholeCommandLine:
    @pytest.fixture(scope="class")
    def parser(self) -> Parser:
        return build_parser()

    def test_when_help_is_asked_for_then_every_command_is_listed_once(self, shell, parser):
        ran = shell("--help")

        told = [line.split()[0] for line in ran.out.splitlines() if line.startswith("  ") and line[2] != " "]
        names = [command.prog.split()[1] for command in commands_of(parser) if len(command.prog.split()) == 2]
        assert ran.code == 0
        assert [word for word in told if not word.startswith("-")] == names

    def test_when_help_on_a_command_with_actions_is_asked_for_then_each_is_listed_with_its_use(self, shell):
        ran = shell("playground", "--help")

        told = [line.split(maxsplit=1) for line in ran.out.splitlines() if line.startswith("    ") and line[4] != " "]
        assert [name for name, _ in told] == ["up", "down", "status", "traffic", "fault"]
        assert ["traffic", "change the load"] in told

    def test_then_every_command_says_what_it_is_for_and_what_it_takes(self, parser):
        for command in commands_of(parser):
            assert command.description, command.prog
            taken = [action for action in command._actions if action.dest != "action"]
            assert all(action.help for action in taken), command.prog

    def test_then_every_command_names_a_function_that_is_there(self, parser):
        handlers = {command.get_default("handler") for command in [parser, *commands_of(parser)]} - {None}

        for handler in handlers:
            module, _, name = handler.partition(":")
            assert callable(getattr(importlib.import_module(module), name)), handler

    @pytest.mark.parametrize("command", ["approve", "reject", "pause", "resume", "renew", "abort"])
    def test_when_a_step_is_named_where_it_changes_nothing_then_it_is_refused(self, shell, command):
        ran = shell(command, "production", "--step", "backend.shift-10")

        assert ran.code == 2
        assert "--step" in ran.err

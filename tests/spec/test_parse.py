"""Pydantic's errors are said in botctl's words, once each, at their place."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel

from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document, read_document
from botctl.spec.bot import BotSpec
from botctl.spec.parse import Subject, parse
from botctl.spec.project import ProjectSpec
from botctl.spec.story import StoryFile
from botctl.spec.workspace import WorkspaceSpec

BOT = Subject(family="BT", noun="the bot")


def read(text: str) -> Document:
    document, diagnostics = read_document(text, "file.yaml")
    assert document is not None, diagnostics
    return document


def mistakes(text: str, model: type[BaseModel] = BotSpec) -> list[Diagnostic]:
    spec, diagnostics = parse(read(text), model, subject=BOT)
    assert spec is None
    return diagnostics


def said(text: str, model: type[BaseModel] = BotSpec) -> tuple[str, str, tuple[int, int], str]:
    (found,) = mistakes(text, model)
    assert found.span is not None
    return found.code, found.message, (found.span.line, found.span.column), found.help


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "name: a\nsystm_prompt: b\n",
            ("BT101", "the bot has no field `systm_prompt`", (2, 1), "did you mean `system_prompt`?"),
        ),
        (
            "name: a\nllm: {provider: x, maxTokens: 5}\n",
            ("BT101", "`llm` has no field `maxTokens`", (2, 20), "did you mean `max_tokens`?"),
        ),
        (
            "name: a\nconversation: {zzz: 5}\n",
            (
                "BT101",
                "`conversation` has no field `zzz`",
                (2, 16),
                "its fields are `max_messages` and `ttl`",
            ),
        ),
        (
            "description: x\n",
            (
                "BT102",
                "the bot has no `name`",
                (1, 1),
                "add `name`: The bot's name: what `botctl run` is given",
            ),
        ),
        (
            "name: a\nllm:\n  model: x\n",
            (
                "BT102",
                "`llm` has no `provider`",
                (2, 1),
                "add `provider`: anthropic, openai, google, groq, cloudflare, custom or scripted",
            ),
        ),
        (
            "name: a\nconversation: {max_messages: lots}\n",
            ("BT103", "`max_messages` should be a whole number, not text", (2, 30), "write a whole number"),
        ),
        ("name: true\n", ("BT103", "`name` should be text, not true", (1, 7), "put it in quotes")),
        ("name: 5\n", ("BT103", "`name` should be text, not a number", (1, 7), "put it in quotes")),
        (
            "name: a\ndelegate: other\n",
            (
                "BT103",
                "`delegate` should be a list, not text",
                (2, 11),
                "write it as a list: `[...]`, or lines that begin with `-`",
            ),
        ),
        (
            "name: a\ndelegate: [b, 7]\n",
            ("BT103", "entry 2 of `delegate` should be text, not a number", (2, 15), "put it in quotes"),
        ),
        (
            "name: a\nplatforms:\n",
            ("BT103", "`platforms` is empty", (2, 1), "write a value, or take the field out"),
        ),
        (
            "name: a\ntimeout: soon\n",
            (
                "BT103",
                "`timeout` should be a duration such as 30s, 15m, 24h or 1h30m",
                (2, 10),
                "write a duration such as 30s, 15m, 24h or 1h30m",
            ),
        ),
        (
            "name: a\nbilling: {mode: wallett}\n",
            ("BT104", "`mode` cannot be `wallett`", (2, 17), "did you mean `wallet`?"),
        ),
        (
            "name: a\nbilling: {mode: free}\n",
            ("BT104", "`mode` cannot be `free`", (2, 17), "use `byok` or `wallet`"),
        ),
        (
            "name: a\nmax_loop_iterations: 51\n",
            (
                "BT105",
                "`max_loop_iterations` should be at most 50, not 51",
                (2, 22),
                "write a value at most 50",
            ),
        ),
        (
            "name: my bot\n",
            (
                "BT105",
                "`name` should be letters, digits, `_`, `.` and `-`, with a letter or digit first",
                (1, 7),
                "take the others out",
            ),
        ),
        ("", ("BT102", "the bot is empty", (1, 1), "write its fields")),
        ("- a\n", ("BT103", "the bot should be a mapping, not a list", (1, 1), "write `field: value` lines")),
    ],
)
def test_a_mistake_is_said_with_fact_place_and_way_out(
    text: str, expected: tuple[str, str, tuple[int, int], str]
) -> None:
    assert said(text) == expected


def test_a_misspelt_field_is_not_told_a_second_time_as_missing() -> None:
    assert said("nmae: a\n")[:2] == ("BT101", "the bot has no field `nmae`")


def test_fields_that_exclude_each_other_are_told_where_they_stand() -> None:
    text = "name: a\nservers:\n  orders: {command: python, url: 'http://x'}\n"

    assert said(text, WorkspaceSpec)[:3] == ("BT106", "a server has either `command` or `url`", (3, 3))


def test_several_mistakes_are_all_told() -> None:
    found = mistakes("nme: a\nmax_loop_iterations: no\nllm: {provider: 1}\n")

    assert sorted(diagnostic.code for diagnostic in found) == ["BT101", "BT103", "BT103"]


def test_the_environment_fills_numbers_but_never_text() -> None:
    document = read('server: {port: "${PORT}", public_url: "${URL}"}\n')

    spec, diagnostics = parse(
        document, ProjectSpec, subject=BOT, environment=Environment({"PORT": "81", "URL": "http://x"})
    )

    assert diagnostics == []
    assert spec is not None
    assert (spec.server.port, spec.server.public_url) == (81, "${URL}")


def test_a_number_from_a_variable_that_is_not_set_says_so() -> None:
    assert said('server: {port: "${PORT}"}\n', ProjectSpec)[3].startswith("set the environment variable")


@pytest.mark.parametrize("model", [BotSpec, WorkspaceSpec, ProjectSpec])
def test_no_message_uses_the_words_that_blame(model: type[BaseModel]) -> None:
    texts = [f"{name}: {value}\n" for name in model.model_fields for value in ("", "5", "a", "[1]", "{a: 1}")]
    said = [
        f"{found.message} {found.label} {found.help}"
        for text in texts
        for found in parse(read(text), model, subject=BOT)[1]
    ]

    assert said
    assert [
        line for line in said if re.search(r"\b(invalid|illegal|bad|please|failed to)\b", line, re.I)
    ] == []


def test_an_entry_that_stands_alone_for_a_list_of_one_tells_its_fields() -> None:
    text = "tools: {a__b: {rsult: 1}}\nstories: [{name: a, steps: [{say: hi, called: {tool: x, zz: 1}}]}]"

    helps = [found.help for found in mistakes(text, StoryFile)]

    assert helps == ["did you mean `result`?", "its fields are `tool` and `arguments`"]


def test_what_is_no_pattern_is_told_where_it_stands() -> None:
    text = "stories: [{name: a, steps: [{say: hi, expect: {matches: '('}}]}]"

    (found,) = mistakes(text, StoryFile)

    assert (found.code, found.message) == ("BT103", "`matches` should be a pattern: missing ): (")

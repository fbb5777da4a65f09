"""Telegram's markup: what models write is shown as they meant it, or stands as they wrote it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botctl.platforms.telegram_markup import html_of
from tests.fakes.telegram_rules import plain_of

SHOWN = [
    ("**bold**", "<b>bold</b>"),
    ("*slanted* and _slanted_", "<i>slanted</i> and <i>slanted</i>"),
    ("~~gone~~", "<s>gone</s>"),
    ("`a*b*c`", "<code>a*b*c</code>"),
    ("``a < b``", "<code>a &lt; b</code>"),
    ("```python\nif a < b:\n    **x**\n```", None),
    ("see\n```\na\n```\nand **this**", "see\n<pre><code>a</code></pre>\nand <b>this</b>"),
    ("# Title\ntext", "<b>Title</b>\ntext"),
    ("[here](https://example.com/?a=1&b=2)", '<a href="https://example.com/?a=1&amp;b=2">here</a>'),
    ("**bold *both* bold**", "<b>bold <i>both</i> bold</b>"),
    ("**`code`**", "<b><code>code</code></b>"),
    ("[`code`](https://example.com)", '<a href="https://example.com"><code>code</code></a>'),
    ("**a** <script>", "<b>a</b> &lt;script&gt;"),
]


@pytest.mark.parametrize(("text", "html"), SHOWN)
def test_what_is_surely_meant_is_marked(text: str, html: str | None) -> None:
    fence = '<pre><code class="language-python">if a &lt; b:\n    **x**</code></pre>'

    assert html_of(text) == (html or fence)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "2 * 3 * 4",
        "snake_case_name and __init__",
        "a ** b",
        "5 < 6 & 7 > 6",
        "- one\n- two",
        "[x](javascript:alert(1))",
        "[x](tg://user?id=1)",
        "**not closed",
        "* one\n* two",
        "#hashtag",
        "\ue0000\ue001 **a**",
        "[a **b](https://example.com) c**",
        "```\n```",
        "` `",
    ],
)
def test_what_may_not_be_meant_stays_plain(text: str) -> None:
    assert html_of(text) == ""


MARKS = [
    "**",
    "*",
    "_",
    "`",
    "```",
    "\n",
    "[",
    "](https://a.b)",
    "~~",
    "<b>",
    "&",
    '"',
    "# ",
    " ",
    "a",
    "bc",
    "<",
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(MARKS), max_size=25).map("".join) | st.text(max_size=30))
def test_telegram_takes_whatever_comes_of_a_text_and_no_word_of_it_is_lost(text: str) -> None:
    html = html_of(text)

    shown = plain_of(html, "HTML") if html else text
    assert _words(shown) == _words(text) or any(mark in text for mark in ("](", "```", "~~~"))


def _words(text: str) -> str:
    return "".join(one for one in text if one.isalnum())


@pytest.mark.parametrize(
    "mark", ["`", "*", "_", "~~", "**a", "[a](", "```\n", "` ", "[", "# a", "*a ", "~~~\na\n"]
)
def test_a_text_of_nothing_but_marks_holds_nobody_up(mark: str) -> None:
    text = (mark * 4096)[:4096]

    started = time.perf_counter()
    html_of(text)

    assert time.perf_counter() - started < 0.5

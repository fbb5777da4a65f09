"""Telegram's markup: the Markdown that models write, as the HTML that Telegram takes.

Only what is surely meant is marked; everything else stands as it was written. HTML because it is escaped with
three characters: MarkdownV2 is refused whole for one dot that was not (Bot API 10.1, formatting options).
"""

from __future__ import annotations

import re
from html import escape

_FENCE = re.compile(
    r"^(```+|~~~+)[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:(?:(?<=\n)|\n)\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_CODE = re.compile(r"(`+)([^`\n]+)\1")
_LINK = re.compile(r"\[([^\[\]\n]+)\]\((https?://[^\s()<>]+)\)")
_HEADING = re.compile(r"^#{1,6}[ \t]+([^\n*]+?)[ \t]*#*$", re.MULTILINE)
_MARKS = (
    (re.compile(r"\*\*(?=\S)([^\n]+?)(?<=\S)\*\*"), r"<b>\1</b>"),
    (re.compile(r"~~(?=\S)([^\n<]+?)(?<=\S)~~"), r"<s>\1</s>"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^\n*<]+?)(?<=\S)\*(?![\w*])"), r"<i>\1</i>"),
    (re.compile(r"(?<!\w)_(?=[^\s_])([^\n_<]+?)(?<=\S)_(?!\w)"), r"<i>\1</i>"),
)
_TAG = re.compile(r"<(/?)([a-z]+)[^>]*>")
_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACE = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")


def html_of(text: str) -> str:
    """`text` as HTML; "" if nothing in it is marked, or marks cross each other, and it can stay plain."""
    if _OPEN in text or _CLOSE in text:
        return ""
    kept: list[str] = []

    def keep(html: str) -> str:
        kept.append(html)
        return f"{_OPEN}{len(kept) - 1}{_CLOSE}"

    def fence(found: re.Match[str]) -> str:
        language = f' class="language-{escape(found[2])}"' if found[2] else ""
        return keep(f"<pre><code{language}>{escape(found[3], quote=False)}</code></pre>")

    def code(found: re.Match[str]) -> str:
        return keep(f"<code>{escape(found[2], quote=False)}</code>")

    def link(found: re.Match[str]) -> str:
        return keep(f'<a href="{escape(found[2])}">') + found[1] + keep("</a>")

    marked = _LINK.sub(link, _CODE.sub(code, _FENCE.sub(fence, text)))
    marked = escape(_HEADING.sub(r"**\1**", marked), quote=False)
    plain = marked
    for pattern, replacement in _MARKS:
        marked = pattern.sub(replacement, marked)
    if marked == plain and not kept:
        return ""
    while _PLACE.search(marked):  # code stands in the label of a link
        marked = _PLACE.sub(lambda found: kept[int(found[1])], marked)
    is_seen = _TAG.sub("", marked).strip()  # an empty text is refused, also inside of tags
    return marked if is_seen and _is_nested(marked) else ""


def _is_nested(html: str) -> bool:
    """Whether every tag is closed before the one around it; Telegram refuses the text otherwise."""
    open_tags: list[str] = []
    for tag in _TAG.finditer(html):
        if not tag[1]:
            open_tags.append(tag[2])
        elif not open_tags or open_tags.pop() != tag[2]:
            return False
    return not open_tags

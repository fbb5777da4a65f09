"""Rendering: templates filled for a reviewer, with secrets masked and all text escaped."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from botctl.clock import to_datetime, to_iso
from botctl.drawing.svg import STYLE
from botctl.duration import format_duration
from botctl.llm.pricing import format_money

if TYPE_CHECKING:
    from jinja2 import Environment

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    # Not `no-referrer`: with that, browsers send `Origin: null` with our own forms (Fetch standard, 2026).
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""What every page says about itself."""
STATIC = {"style.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}
"""What pages want beside themselves, with its media type."""

_STEERING = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_LONGEST = 5_000
_SENTENCE = re.compile(r".{15,}?[.!?](?=\s)")
_CONTROLS = (*range(0x20), 0x7F)
_VISIBLE: Mapping[int, str] = {
    **{code: f"\u27e8U+{code:04X}\u27e9" for code in _STEERING},
    **{code: "\ufffd" for code in _CONTROLS if chr(code) not in "\t\n\r"},
}
"""What is not printed as it is: characters that turn the writing of what follows around, so that a text is
read as another one, and those that steer a terminal."""


class Rendering:
    """The templates of the dashboard. mask takes secrets out of everything that is put into one."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask

    def page(self, template: str, values: Mapping[str, Any]) -> str:
        """A template of botctl/web/templates, filled."""
        return self._environment.get_template(template).render(values)

    @cached_property
    def static(self) -> Mapping[str, bytes]:
        """The files beside the pages, by name."""
        folder = files("botctl.web").joinpath("static")
        found = {name: folder.joinpath(name).read_bytes() for name in STATIC}
        found["style.css"] += STYLE.encode()
        return found

    @cached_property
    def _environment(self) -> Environment:
        from jinja2 import Environment, FunctionLoader, StrictUndefined

        folder = files("botctl.web").joinpath("templates")
        environment = Environment(
            loader=FunctionLoader(lambda name: folder.joinpath(name).read_text("utf-8")),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            finalize=self._finalized,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "moment": _moment,
            "iso": to_iso,
            "span": _span,
            "money": format_money,
            "pretty": _pretty,
            "compact": _compact,
            "short": self._short,
            "headline": self._headline,
        }
        environment.globals["version_of"] = self._version_of
        return environment

    def _finalized(self, value: Any) -> Any:
        from markupsafe import Markup

        if isinstance(value, Markup) or not isinstance(value, str):
            return value
        return self._mask(value).translate(_VISIBLE)

    # Masked before they are cut: of a secret that is cut, the beginning would be shown.
    def _short(self, text: str, length: int = 120) -> str:
        flat = " ".join(self._mask(text).split())
        return flat if len(flat) <= length else flat[: length - 1] + "…"

    def _headline(self, text: str, length: int = 80) -> str:
        """A short text as it is; of another the first sentence, up to the last word that fits, and … for what
        was left out."""
        flat = " ".join(self._mask(text).split())
        if len(flat) < length:
            return flat
        sentence = _SENTENCE.match(flat, 0, length)
        cut = (
            sentence[0].rstrip(".")
            if sentence
            else flat[: length - 1].rpartition(" ")[0] or flat[: length - 1]
        )
        return cut + "…"

    def _version_of(self, name: str) -> str:
        return hashlib.sha256(self.static[name]).hexdigest()[:12]


def _moment(ms: int) -> str:
    return to_datetime(ms).strftime("%Y-%m-%d %H:%M")


def _span(ms: float | None) -> str:
    return "" if ms is None else format_duration(ms / 1000 if ms < 10_000 else round(ms / 1000))


def _pretty(value: Any) -> str:
    """JSON for people; texts as they are, as long as they are seen. What is very long is cut."""
    is_plain = isinstance(value, str) and value.strip()
    text: str = value if is_plain else json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters in all)"


def _compact(value: Any) -> str:
    """JSON in one line; texts as they are."""
    return value if isinstance(value, str) and value.strip() else json.dumps(value, ensure_ascii=False)

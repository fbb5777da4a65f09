"""Discord's answers: a message of ours as the messages that Discord takes, none of which pings anybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from botctl.messages import Attachment, Button, OutgoingMessage
from botctl.platforms.split import split_text

LONGEST_TEXT = 2000
"""Characters (code points) of a message's content."""
MOST_BUTTONS = 25
MOST_FILES = 10

_IN_A_ROW = 5
_LONGEST_LABEL = 80
_LONGEST_VALUE = 100
_ROW, _BUTTON, _PRIMARY = 1, 2, 1


class Part(Struct, frozen=True):
    """One message as Discord takes it. body: of the request, without what depends on the way it goes."""

    body: dict[str, Any]
    files: tuple[Attachment, ...] = ()


def parts_of(message: OutgoingMessage) -> list[Part]:
    """A message in order, in parts that each fit; buttons stand below the last text, files come with it.

    Buttons that do not fit (more than 25, a value of over 100 characters, two of the same) become numbered
    text. A file that is only an address stands as such below the text.
    """
    text = "\n".join([message.text, *(one.url for one in message.attachments if not one.path and one.url)])
    has_buttons = bool(message.buttons) and bool(text.strip()) and _fit(message.buttons)
    if message.buttons and not has_buttons:
        text = numbered(text, message.buttons)
    files = [one for one in message.attachments if one.path]
    bodies = [_body(piece) for piece in split_text(text, LONGEST_TEXT)]
    if not bodies and files:
        bodies = [_body("")]
    if has_buttons:
        bodies[-1]["components"] = _rows(message.buttons)
    parts = [Part(body) for body in bodies[:-1]]
    if bodies:
        parts.append(Part(bodies[-1], tuple(files[:MOST_FILES])))
    for start in range(MOST_FILES, len(files), MOST_FILES):
        parts.append(Part(_body(""), tuple(files[start : start + MOST_FILES])))
    return parts


def numbered(text: str, buttons: Sequence[Button]) -> str:
    """Buttons as text, for where there are none."""
    lines = [f"{number}. {button.label}" for number, button in enumerate(buttons, 1)]
    return "\n".join([text, *lines] if text.strip() else lines)


def _fit(buttons: Sequence[Button]) -> bool:
    values = {button.value for button in buttons}
    return (
        len(values) == len(buttons) <= MOST_BUTTONS
        and all(0 < len(value) <= _LONGEST_VALUE for value in values)
        and all(0 < len(button.label.strip()) <= _LONGEST_LABEL for button in buttons)
    )


def _body(text: str) -> dict[str, Any]:
    body: dict[str, Any] = {"allowed_mentions": {"parse": []}}
    if text:
        body["content"] = text
    return body


def _rows(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    made = [
        {"type": _BUTTON, "style": _PRIMARY, "label": button.label, "custom_id": button.value}
        for button in buttons
    ]
    return [
        {"type": _ROW, "components": made[start : start + _IN_A_ROW]}
        for start in range(0, len(made), _IN_A_ROW)
    ]

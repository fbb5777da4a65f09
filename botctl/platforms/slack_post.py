"""Posts: what becomes of an outgoing message in the terms of chat.postMessage.

Limits: docs.slack.dev/reference/methods/chat.postMessage and /reference/block-kit, read 2026-11: text 40,000
characters at most and 4,000 by recommendation, 3,000 in a block, 25 buttons with 75 of label and 2,000 of
value in a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from botctl.messages import Button, OutgoingMessage
from botctl.platforms.slack_text import escape, linked
from botctl.platforms.split import split_text

LONGEST_TEXT = 4000
LONGEST_BLOCK = 3000
MOST_BUTTONS = 25
LONGEST_LABEL = 75
LONGEST_VALUE = 2000


class Post(Struct, frozen=True):
    """One call of chat.postMessage. With blocks, the text is what a notification shows."""

    text: str
    blocks: tuple[dict[str, Any], ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """As chat.postMessage takes them, without the place. Plain text, and no previews of links: what a
        preview fetches could carry what a model was talked into telling."""
        shown = {"text": self.text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
        return {**shown, "blocks": list(self.blocks)} if self.blocks else shown


def posts_of(message: OutgoingMessage) -> list[Post]:
    """A message's text and buttons, in order; files are not in it. Empty if there is nothing to post."""
    lines = [message.text, *(one.url for one in message.attachments if one.url and not one.path)]
    text, buttons = "\n".join(line for line in lines if line), message.buttons
    if not buttons:
        return _plain(text)
    if len(buttons) > MOST_BUTTONS or any(len(one.value) > LONGEST_VALUE for one in buttons):
        return _plain(_numbered(text, buttons))
    pieces = split_text(text, LONGEST_BLOCK, lambda piece: len(linked(piece)))
    *before, last = pieces or [""]
    return [*(Post(escape(piece)) for piece in before), _with_buttons(last, buttons)]


def _plain(text: str) -> list[Post]:
    return [Post(escape(piece)) for piece in split_text(text, LONGEST_TEXT, lambda piece: len(escape(piece)))]


def _numbered(text: str, buttons: Sequence[Button]) -> str:
    """What does not fit into buttons is listed."""
    lines = [f"{number}. {button.label}" for number, button in enumerate(buttons, 1)]
    return "\n".join([*([text] if text else []), *lines])


def _with_buttons(text: str, buttons: Sequence[Button]) -> Post:
    # verbatim: Slack must not take an @name or #channel in a plain text for a mention.
    section = {"type": "section", "text": {"type": "mrkdwn", "text": linked(text), "verbatim": True}}
    actions = {"type": "actions", "elements": [_element(*one) for one in enumerate(buttons)]}
    shown = escape(text) or escape(" · ".join(button.label for button in buttons))
    return Post(shown, (section, actions) if text else (actions,))


def _element(number: int, button: Button) -> dict[str, Any]:
    label = button.label or button.value or "…"
    if len(label) > LONGEST_LABEL:
        label = label[: LONGEST_LABEL - 1] + "…"
    element = {
        "type": "button",
        "action_id": f"button{number}",
        "text": {"type": "plain_text", "text": label, "emoji": True},
    }
    return {**element, "value": button.value} if button.value else element

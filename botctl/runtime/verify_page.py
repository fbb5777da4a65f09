"""The page of a link: it asks, and only its button verifies; programs that look into mails press nothing."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from html import escape
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from botctl.clock import Clock
from botctl.identity.codes import token_hash
from botctl.nodes.auth_gate import AuthGateData
from botctl.project.graph import Graph
from botctl.store import challenges
from botctl.store.challenges import Unusable
from botctl.store.database import Database

_STYLE = """
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 15vh auto; padding: 0 1.5rem; }
button { font: inherit; padding: .6rem 1.4rem; }
:root { color-scheme: light dark; }
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
<p>{text}</p>
{form}
</body>
</html>
"""
_FORM = '<form method="post"><button type="submit">Yes, it is me</button></form>'
_UNUSABLE: dict[Unusable, tuple[HTTPStatus, str, str]] = {
    "unknown": (
        HTTPStatus.NOT_FOUND,
        "There is no such link",
        "Perhaps it was cut when it was copied. Open it from the message again, or ask for a new one in the"
        " chat.",
    ),
    "expired": (
        HTTPStatus.GONE,
        "This link is no longer good",
        "It was good for some minutes only. Say “resend” in the chat for a new one.",
    ),
    "used": (
        HTTPStatus.GONE,
        "This link was used already",
        "Each link can be used once. You can go back to the chat.",
    ),
    "left": (
        HTTPStatus.GONE,
        "This link is no longer good",
        "A newer one was sent, or the chat has gone on without it. You can go back to the chat.",
    ),
}


class VerifyPage:
    """GET (and HEAD) show the page and change nothing; POST confirms the link, once, and wakes its run."""

    def __init__(self, database: Database, clock: Clock, key: bytes, confirmed: Callable[[], None]) -> None:
        """key: the secret key. confirmed: called when a link was, with its event on disk."""
        self._database = database
        self._clock = clock
        self._key = key
        self._confirmed = confirmed

    def routes(self) -> tuple[Route, ...]:
        """For `HttpServer`."""
        return (
            Route("/verify/{token}", self._show, methods=["GET"]),
            Route("/verify/{token}", self._confirm, methods=["POST"]),
        )

    async def _show(self, request: Request) -> Response:
        hash, now_ms = self._hash(request), self._clock.now_ms()
        found = self._database.read(lambda connection: challenges.find_link(connection, hash, now_ms))
        if isinstance(found, str):
            return _unusable(found)
        text = (
            f"{found.bot} wants to know whether it is you who is chatting with it. If not, close this page."
        )
        return _page(HTTPStatus.OK, "Is it you?", text, _FORM)

    async def _confirm(self, request: Request) -> Response:
        hash, now_ms = self._hash(request), self._clock.now_ms()
        found = await self._database.write(
            lambda connection: challenges.confirm_link(connection, hash, now_ms)
        )
        if isinstance(found, str):
            return _unusable(found)
        self._confirmed()
        return _page(HTTPStatus.OK, "Thank you", f"You can go back to the chat with {found.bot}.")

    def _hash(self, request: Request) -> str:
        return token_hash(self._key, request.path_params["token"])


def asks_by_link(graph: Graph) -> bool:
    """Whether a workflow sends links, so that the server must be there for their page."""
    return any(
        isinstance(node.data, AuthGateData) and node.data.method == "link" for node in graph.nodes.values()
    )


def _unusable(why: Unusable) -> Response:
    return _page(*_UNUSABLE[why])


def _page(status: HTTPStatus, title: str, text: str, form: str = "") -> Response:
    style = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return HTMLResponse(
        _PAGE.format(title=escape(title), text=escape(text), style=_STYLE, form=form),
        status,
        headers={
            "content-security-policy": f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self';"
            " base-uri 'none'; frame-ancestors 'none'",
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "x-robots-tag": "noindex, nofollow",
        },
    )

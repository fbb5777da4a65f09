"""Access: the reviewers, known by their tokens, by a session's cookie, or by a link that works once.

All that is handed out is signed with keys made from the secret key: nothing is stored but what was used up.
The key of a reviewer's cookies is made from his token too, so that they end when his token is changed in
botctl.yaml. Whoever can read the secret key may do everything anyway, by the command line: `botctl dashboard`
makes links for him, whether botctl.yaml names him or not.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from botctl.clock import Clock
from botctl.errors import UserError
from botctl.secrets import Environment
from botctl.spec.project import DashboardSection, ReviewerSection, Right

RIGHTS: frozenset[str] = frozenset(get_args(Right))
SESSION_MS = 7 * 24 * 3_600_000
"""How long a session lasts."""
LINK_MS = 10 * 60_000
"""How long a link of `botctl dashboard` is good."""
SHORTEST_TOKEN = 16
"""Characters: fewer can be guessed."""

_Purpose = Literal["session", "link", "form"]


class Reviewer(Struct, frozen=True, kw_only=True):
    """Who may use the dashboard and the API. rights: some of see, decide, talk, manage; bots: those he is
    limited to, empty: all."""

    name: str
    rights: frozenset[str] = RIGHTS
    bots: tuple[str, ...] = ()


class Pass(Struct, frozen=True, kw_only=True):
    """What a cookie or a link says, once its signature is checked. mark: what is noted when it is used up."""

    reviewer: Reviewer
    mark: str
    expires_at: int


class _Known(Struct, frozen=True, kw_only=True):
    """A reviewer with the digest of his token; b"" if he has none now."""

    reviewer: Reviewer
    digest: bytes


class Access:
    """The reviewers of a project. notes: what to say about those who cannot log in with a token. mark: tells
    the cookies of one project from those of another on the same machine."""

    def __init__(self, spec: DashboardSection, environment: Environment, key: bytes, clock: Clock) -> None:
        """key: the secret key. UserError when a token is too short, or two reviewers could be mixed up."""
        self._key = key
        self._clock = clock
        self.notes: list[str] = []
        self.mark = hmac.digest(key, b"dashboard", "sha256").hex()[:8]
        self._known: dict[str, _Known] = {}
        for section in _sections(spec):
            self._add(section, environment)

    def by_token(self, token: str) -> Reviewer | None:
        """Whose token this is, in a time that tells nothing."""
        digest = self._digest(token)
        found = None
        for known in self._known.values():
            if known.digest and hmac.compare_digest(digest, known.digest):
                found = known.reviewer
        return found if token else None

    def by_name(self, name: str) -> Reviewer | None:
        """The reviewer of this name in botctl.yaml."""
        known = self._known.get(name.casefold())
        return known.reviewer if known else None

    def session_cookie(self, reviewer: Reviewer) -> str:
        """A new session of a reviewer, as the value of its cookie."""
        return self._signed("session", reviewer.name, self._clock.now_ms() + SESSION_MS)

    def by_cookie(self, value: str) -> Reviewer | None:
        """Whose session this is; None if it is none, or over. Whether somebody ended it the store knows."""
        session = self.session(value)
        return session.reviewer if session else None

    def session(self, value: str) -> Pass | None:
        """The same with what ends it."""
        return self._read("session", value)

    def csrf(self, cookie: str) -> str:
        """What each form of a session must send along."""
        return self._mac(b"form", "form", cookie)

    def csrf_fits(self, cookie: str, sent: str) -> bool:
        """Whether a form is one that this session was given."""
        return hmac.compare_digest(self.csrf(cookie).encode(), sent.encode("utf-8", "replace"))

    def link(self, name: str) -> str:
        """The secret part of a link that logs in once: as the reviewer of this name, or, if botctl.yaml names
        none, as the owner of the state under it."""
        known = self.by_name(name)
        return self._signed("link", known.name if known else name, self._clock.now_ms() + LINK_MS)

    def by_link(self, value: str) -> Pass | None:
        """Who a link logs in; None if it is none, or too old. Whether it was used the store knows."""
        return self._read("link", value)

    def _add(self, section: ReviewerSection, environment: Environment) -> None:
        name, missing = section.name, environment.missing(section.token)
        token = "" if missing else environment.resolve(section.token)
        if not token:
            why = f"environment variable `{missing[0]}` is not set" if missing else "his token is empty"
            self.notes.append(f"reviewer `{name}` cannot log in with a token: {why}")
        elif len(token) < SHORTEST_TOKEN:
            raise UserError(
                f"the token of reviewer `{name}` has {len(token)} characters, which can be guessed",
                help=f"give him one of {SHORTEST_TOKEN} characters or more, made at random",
            )
        if name.casefold() in self._known:
            raise UserError(
                f"two reviewers of the dashboard are named `{name}`", help="give each a name of his own"
            )
        digest = self._digest(token) if token else b""
        twin = next((one for one in self._known.values() if digest and one.digest == digest), None)
        if twin is not None:
            raise UserError(
                f"reviewers `{twin.reviewer.name}` and `{name}` have the same token",
                help="give each his own: decisions tell who made them",
            )
        # Whoever may do something must see what he does it to.
        rights = frozenset(section.rights) | {"see"}
        reviewer = Reviewer(name=name, rights=rights, bots=tuple(section.bots))
        self._known[name.casefold()] = _Known(reviewer=reviewer, digest=digest)

    def _signed(self, purpose: _Purpose, name: str, expires_at: int) -> str:
        claim = json.dumps([name, expires_at, secrets.token_urlsafe(18)]).encode()
        body = urlsafe_b64encode(claim).decode().rstrip("=")
        return f"{body}.{self._mac(self._seed(name), purpose, body)}"

    def _read(self, purpose: _Purpose, value: str) -> Pass | None:
        body, _, mac = value.partition(".")
        try:
            claim = urlsafe_b64decode(body + "=" * (-len(body) % 4))
            name, expires_at, nonce = msgspec.json.decode(claim, type=tuple[str, int, str])
        except (ValueError, msgspec.MsgspecError):
            return None
        expected = self._mac(self._seed(name), purpose, body)
        if not hmac.compare_digest(expected.encode(), mac.encode("utf-8", "replace")):
            return None
        if expires_at <= self._clock.now_ms():
            return None
        reviewer = self.by_name(name) or Reviewer(name=name)
        return Pass(reviewer=reviewer, mark=hashlib.sha256(nonce.encode()).hexdigest(), expires_at=expires_at)

    def _seed(self, name: str) -> bytes:
        """What a reviewer's signatures depend on beside the key. The owner of the state has no token."""
        known = self._known.get(name.casefold())
        return b"owner" if known is None else b"reviewer" + known.digest

    def _digest(self, token: str) -> bytes:
        return hmac.digest(self._key, b"token" + token.encode("utf-8", "surrogatepass"), "sha256")

    def _mac(self, seed: bytes, purpose: _Purpose, text: str) -> str:
        key = hmac.digest(self._key, b"dashboard " + purpose.encode() + b" " + seed, "sha256")
        return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _sections(spec: DashboardSection) -> Sequence[ReviewerSection]:
    short = [ReviewerSection(name=name, token=token) for name, token in spec.tokens.items()]
    return [*spec.reviewers, *short]

"""The wire: one provider's HTTP, what its failures mean, and what of its words may be repeated."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct
from pydantic import Field

from botctl.duration import Duration, format_duration
from botctl.errors import BotctlError, OutsideError, UserError
from botctl.identity.address import Target, public_targets
from botctl.identity.provider import Delivery, ProviderSettings

if TYPE_CHECKING:
    import httpx

_LONGEST_ANSWER = 100_000
_LONGEST_QUOTE = 200
_LONGEST_PAUSE = 3600.0
_SHORTEST_MASKED = 6
_JOINTS = r"[\W_]{0,3}"  # what may stand between the digits of a code or number that is repeated


class WireSettings(ProviderSettings):
    """What every provider takes that is reached by HTTP."""

    timeout: Duration = Field(default=15.0, gt=0, le=120)
    """How long the provider may take to answer."""


class Answer(Struct, frozen=True, kw_only=True):
    """What a provider answered. headers: by lower-case name; document: the JSON of the body, None if it has
    none."""

    status: int
    headers: Mapping[str, str]
    document: Any

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """Seconds it asks us to wait, an hour at most; a date or anything odd counts as nothing."""
        written = self.headers.get("retry-after", "").strip()
        return min(float(written), _LONGEST_PAUSE) if written.isascii() and written.isdecimal() else None

    def text(self, *names: str) -> str:
        """The first of these members of the document that is a text or a whole number, as text; else ""."""
        members = self.document if isinstance(self.document, dict) else {}
        for name in names:
            value = members.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                return str(value)
        return ""


class Wire:
    """One provider, reached by HTTP. Nothing is tried twice, and redirects are not followed.

    secrets: what must not be repeated from its answers; keys: the settings that it knows us by, as a person
    would name them; public_only: addresses inside the network are refused (see `public_targets`).
    """

    def __init__(
        self,
        provider: str,
        *,
        timeout: float,
        keys: str,
        secrets: Sequence[str] = (),
        public_only: bool = False,
    ) -> None:
        self._provider = provider
        self._timeout = timeout
        self._keys = keys
        self._secrets = [secret for secret in secrets if len(secret) >= _SHORTEST_MASKED]
        self._public_only = public_only
        self._client = _client(timeout)

    async def ask(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Answer:
        """Send one request and read the answer, whatever its status. OutsideError when there is none, with
        not_executed if the provider was surely not reached; UserError when the settings allow no request."""
        import asyncio

        import httpx

        place = f"{self._provider} at {_host(url)}"
        try:
            async with asyncio.timeout(self._timeout):
                targets = await public_targets(url) if self._public_only else [Target(url)]
                return await self._ask_first(method, targets, headers, content)
        except TimeoutError:
            raise OutsideError(
                f"{place} did not answer within {format_duration(self._timeout)}", retryable=True
            ) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            reason = str(error) or type(error).__name__
            raise OutsideError(
                f"{place} cannot be reached: {reason}", retryable=True, not_executed=True
            ) from None
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError):
            raise UserError(  # their own words hold the header's value
                f"{self._provider} cannot be asked: its settings do not make a request that HTTP allows",
                help=f"look for a bad address, or for spaces and line ends in {self._keys}",
            ) from None
        except httpx.HTTPError as error:
            raise OutsideError(
                f"{place} broke off before it had answered ({type(error).__name__})", retryable=True
            ) from None

    async def _ask_first(
        self, method: str, targets: Sequence[Target], headers: Mapping[str, str], content: bytes
    ) -> Answer:
        """Ask the first target that takes the call."""
        import httpx

        for target in targets[:-1]:
            try:
                return await self._exchange(method, target, headers, content)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._exchange(method, targets[-1], headers, content)

    async def _exchange(
        self, method: str, target: Target, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        async with self._client.stream(
            method,
            target.url,
            headers={**headers, **target.headers},
            content=content,
            extensions=dict(target.extensions),
        ) as response:
            parts, size = [], 0
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > _LONGEST_ANSWER:
                    break
        return Answer(
            status=response.status_code,
            headers=dict(response.headers.items()),
            document=_document(b"".join(parts)),
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    def failure(self, answer: Answer, said: str, delivery: Delivery) -> BotctlError:
        """What the status of an answer that is no success means. said: the provider's own words."""
        status = answer.status
        if status == 429:
            return OutsideError(
                self.tell("has too much to do", said, delivery),
                retryable=True,
                not_executed=True,
                retry_after=answer.retry_after,
            )
        if status >= 500 or status == 408:
            return OutsideError(
                self.tell(f"answered HTTP {status}", said, delivery),
                retryable=True,
                retry_after=answer.retry_after,
            )
        if status in (401, 403):
            return UserError(
                self.tell(f"refused {self._keys} (HTTP {status})", said, delivery),
                help=f"set {self._keys} to what {self._provider} gave you",
            )
        if 300 <= status < 400:
            return UserError(
                f"{self._provider} answered HTTP {status}, a redirect, which is not followed",
                help="write the address it leads to",
            )
        return OutsideError(self.tell(f"did not take the message (HTTP {status})", said, delivery))

    def tell(self, fact: str, said: str, delivery: Delivery) -> str:
        """A sentence about the provider that ends in its own words, without what must not be repeated."""
        quote = repeatable(said, delivery, self._secrets)
        return f"{self._provider} {fact}: {quote}" if quote else f"{self._provider} {fact}"

    def id_in(self, answer: Answer, delivery: Delivery, *names: str) -> str:
        """The id of what was sent, the first of these members; "" if there is none. A server that repeats the
        code there does not get it into our records."""
        return repeatable(answer.text(*names), delivery, self._secrets)

    def odd(self, answer: Answer) -> OutsideError:
        """A success without what a success has. Whether something was sent is not known."""
        return OutsideError(
            f"{self._provider} answered HTTP {answer.status} without the id of what was sent",
            help=f"see whether `base_url` leads to {self._provider}",
        )


def _client(timeout: float) -> httpx.AsyncClient:
    """A client. Connections are not kept: codes are rare, and on one that the other side has just hung up
    nobody can tell whether a code was sent. Half the time is for connecting, so that a server that was not
    reached is told from one that is slow."""
    import httpx

    return httpx.AsyncClient(
        timeout=httpx.Timeout(None, connect=timeout / 2),
        limits=httpx.Limits(max_keepalive_connections=0),
        follow_redirects=False,
        headers={"User-Agent": "botctl"},  # Resend answers 403 without one (2026-08)
    )


def repeatable(text: str, delivery: Delivery, secrets: Sequence[str] = ()) -> str:
    """What may be told of a provider's words: one short line without code, link, contact and secrets.

    All is masked before the line is cut, so that no half of a code is left at its end.
    """
    token = re.split(r"[/=]", delivery.link.rstrip("/"))[-1]
    hidden = [re.escape(one) for one in (delivery.link, token, *secrets) if len(one) >= _SHORTEST_MASKED]
    if delivery.contact_type == "phone":
        hidden.append(r"\+?" + _JOINTS.join(re.escape(digit) for digit in delivery.contact.lstrip("+")))
    else:
        hidden.append(re.escape(delivery.contact))
    if delivery.code:
        hidden.append(_JOINTS.join(re.escape(digit) for digit in delivery.code))
    for pattern in hidden:
        text = re.sub(pattern, "***", text, flags=re.IGNORECASE)
    line = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(line.split())[:_LONGEST_QUOTE]


def check_email_sender(provider: str, sender: str) -> None:
    """A UserError unless `sender` is an email address, with a name or without."""
    local, at, domain = parseaddr(sender)[1].rpartition("@")
    if not (local and at and domain):
        raise UserError(
            f"`identity.{provider}.sender` is not an email address: {sender[:80]}",
            help="write it as `codes@example.com` or `Support <codes@example.com>`",
        )


def endpoint(provider: str, base_url: str, path: str) -> str:
    """The address of a path; a UserError unless `base_url` is the address of a server."""
    try:
        parts = urlsplit(base_url)
        is_server = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_server = False
    if not is_server:
        raise UserError(
            f"`identity.{provider}.base_url` is not the address of a server",
            help="write it as `https://host`, or leave it out for the real service",
        )
    return base_url.rstrip("/") + path


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _host(url: str) -> str:
    """Where an address leads to: never the whole of it, its query may hold a key."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "?"
    except ValueError:
        return "?"

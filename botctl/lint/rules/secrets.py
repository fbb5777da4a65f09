"""Rules about secrets: those that stand in files, and those that travel where all may read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from botctl.lint.addresses import is_open_and_public, leads_to_this_machine
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path

_SHAPES: tuple[tuple[str, str], ...] = (
    ("a token of Telegram", r"(?<![\w:])\d{8,10}:[A-Za-z0-9_-]{35}(?![\w-])"),
    ("a token of Slack", r"\bxox[abeoprs]-[A-Za-z0-9-]{16,}|\bxapp-\d-[A-Za-z0-9-]{16,}"),
    ("a token of Discord", r"(?<![\w.-])[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,40}(?![\w.-])"),
    ("a key of AWS", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a key of Google", r"\bAIza[0-9A-Za-z_-]{35}(?![\w-])"),
    ("a key of a model provider", r"\b(?:sk-(?:ant-|proj-)?[A-Za-z0-9_-]{24,}|gsk_\w{40,})"),
    ("a key of Stripe", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("a key of Resend", r"\bre_[A-Za-z0-9]{6,12}_[A-Za-z0-9]{20,}"),
    ("a token of GitHub", r"\bgh[opsur]_[A-Za-z0-9]{36,}|\bgithub_pat_[A-Za-z0-9_]{36,}"),
    ("a signing secret", r"\bwhsec_[A-Za-z0-9+/]{24,}={0,2}"),
    ("a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    ("a signed token", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}"),
    ("a password in an address", r"(?<=://)[^\s/:@${}]+:[^\s/@${}]{3,}@(?=[\w\[])"),
)
_HINT = re.compile(
    r"xox[a-z]-|xapp-|AKIA|ASIA|AIza|[sr]k[-_]|gh[a-z]_|github_pat_|re_|whsec_|PRIVATE KEY|eyJ|://[^/]*@|\d{8}:"
    r"|[MNO][\w-]{22,27}\.[\w-]{6}\."
)
"""What any of the shapes has in it, so that files without all of this need no closer look."""
_EXAMPLE = re.compile(r"example|xxxx|\.\.\.|your[_-]|placeholder|changeme", re.IGNORECASE)
_NO_SECRET = re.compile(
    r"(?:no(?:ne|t[_-]?needed)?|unused|dummy|test|fake|x+|-+|ollama|changeme)?", re.IGNORECASE
)
_SHORTEST = 6
_SECRET_FIELD = re.compile(r"(?:^|_)(?:token|secret|password|api_key|auth_key|access_key)$")
_SECRET_HEADER = re.compile(
    r"^(?:proxy-)?authorization$|^cookie$|(?:^|-)(?:token|secret|password|api-?key|auth-key)$", re.IGNORECASE
)
_SECRET_VARIABLE = re.compile(
    r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY)$", re.IGNORECASE
)


class Written(Protocol):
    """A file: all that is written in it."""

    @property
    def value(self) -> Any:
        """Mappings, lists, texts and so on."""


def check_shapes(site: Written) -> Iterator[Finding]:
    """A secret stands in a file.

    A text has the shape of a token, a key or a password. Files are committed, copied and shown; whoever reads
    this one can act in your name. Secrets stand in the environment or in .env. If the file was ever shared,
    have the provider make a new one.

    Bad:

    ```yaml
    name: demo
    workflow: workflow.yaml
    platforms: {telegram: {token: "1234567890:AAF0123456789abcdefghijklmnopqrstuv"}}
    ```

    Good:

    ```yaml
    name: demo
    workflow: workflow.yaml
    platforms: {telegram: {token: "${TELEGRAM_BOT_TOKEN}"}}
    ```
    """
    for path, text in _texts(site.value, ()):
        for what, shape in _SHAPES if _HINT.search(text) else ():
            match = re.search(shape, text)
            if match is not None and not _EXAMPLE.search(match[0]):
                yield Finding(
                    f"{what} stands in this file",
                    at=path,
                    within=(match.start(), match.end() - match.start()),
                    label="readable for all who read the file",
                    help="put it into the environment or .env, and write `${NAME}` here",
                )
                break


def check_fields(site: Written) -> Iterator[Finding]:
    """A field for a secret holds its value.

    Fields such as `token`, `secret`, `api_key` and `password`, headers such as Authorization, and environment
    variables of servers with such names hold secrets, which belong into the environment or .env. Nothing is
    told where `base_url` leads to this machine.

    Bad:

    ```yaml
    name: demo
    workflow: workflow.yaml
    platforms: {custom: {secret: correct-horse-battery}}
    ```

    Good:

    ```yaml
    name: demo
    workflow: workflow.yaml
    platforms: {custom: {secret: "${DEMO_WEBHOOK_SECRET}"}}
    ```
    """
    for path, value in _secret_places(site.value):
        has_shape = any(re.search(shape, value) for _, shape in _SHAPES)
        is_none = len(value) < _SHORTEST or _NO_SECRET.fullmatch(value.strip()) or _EXAMPLE.search(value)
        if "${" in value or has_shape or is_none:
            continue
        yield Finding(
            f"the secret `{path[-1]}` stands in this file",
            at=path,
            label="readable for all who read the file",
            help=f"put it into the environment or .env, and write `{_reference(path)}` here",
        )


def check_open_way(site: Written) -> Iterator[Finding]:
    """A secret travels unencrypted.

    The address begins with http://, and with each request goes a secret that everybody on the way can read.

    Bad:

    ```yaml
    name: demo
    servers:
      orders: {url: "http://mcp.example.com", headers: {Authorization: "Bearer ${ORDERS_TOKEN}"}}
    ```

    Good:

    ```yaml
    name: demo
    servers:
      orders: {url: "https://mcp.example.com", headers: {Authorization: "Bearer ${ORDERS_TOKEN}"}}
    ```
    """
    for path, section in _sections(site.value):
        for field in ("url", "base_url"):
            url = section.get(field)
            if not isinstance(url, str) or not is_open_and_public(url):
                continue
            headers = section.get("headers")
            names = (
                [name for name in headers if _SECRET_HEADER.search(name)] if isinstance(headers, dict) else []
            )
            names += [name for name in section if _SECRET_FIELD.search(name) and section[name]]
            if names:
                yield Finding(
                    f"the secret `{names[0]}` travels unencrypted",
                    at=(*path, field),
                    label="http, not https",
                    help="write the address with https://",
                )


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        if len(value) >= 12:
            yield path, value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _texts(entry, (*path, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _texts(entry, (*path, index))


def _sections(value: Any) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The mappings that may hold secrets: of platforms, identity providers, models, servers, functions."""
    if not isinstance(value, dict):
        return
    for group in ("platforms", "identity", "servers", "functions"):
        members = value.get(group)
        for name, section in members.items() if isinstance(members, dict) else ():
            if isinstance(section, dict):
                yield (group, name), section
    for name in ("llm", "smtp"):
        if isinstance(value.get(name), dict):
            yield (name,), value[name]
    fallback = value["llm"].get("fallback") if isinstance(value.get("llm"), dict) else None
    for index, section in enumerate(fallback if isinstance(fallback, list) else ()):
        if isinstance(section, dict):
            yield ("llm", "fallback", index), section


def _secret_places(value: Any) -> Iterator[tuple[Path, str]]:
    for path, section in _sections(value):
        address = section.get("base_url") or section.get("url")
        if isinstance(address, str) and leads_to_this_machine(address):
            continue
        for name, entry in section.items():
            if isinstance(entry, str) and _SECRET_FIELD.search(name):
                yield (*path, name), entry
        for group, pattern in (("headers", _SECRET_HEADER), ("env", _SECRET_VARIABLE)):
            entries = section.get(group)
            for name, entry in entries.items() if isinstance(entries, dict) else ():
                if isinstance(entry, str) and pattern.search(name):
                    yield (*path, group, name), entry
    dashboard = value.get("dashboard") if isinstance(value, dict) else None
    tokens = dashboard.get("tokens") if isinstance(dashboard, dict) else None
    for name, entry in tokens.items() if isinstance(tokens, dict) else ():
        if isinstance(entry, str):
            yield ("dashboard", "tokens", name), entry
    reviewers = dashboard.get("reviewers") if isinstance(dashboard, dict) else None
    for number, one in enumerate(reviewers if isinstance(reviewers, list) else ()):
        if isinstance(one, dict) and isinstance(one.get("token"), str):
            yield ("dashboard", "reviewers", number, "token"), one["token"]


def _reference(path: Path) -> str:
    """A name of a variable that says whose secret it is."""
    if "env" in path:
        return f"${{{path[-1]}}}"
    words = [str(part) for part in path if isinstance(part, str)][-3:]
    words = [word for word in words if word not in ("platforms", "identity", "servers", "headers")]
    return f"${{{re.sub(r'[^A-Z0-9]+', '_', '_'.join(words).upper()).strip('_')}}}"


SHAPE: Rule[Any] = Rule(code="SC101", severity="warning", check=check_shapes, doc=check_shapes.__doc__)
FIELD: Rule[Any] = Rule(code="SC102", severity="warning", check=check_fields, doc=check_fields.__doc__)
OPEN_WAY: Rule[Any] = Rule(code="SC103", severity="warning", check=check_open_way, doc=check_open_way.__doc__)

"""References: what bot.yaml and workspace files name, looked up. Platforms, providers, files, `${NAME}`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from os.path import isfile
from pathlib import Path as FilePath
from typing import Any

from botctl.identity.providers import IDENTITY_PROVIDERS
from botctl.llm.providers import PROVIDERS
from botctl.platforms import PLATFORMS
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document
from botctl.source.rule import Finding
from botctl.source.span import Path
from botctl.spec.bot import BotSpec
from botctl.spec.fields import close_word, one_of
from botctl.spec.parse import Subject, parse
from botctl.spec.workspace import WorkspaceSpec

_IDENTITY = {provider.name: provider for provider in IDENTITY_PROVIDERS}
_PROVIDERS = {name: provider for provider in PROVIDERS for name in (provider.name, *provider.aliases)}
_PLATFORMS = {platform.name: platform for platform in PLATFORMS}
_LOOKS_LIKE_REFERENCE = re.compile(r"\$\{(?!\{)([^{}\n]*)(\}?)")
_REFERENCE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(:-.*)?\Z", re.DOTALL)
_PROSE = frozenset(
    {"system_prompt", "description", "welcome_message", "fallback_message", "pending_message", "cap_message"}
)


def check_bot(
    spec: BotSpec,
    document: Document,
    folder: FilePath,
    *,
    workspaces: Collection[str],
    bots: Collection[str],
    environment: Environment | None,
) -> Iterator[Diagnostic]:
    """What bot.yaml names and is not there. folder: where bot.yaml stands."""

    def error(code: str, finding: Finding) -> Diagnostic:
        return document.diagnose(code, "error", finding)

    yield from check_environment_names(document, "BT207")
    if spec.workspace and spec.workspace not in workspaces:
        yield error("BT201", _unknown("workspace", spec.workspace, ("workspace",), workspaces))
    yield from (error("BT204", finding) for finding in _models(spec))
    if spec.llm is not None and spec.llm.script and not isfile(folder / spec.llm.script):
        yield error("BT206", _no_file(spec.llm.script, ("llm", "script"), "it is relative to bot.yaml"))
    for name in spec.platforms:
        yield from _platform(name, spec, document, environment)
    for name in spec.identity:
        if name not in _IDENTITY:
            finding = _unknown("identity provider", name, ("identity", name), _IDENTITY, key=True)
            yield error("BT205", finding)
        else:
            yield from _identity(name, spec, document, environment)
    yield from (error("BT210", finding) for finding in _notices(spec))
    for index, name in enumerate(spec.delegate):
        if name not in bots:
            yield error("BT208", _unknown("bot", name, ("delegate", index), bots))


def check_workspace(
    spec: WorkspaceSpec, document: Document, project_folder: FilePath
) -> Iterator[Diagnostic]:
    """What a workspace file names and is not there."""
    yield from check_environment_names(document, "WS207")
    for index, skill in enumerate(spec.skills):
        if not isfile(project_folder / skill / "SKILL.md"):
            finding = _no_file(f"{skill}/SKILL.md", ("skills", index), "it is relative to the project")
            yield document.diagnose("WS202", "error", finding)


def check_environment_names(document: Document, code: str) -> Iterator[Diagnostic]:
    """What begins like `${NAME}` and is none. Texts for people and models may hold anything."""
    for path, text in _texts(document.value, ()):
        for match in _LOOKS_LIKE_REFERENCE.finditer(text):
            if match[2] and _REFERENCE.match(match[1]):
                continue
            if not match[2] and not _REFERENCE.match(match[1].strip() or "-"):
                continue
            length = match.end() - match.start()
            finding = Finding(
                f"`{match[0][:40]}` does not name an environment variable",
                at=path,
                within=(match.start(), length),
                label="left as it is" if match[2] else "this `${` is never closed",
                help="write `${NAME}` or `${NAME:-default}`",
            )
            yield document.diagnose(code, "error", finding)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        if "${" in value:
            yield path, value
    elif isinstance(value, dict):
        for key, entry in value.items():
            if key not in _PROSE:
                yield from _texts(entry, (*path, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _texts(entry, (*path, index))


def _models(spec: BotSpec) -> Iterator[Finding]:
    if spec.llm is None:
        return
    named: list[tuple[str, Path]] = [(spec.llm.provider, ("llm", "provider"))]
    named += [(m.provider, ("llm", "fallback", i, "provider")) for i, m in enumerate(spec.llm.fallback)]
    for name, at in named:
        if name not in _PROVIDERS:
            yield _unknown("provider", name, at, _PROVIDERS)
    provider = _PROVIDERS.get(spec.llm.provider)
    if provider is not None and provider.needs_base_url and not spec.llm.base_url:
        yield Finding(
            f"provider `{provider.name}` has no `base_url`",
            at=("llm", "provider"),
            label="it has no address of its own",
            help="add `base_url`: where its API is",
        )


def _platform(
    name: str, spec: BotSpec, document: Document, environment: Environment | None
) -> Iterator[Diagnostic]:
    record = _PLATFORMS.get(name)
    at: Path = ("platforms", name)
    if record is None:
        yield document.diagnose("BT203", "error", _unknown("platform", name, at, _PLATFORMS, key=True))
        return
    subject = Subject(family="BT", noun=f"platform `{name}`")
    section = spec.platforms[name] or {}
    yield from parse(document, record.settings, at, subject=subject, value=section, environment=environment)[
        1
    ]


def _identity(
    name: str, spec: BotSpec, document: Document, environment: Environment | None
) -> Iterator[Diagnostic]:
    """What is wrong with a provider's settings. Those of a provider that is not set up may be left out."""
    subject = Subject(family="BT", noun=f"identity provider `{name}`")
    section, settings = spec.identity[name] or {}, _IDENTITY[name].settings
    at: Path = ("identity", name)
    yield from parse(document, settings, at, subject=subject, value=section, environment=environment)[1]


def _notices(spec: BotSpec) -> Iterator[Finding]:
    """Somebody is to be told about handoffs where the bot cannot tell anybody anything."""
    known = ("email", *spec.platforms)
    misspelt = [name for name in spec.platforms if name not in _PLATFORMS]
    told: set[str] = set()
    for field, whom in (("notify", spec.handoff.notify), ("escalate", spec.handoff.escalate)):
        for index, one in enumerate(whom):
            for name in one:
                if name not in known and name not in told and not close_word(name, misspelt):
                    told.add(name)
                    yield _unknown("platform", name, ("handoff", field, index, name), known, key=True)


def _unknown(what: str, name: str, at: Path, known: Collection[str], *, key: bool = False) -> Finding:
    close = close_word(name, known)
    if close:
        help = f"did you mean `{close}`?"
    elif not known:
        help = f"there are no {what}s yet"
    else:
        help = f"use {one_of(sorted(known))}" if len(known) <= 20 else f"there are {len(known)} others"
    return Finding(f"there is no {what} `{name[:60]}`", at=at, key=key, label=f"no such {what}", help=help)


def _no_file(name: str, at: Path, note: str) -> Finding:
    return Finding(
        f"there is no file {name[:100]}",
        at=at,
        label="no such file",
        help=f"make it, or name another; {note}",
    )

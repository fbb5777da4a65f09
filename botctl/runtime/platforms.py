"""Which platforms of a bot are live, and which are off and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from msgspec import Struct

from botctl.errors import UserError
from botctl.platforms import PLATFORMS
from botctl.platforms.platform import Platform
from botctl.secrets import Environment, references
from botctl.spec.bot import BotSpec

Stdin = Literal["terminal", "pipe", "closed"]


class LivePlatform(Struct, frozen=True):
    """A platform that is to be switched on, its settings resolved."""

    record: Platform
    settings: Any


class PlatformChoice(Struct, frozen=True):
    """What of a bot's platforms is switched on, and for each other one the reason why not."""

    live: tuple[LivePlatform, ...]
    off: Mapping[str, str]


def choose_platforms(
    bot: BotSpec, environment: Environment, *, stdin: Stdin, wanted: Collection[str] = ()
) -> PlatformChoice:
    """Decide by what is declared, set and wanted.

    `wanted` platforms are switched on or it is a UserError; with any wanted, the others stay off. The console
    opens on a terminal, or on a pipe when it is alone.
    """
    declared = bot.platforms or {"console": {}}
    live: list[LivePlatform] = []
    off: dict[str, str] = {}
    for name in wanted:
        if name not in declared:
            raise UserError(
                f"bot `{bot.name}` has no platform `{name}`", help=f"it has {', '.join(declared)}"
            )
    for name, section in declared.items():
        record = platform_named(name)
        if wanted and name not in wanted:
            off[name] = "not among the platforms asked for"
            continue
        reason = _unset(record, section or {}, environment)
        if reason and name in wanted:
            raise UserError(f"platform `{name}` of bot `{bot.name}` is off: {reason}")
        if reason:
            off[name] = reason
        else:
            live.append(
                LivePlatform(record, record.settings.model_validate(resolved(section or {}, environment)))
            )
    reason = _console_stays_closed(live, stdin, wanted)
    if reason and any(platform.record.name == "console" for platform in live):
        live = [platform for platform in live if platform.record.name != "console"]
        off["console"] = reason
    return PlatformChoice(tuple(live), off)


def platform_named(name: str) -> Platform:
    """The platform of this name."""
    for platform in PLATFORMS:
        if platform.name == name:
            return platform
    raise UserError(f"there is no platform `{name}`", help="one of " + ", ".join(p.name for p in PLATFORMS))


def _unset(record: Platform, section: Mapping[str, Any], environment: Environment) -> str:
    """Why a platform is off: the first secret of it that is written but comes to nothing, or is missing."""
    for field in record.secrets:
        written = section.get(field)
        if written is None:
            if record.settings.model_fields[field].is_required():
                return f"`{field}` is not given"
            continue
        names = references(str(written))
        if environment.missing(str(written)) or not environment.resolve(str(written)):
            return f"{' and '.join(names)} is not set" if names else f"`{field}` is empty"
    return ""


def _console_stays_closed(live: list[LivePlatform], stdin: Stdin, wanted: Collection[str]) -> str:
    if stdin == "closed" and "console" not in wanted:
        return "there is no input"
    others = [platform.record.name for platform in live if platform.record.name != "console"]
    if stdin == "pipe" and others and "console" not in wanted:
        return f"the input is a pipe and {others[0]} is live; `--platform console` opens it"
    return ""


def resolved(section: Mapping[str, Any], environment: Environment) -> dict[str, Any]:
    """A section with every `${NAME}` in it, however deep, put in; a UserError for one that is not set."""
    return {name: _resolve(value, environment) for name, value in section.items()}


def _resolve(value: Any, environment: Environment) -> Any:
    if isinstance(value, str):
        return environment.resolve(value)
    if isinstance(value, list):
        return [_resolve(one, environment) for one in value]
    if isinstance(value, dict):
        return {name: _resolve(one, environment) for name, one in value.items()}
    return value

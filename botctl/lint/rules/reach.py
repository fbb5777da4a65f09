"""Rules about nodes that speak to somebody: by which platform, by which provider, and what it can show."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.action import ActionData
from botctl.nodes.auth_gate import AuthGateData, check_contact
from botctl.nodes.schedule_message import ScheduleMessageData
from botctl.nodes.send_message import SendMessageData
from botctl.nodes.site import Site
from botctl.project.graph import Node
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path
from botctl.spec.fields import close_word, one_of

_CONSOLE = "console"
_NO_LINKS = "msg91"


class _Buttons(Struct, frozen=True):
    """What a platform takes as buttons (PLATFORMS 1 to 4): how many, and the longest label and value. A label
    that is longer than None is no trouble. in_bytes: values are counted in bytes of UTF-8."""

    most: int
    label: int | None
    value: int
    in_bytes: bool = False


_BUTTONS = {
    "telegram": _Buttons(100, None, 64, in_bytes=True),
    "discord": _Buttons(25, 80, 100),
    "slack": _Buttons(25, None, 2000),
    "whatsapp": _Buttons(3, 20, 256),
}


def check_platforms(site: WorkflowSite) -> Iterator[Finding]:
    """Something is said on a platform that the bot does not have.

    The `target` of a schedule_message and the `notify` of a human_handoff name a platform that must stand
    among the `platforms` of bot.yaml.

    Bad:

    ```yaml
    - id: remind
      type: schedule_message
      data: {message: Stand up!, delay_minutes: 5, target: {channel_id: team, platform: slakc}}
    ```

    Good:

    ```yaml
    - id: remind
      type: schedule_message
      data: {message: Stand up!, delay_minutes: 5, target: {channel_id: team, platform: slack}}
    ```
    """
    platforms = site.around.platforms
    told = set(site.around.lacking)
    for node in site.graph.nodes.values() if platforms is not None else ():
        at: Path = (*node.path, "data")
        named: list[tuple[str, Path, bool]] = []
        if isinstance(node.data, ScheduleMessageData) and node.data.target is not None:
            named.append((node.data.target.platform, (*at, "target", "platform"), False))
        elif isinstance(node.data, ActionData):
            for index, one in enumerate(node.data.notify):
                named += [(name, (*at, "notify", index, name), True) for name in one if name != "email"]
        for name, place, is_key in named:
            if platforms is not None and name and "{{" not in name and name not in {*platforms, *told}:
                close = close_word(name, platforms)
                told |= set() if close else {name}
                yield Finding(
                    f"the platform `{name}` is not configured for this bot",
                    at=place,
                    key=is_key,
                    label="not among the bot's platforms",
                    help=f"did you mean `{close}`?"
                    if close
                    else f"it has {one_of(sorted(platforms), 'and')}",
                )


def check_provider(site: WorkflowSite) -> Iterator[Finding]:
    """Codes are sent by a provider that is not set up.

    `identity` in bot.yaml has no settings for it, so the gate fails for everybody who does not write in the
    terminal. `console` prints codes in the terminal and serves nobody else.

    Bad:

    ```yaml
    - id: verify
      type: auth_gate
      data: {provider: ses, contact_type: email}
    ```

    Good:

    ```yaml
    - id: verify
      type: auth_gate
      data: {provider: resend, contact_type: email}
    ```
    """
    identity, platforms = site.around.identity, site.around.platforms
    if identity is None or platforms is None or platforms <= {_CONSOLE}:
        return
    for node in site.graph.nodes.values():
        if not isinstance(node.data, AuthGateData) or node.data.provider in identity - {_CONSOLE}:
            continue
        if any(check_contact(_site_of(node))):
            continue  # whoever is to send codes cannot send these
        name = node.data.provider
        others = one_of(sorted(platforms - {_CONSOLE}), "and")
        is_console = name == _CONSOLE
        yield Finding(
            f"`{_CONSOLE}` sends no codes to users of {others}"
            if is_console
            else f"`{name}` is not set up to send codes for this bot",
            at=(*node.path, "data", "provider"),
            label="serves the terminal only" if is_console else "not among the bot's `identity`",
            help="use a provider that sends codes"
            if is_console
            else f"add `identity: {{{name}: ...}}` to bot.yaml",
        )


def check_contact_type(site: WorkflowSite) -> Iterator[Finding]:
    """What does not fit each other in an auth_gate, told where it deviates: at `contact_type` if the provider
    is one that is set up for this bot."""
    for node in site.graph.nodes.values():
        at: Path = (*node.path, "data")
        for found in check_contact(_site_of(node)) if isinstance(node.data, AuthGateData) else ():
            places = ((found.at, found.label), *found.others)
            if node.data.provider in (site.around.identity or ()):
                places = places[::-1]
            (place, label), *others = (((*at, *one), text) for one, text in places)
            yield replace(found, at=place, label=label, others=tuple(others))


def _site_of(node: Node) -> Site[AuthGateData]:
    return Site(node_id=node.id, data=node.data, raw=node.raw, wired=frozenset())


def check_link(site: WorkflowSite) -> Iterator[Finding]:
    """A link that cannot be sent, or leads nowhere.

    `method: link` sends a link to this server, whose address for the outside is `server: {public_url: ...}`
    in botctl.yaml. msg91 sends codes only.

    Bad:

    ```yaml
    - id: verify
      type: auth_gate
      data: {provider: resend, contact_type: email, method: link}
    ```

    Good:

    ```yaml
    - id: verify
      type: auth_gate
      data: {provider: resend, contact_type: email, method: code}
    ```
    """
    for node in site.graph.nodes.values():
        if not isinstance(node.data, AuthGateData) or node.data.method != "link":
            continue
        at: Path = (*node.path, "data", "method")
        if node.data.provider == _NO_LINKS:
            help = "use `method: code`, or another provider"
            yield Finding("`msg91` cannot send links", at=at, label="its messages hold a code", help=help)
        elif site.around.public_url == "":
            yield Finding(
                "the link would lead nowhere: the server has no public address",
                at=at,
                label="needs `server.public_url`",
                help="set `server: {public_url: https://...}` in botctl.yaml, or use `method: code`",
            )


def check_buttons(site: WorkflowSite) -> Iterator[Finding]:
    """Buttons that a platform cannot show.

    Platforms take so many buttons, with labels and values of such a length. Where one does not fit, all of
    them become a numbered list, and the user types the number. Labels: 80 characters on discord, 20 on
    whatsapp. Values: 64 bytes on telegram, 100 characters on discord, 256 on whatsapp, 2,000 on slack. That
    there are too many is told where it is so on every platform of the bot: 3 are the most on whatsapp, 25 on
    discord and slack, 100 on telegram.

    Bad:

    ```yaml
    - id: offer
      type: send_message
      data:
        message: Which one?
        buttons: [{label: The one that was mentioned first}, {label: The other one}]
    ```

    Good:

    ```yaml
    - id: offer
      type: send_message
      data: {message: Which one?, buttons: [{label: The first}, {label: The second}]}
    ```
    """
    for node in site.graph.nodes.values():
        if not isinstance(node.data, SendMessageData) or not node.data.buttons:
            continue
        platforms = [name for name in sorted(site.around.platforms or ()) if name in _BUTTONS]
        at: Path = (*node.path, "data", "buttons")
        finding = next((one for name in platforms if (one := _too_long(node.data, name, at))), None)
        finding = finding or _too_many(node.data, platforms, at)
        if finding is not None:
            yield finding


def _too_many(data: SendMessageData, platforms: list[str], at: Path) -> Finding | None:
    """Buttons that no platform of the bot shows as such."""
    most = max((_BUTTONS[name].most for name in platforms), default=len(data.buttons))
    if len(data.buttons) <= most:
        return None
    shown = f"{one_of(platforms, 'and')} {'show' if len(platforms) > 1 else 'shows'} {most} buttons at most"
    message = f"{shown}, and there are {len(data.buttons)}"
    return Finding(message, at=at, key=True, label="all of them become a numbered list", help="offer fewer")


def _too_long(data: SendMessageData, platform: str, at: Path) -> Finding | None:
    """A button whose label or value a platform does not take."""
    limits = _BUTTONS[platform]
    as_list = f"on {platform} all of them become a numbered list"
    for index, button in enumerate(data.buttons):
        value, is_own = button.value or button.label, bool(button.value)
        length = len(value.encode()) if limits.in_bytes else len(value)
        unit = "bytes" if limits.in_bytes else "characters"
        if length > limits.value and "{{" not in value:
            return Finding(
                f"the value of a button has {length} {unit}, and {platform} takes {limits.value}",
                at=(*at, index, "value" if is_own else "label"),
                label=as_list,
                help="make it shorter" if is_own else "give it a short `value`",
            )
        if limits.label is not None and len(button.label) > limits.label and "{{" not in button.label:
            return Finding(
                f"the label of a button has {len(button.label)} characters, {platform} takes {limits.label}",
                at=(*at, index, "label"),
                label=as_list,
                help="make it shorter",
            )
    return None


PLATFORM = Rule(code="PF304", severity="error", check=check_platforms, doc=check_platforms.__doc__)
BUTTONS = Rule(code="PF305", severity="warning", check=check_buttons, doc=check_buttons.__doc__)
CONTACT = Rule(code="WF403", severity="error", check=check_contact_type, doc=check_contact.__doc__)
PROVIDER = Rule(code="BT302", severity="warning", check=check_provider, doc=check_provider.__doc__)
LINK = Rule(code="BT303", severity="error", check=check_link, doc=check_link.__doc__)

"""Rules about who can reach a bot and its dashboard: what is not verified is not open to strangers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from botctl.lint.addresses import amiss_in_host, amiss_in_public_url, is_this_machine
from botctl.lint.bot_site import BotSite, ProjectSite
from botctl.platforms import PLATFORMS
from botctl.source.rule import Finding, Rule
from botctl.spec.fields import close_word, field_names, one_of

_PLATFORMS = {platform.name: platform for platform in PLATFORMS}
_NEEDED = {
    ("slack", "polling"): "app_token",
    ("slack", "webhook"): "signing_secret",
    ("discord", "webhook"): "public_key",
}
"""What a platform needs in a mode beside what it always needs."""


def check_custom(site: BotSite) -> Iterator[Finding]:
    """The custom channel stands open to strangers.

    Without a `secret` nobody can tell requests that are meant from others, so `botctl run` refuses to listen
    on anything but this machine, and `server: {host: ...}` of botctl.yaml says something else.

    Bad:

    ```yaml
    name: demo
    workflow: workflow.yaml
    platforms: {custom: {}}
    ```

    Good:

    ```yaml
    name: demo
    workflow: workflow.yaml
    platforms: {custom: {secret: "${DEMO_WEBHOOK_SECRET}"}}
    ```
    """
    host = site.project.server.host
    if "custom" not in site.spec.platforms or "${" in host or is_this_machine(host) or amiss_in_host(host):
        return
    if (site.spec.platforms["custom"] or {}).get("secret") is None:
        yield Finding(
            f"anybody who reaches `{host}` could talk to bot `{site.spec.name}` over `custom`",
            at=("platforms", "custom"),
            key=True,
            label="has no `secret`",
            help='write `secret: "${NAME}"`, or `server: {host: 127.0.0.1}` in botctl.yaml',
        )


def check_mode(site: BotSite) -> Iterator[Finding]:
    """A platform lacks what it needs.

    A secret that is left empty switches a platform off. Slack's socket mode (`polling`) needs an `app_token`;
    without a `signing_secret` its webhooks, and without a `public_key` those of Discord, cannot be verified.

    Bad:

    ```yaml
    name: demo
    workflow: workflow.yaml
    platforms: {slack: {mode: webhook, bot_token: "${SLACK_BOT_TOKEN}"}}
    ```

    Good:

    ```yaml
    name: demo
    workflow: workflow.yaml
    platforms:
      slack: {mode: webhook, bot_token: "${SLACK_BOT_TOKEN}", signing_secret: "${SLACK_SIGNING_SECRET}"}
    ```
    """
    for name, section in site.spec.platforms.items():
        record = _PLATFORMS.get(name)
        for field in record.secrets if record is not None else ():
            if (section or {}).get(field) == "":
                yield Finding(
                    f"the `{field}` of platform `{name}` is empty",
                    at=("platforms", name, field),
                    label="cannot be switched on",
                    help=f'write it as "${{{name.upper()}_{field.upper()}}}", or take the platform out',
                )
        mode = _mode(section)
        needed = _NEEDED.get((name, mode))
        if (
            needed is not None
            and needed not in (section or {})
            and not close_word(needed, _foreign(name, section))
        ):
            yield Finding(
                f"platform `{name}` has no `{needed}`, which `mode: {mode}` needs",
                at=("platforms", name, "mode"),
                label="cannot be switched on",
                help=f'add `{needed}: "${{{name.upper()}_{needed.upper()}}}"`',
            )


def check_discord(site: BotSite) -> Iterator[Finding]:
    """Discord by webhook brings no ordinary messages.

    Only the commands `/ask` and `/reset` and pressed buttons come by webhook. What people write to the bot
    comes by the gateway: `mode: polling`.

    Bad:

    ```yaml
    name: demo
    workflow: workflow.yaml
    platforms:
      discord: {mode: webhook, token: "${DISCORD_BOT_TOKEN}", public_key: "${DISCORD_PUBLIC_KEY}"}
    ```

    Good:

    ```yaml
    name: demo
    workflow: workflow.yaml
    platforms: {discord: {mode: polling, token: "${DISCORD_BOT_TOKEN}"}}
    ```
    """
    section = site.spec.platforms.get("discord") or {}
    if _mode(section) == "webhook" and section.get("public_key"):
        yield Finding(
            "discord brings no ordinary messages by webhook",
            at=("platforms", "discord", "mode"),
            label="commands and buttons only",
            help="use `mode: polling`",
        )


def check_mail(site: BotSite) -> Iterator[Finding]:
    """Somebody is to be told by email, and there is no mail server.

    `handoff: {notify: ...}` names an address, but botctl.yaml has no `smtp`, so nobody is told.

    Bad:

    ```yaml
    name: demo
    workflow: workflow.yaml
    handoff: {notify: [{email: finance@example.com}]}
    ```

    Good:

    ```yaml
    name: demo
    workflow: workflow.yaml
    handoff: {notify: [{slack: C0123456789}]}
    platforms: {slack: {bot_token: "${SLACK_BOT_TOKEN}", app_token: "${SLACK_APP_TOKEN}"}}
    ```
    """
    if site.project.smtp is not None:
        return
    for field in ("notify", "escalate"):
        for index, one in enumerate(getattr(site.spec.handoff, field)):
            address = one.get("email")
            if isinstance(address, str) and address and "${" not in address:
                yield Finding(
                    f"`{address[:60]}` is not told: there is no mail server",
                    at=("handoff", field, index, "email"),
                    label="nothing sends mail",
                    help="add `smtp: {host: ..., sender: ...}` to botctl.yaml",
                )
                return


def check_notify(site: ProjectSite) -> Iterator[Finding]:
    """Somebody is to be told on a platform that does not exist.

    `notify` names `email` or a platform, and there an address or a channel.

    Bad:

    ```yaml
    notify: [{slak: C0123456789}]
    ```

    Good:

    ```yaml
    notify: [{slack: C0123456789}]
    ```
    """
    known = ("email", *_PLATFORMS)
    for index, one in enumerate(site.spec.notify):
        for name in one:
            if name not in known:
                close = close_word(name, known)
                yield Finding(
                    f"there is no platform `{name[:60]}`",
                    at=("notify", index, name),
                    key=True,
                    label="no such platform",
                    help=f"did you mean `{close}`?" if close else f"use {one_of(sorted(known))}",
                )


def check_dashboard(site: ProjectSite) -> Iterator[Finding]:
    """A dashboard that others can reach, and that nobody of them can log in to.

    Who opens it gives a token, and neither `reviewers` nor `tokens` holds one. On this machine that is well:
    whoever may use the state of the project gets in by the link that `botctl dashboard` prints.

    Bad:

    ```yaml
    server: {host: 0.0.0.0, public_url: "https://bots.example.com"}
    dashboard: {enabled: true}
    ```

    Good:

    ```yaml
    server: {host: 0.0.0.0, public_url: "https://bots.example.com"}
    dashboard: {enabled: true, tokens: {ada: "${ADA_DASHBOARD_TOKEN}"}}
    ```
    """
    dashboard, server = site.spec.dashboard, site.spec.server
    is_near = (is_this_machine(server.host) or bool(amiss_in_host(server.host))) and not server.public_url
    if dashboard.enabled and not (is_near or dashboard.tokens or dashboard.reviewers):
        yield Finding(
            "nobody can log in to the dashboard",
            at=("dashboard", "enabled"),
            label="there are no tokens",
            help='add `tokens: {name: "${NAME}"}`, one for each reviewer',
        )


def check_dashboard_way(site: ProjectSite) -> Iterator[Finding]:
    """A dashboard whose tokens travel unencrypted.

    The server listens for more than this machine, and the address under which it is found is not https. Put
    a proxy before it that speaks https, and write that address as `public_url`.

    Bad:

    ```yaml
    server: {host: 0.0.0.0, public_url: "http://bots.example.com"}
    dashboard: {enabled: true, tokens: {ada: "${ADA_DASHBOARD_TOKEN}"}}
    ```

    Good:

    ```yaml
    server: {host: 0.0.0.0, public_url: "https://bots.example.com"}
    dashboard: {enabled: true, tokens: {ada: "${ADA_DASHBOARD_TOKEN}"}}
    ```
    """
    server = site.spec.server
    if (
        not site.spec.dashboard.enabled
        or "${" in server.host + server.public_url
        or is_this_machine(server.host)
        or amiss_in_host(server.host)
        or amiss_in_public_url(server.public_url)
    ):
        return
    if not server.public_url.lower().startswith("https://"):
        yield Finding(
            "the tokens of the dashboard travel unencrypted",
            at=("server", "public_url") if server.public_url else ("server", "host"),
            label="http, not https"
            if server.public_url
            else "open to other machines, without an https address",
            help="put a proxy with https before it, and write `public_url: https://...`",
        )


def _foreign(name: str, section: Mapping[str, object] | None) -> list[str]:
    """The fields of a platform that it does not know, which are told."""
    known = field_names(_PLATFORMS[name].settings, ())
    return [key for key in section or {} if key not in known]


def _mode(section: Mapping[str, object] | None) -> str:
    return str((section or {}).get("mode", "polling"))


NOTIFY = Rule(code="PJ210", severity="error", check=check_notify, doc=check_notify.__doc__)
CUSTOM = Rule(code="SC301", severity="error", check=check_custom, doc=check_custom.__doc__)
DASHBOARD = Rule(code="SC302", severity="warning", check=check_dashboard, doc=check_dashboard.__doc__)
DASHBOARD_WAY = Rule(
    code="SC303", severity="warning", check=check_dashboard_way, doc=check_dashboard_way.__doc__
)
MODE = Rule(code="PF302", severity="error", check=check_mode, doc=check_mode.__doc__)
DISCORD = Rule(code="PF303", severity="warning", check=check_discord, doc=check_discord.__doc__)
MAIL = Rule(code="BT215", severity="warning", check=check_mail, doc=check_mail.__doc__)

"""What `botctl doctor` asks Slack: the tokens, the scopes, the way in."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.platforms.platform import Checked
from botctl.platforms.slack import SlackSettings
from botctl.platforms.slack_web import SlackFault, SlackWeb

NEEDED_SCOPES = ("chat:write", "im:history", "app_mentions:read")
_USEFUL_SCOPES = {
    "channels:history": "in threads of public channels it must be mentioned each time",
    "groups:history": "in threads of private channels it must be mentioned each time",
    "files:read": "files that people send cannot be taken",
    "files:write": "no files can be sent",
}


async def check_slack(web: SlackWeb, settings: SlackSettings, webhook_url: str) -> tuple[Checked, ...]:
    """Ask; changes nothing."""
    token = await _token(web)
    way_in = _requests(webhook_url) if settings.mode == "webhook" else (await _socket(web, settings),)
    return (*token, *way_in)


async def _token(web: SlackWeb) -> tuple[Checked, ...]:
    try:
        answer = await web.call(lambda client: client.auth_test())
    except SlackFault as fault:
        help = "copy the Bot User OAuth Token (xoxb-...) from OAuth & Permissions of the app"
        return (_failed("slack does not take the bot token", fault, help),)
    if not answer.get("bot_id"):
        return (Checked(is_well=False, fact="`bot_token` is not a bot's", help="it begins with xoxb-"),)
    who = Checked(is_well=True, fact=f"slack knows the bot as {answer.get('user')} in {answer.get('team')}")
    header = next((value for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), "")
    return (who, *_scopes(frozenset(scope.strip() for scope in header.split(","))))


def _scopes(granted: frozenset[str]) -> Iterator[Checked]:
    missing = [scope for scope in NEEDED_SCOPES if scope not in granted]
    add = "add it under OAuth & Permissions of the app, and install the app again"
    if missing:
        yield Checked(is_well=False, fact=f"the bot token has no scope {', '.join(missing)}", help=add)
    for scope, loss in _USEFUL_SCOPES.items():
        if scope not in granted:
            yield Checked(is_well=True, fact=f"the bot token has no scope {scope}: {loss}", help=add)


async def _socket(web: SlackWeb, settings: SlackSettings) -> Checked:
    try:
        await web.call(lambda client: client.apps_connections_open(app_token=settings.app_token))
    except SlackFault as fault:
        help = (
            "switch Socket Mode on, and set `app_token` to an app-level token (xapp-...) with the scope"
            " connections:write"
        )
        return _failed("slack opens no socket for the app token", fault, help)
    return Checked(is_well=True, fact="slack opens a socket for the app token")


def _failed(fact: str, fault: SlackFault, help: str) -> Checked:
    if fault.is_passing:
        return Checked(is_well=False, fact=f"slack cannot be asked: {fault.code}", help="try again later")
    return Checked(is_well=False, fact=f"{fact}: {fault.code}", help=help)


def _requests(webhook_url: str) -> tuple[Checked, ...]:
    """Slack tells nobody where it sends events to, so this can only be said."""
    if not webhook_url:
        help = "set `server: {public_url: https://...}` in botctl.yaml"
        return (Checked(is_well=False, fact="nobody told where Slack finds the webhook", help=help),)
    return (
        Checked(
            is_well=True,
            fact=f"the Request URL of the app must be {webhook_url} (Slack cannot be asked whether it is)",
            help="enter it under Event Subscriptions, Interactivity and each slash command",
        ),
    )

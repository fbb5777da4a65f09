"""`botctl webhook`: where platforms bring a bot's messages; set, told and taken away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project
from botctl.cli.terminal import print_json
from botctl.errors import UserError
from botctl.platforms.platform import Connection, Registrar
from botctl.runtime.registration import register, webhook_address
from botctl.runtime.standalone import connected

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Tell platforms where a bot's webhook is, ask them, or take it away.",
)

BotArgument = Annotated[str, typer.Argument(help="The bot.")]
PlatformArgument = Annotated[
    str | None, typer.Argument(help="Only this platform; else all that can be told.")
]
Told = dict[str, Any]


@app.command("set")
def set_webhook(
    bot: BotArgument,
    platform: PlatformArgument = None,
    url: Annotated[
        str, typer.Option(help="Where this server is found; `server.public_url` if left out.")
    ] = "",
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take it away from where it is now.")
    ] = False,
    project: ProjectOption = None,
) -> None:
    """Tell the platform to bring the bot's messages to this server."""
    found, environment = open_project(project)
    public_url = url or environment.resolve(found.spec.server.public_url)
    if not public_url:
        raise UserError(
            "nobody said where this server is found",
            help="give `--url https://...`, or set `server: {public_url: https://...}` in botctl.yaml",
        )

    async def act(place: tuple[str, str], connection: Connection) -> Told:
        address = webhook_address(public_url, *place)
        await register(connection, place, address, may_take_over=take_over)
        return {"bot": place[0], "platform": place[1], "url": address}

    for told in _each(bot, platform, project, act):
        print(f"{told['bot']}: {told['platform']} brings its messages to {told['url']}")


@app.command("info")
def webhook_info(
    bot: BotArgument,
    platform: PlatformArgument = None,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Ask the platform where it brings the bot's messages, and what went wrong there last."""

    async def act(place: tuple[str, str], connection: Connection) -> Told:
        assert isinstance(connection, Registrar)
        known = await connection.registration()
        return {
            "bot": place[0],
            "platform": place[1],
            "url": known.url or None,
            "pending": known.pending,
            "last_error": known.last_error or None,
        }

    rows = _each(bot, platform, project, act)
    if json:
        print_json(rows)
        return
    for told in rows:
        print(f"{told['bot']}: {told['platform']}: {told['url'] or 'no webhook is set'}")
        if told["pending"]:
            print(f"  {told['pending']} messages are held back")
        if told["last_error"]:
            print(f"  last error: {told['last_error']}")


@app.command("delete")
def delete_webhook(
    bot: BotArgument, platform: PlatformArgument = None, project: ProjectOption = None
) -> None:
    """Take the webhook away; a platform that has another way is then asked by `botctl run`."""

    async def act(place: tuple[str, str], connection: Connection) -> Told:
        assert isinstance(connection, Registrar)
        await connection.unregister()
        return {"bot": place[0], "platform": place[1]}

    for told in _each(bot, platform, project, act):
        print(f"{told['bot']}: {told['platform']} has no webhook any more")


def _each(
    bot: str,
    platform: str | None,
    project: Path | None,
    act: Callable[[tuple[str, str], Connection], Awaitable[Told]],
) -> list[Told]:
    """What `act` tells of each platform of the bot that can be told where a webhook is."""
    found, environment = open_project(project)

    async def all_of_them() -> list[Told]:
        told = []
        async with connected(found, environment, bot, (platform,) if platform else ()) as connections:
            for place, connection in connections.items():
                if isinstance(connection, Registrar):
                    told.append(await act(place, connection))
                elif platform:
                    raise UserError(
                        f"{platform} has no way to be told where a webhook is",
                        help=f"enter the address on its site; `botctl doctor {bot}` tells it",
                    )
        return told

    rows = asyncio.run(all_of_them())
    if not rows:
        raise UserError(
            f"no live platform of bot `{bot}` can be told where a webhook is",
            help=f"`botctl doctor {bot}` tells which platforms are off, and why",
        )
    return rows

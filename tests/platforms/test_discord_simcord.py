"""Discord as simcord plays it, in this process: people who write, command and press, with its own rules."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import simcord

from botctl.messages import Button
from botctl.platforms.discord import DiscordSettings
from botctl.platforms.discord_application import register_commands
from botctl.platforms.discord_connection import DiscordConnection
from botctl.platforms.discord_gateway import GatewayClient
from botctl.platforms.discord_intake import Intake
from botctl.platforms.discord_interactions import HASTE
from botctl.platforms.discord_rest import DiscordRest
from tests.platforms.discord_world import DiscordDesk
from tests.platforms.world import outgoing

Story = Callable[[simcord.Env, DiscordDesk], Awaitable[Any]]


def told(story: Story) -> Any:
    """What a story returns that is played with a bot that is in simcord's Discord."""

    async def whole() -> Any:
        desk = DiscordDesk()
        intakes: list[Intake] = []

        def take(event: str, payload: Any) -> None:
            for intake in intakes:
                intake.take(event, payload)

        async with asyncio.TaskGroup() as group:
            client = GatewayClient(take, reads_content=False)
            async with simcord.run(client) as env:
                rest = DiscordRest(bot="support-bot", base_url="", token="t", http=client.http)
                made = DiscordConnection(DiscordSettings(token="t"), desk.context, rest)
                desk.connection = made
                assert client.user is not None
                intakes.append(
                    Intake(rest, made.interactions, desk.context, group, None, str(client.user.id))
                )
                await register_commands(rest, str(env.backend.application_id))
                result = await story(env, desk)
                await desk.settle()
                await made.close()
        return result

    return asyncio.run(whole())


def test_a_mention_in_a_server_is_answered_there_and_chatter_is_not() -> None:
    async def story(env: simcord.Env, desk: DiscordDesk) -> Any:
        channel = env.create_guild().create_text_channel("general")
        desk.channel = str(channel.id)
        ada = env.guild.add_member(env.create_user("ada"))
        await ada.send(channel, "to each other")
        await ada.send(channel, f"<@{env.backend.bot_user.id}> where is my order?")
        return desk.texts, channel.last_message.content

    assert told(story) == (["where is my order?"], "you said where is my order?")


def test_a_command_is_deferred_and_its_answer_becomes_the_response() -> None:
    async def story(env: simcord.Env, desk: DiscordDesk) -> Any:
        channel = env.create_guild().create_text_channel("general")
        ada = env.guild.add_member(env.create_user("ada"))
        await ada.slash(channel, "ask", question="why?")
        acknowledged = [one.json for one in env.http_requests if one.path.endswith("/callback")]
        return desk.texts, acknowledged, channel.last_message.content

    assert told(story) == (["why?"], [{"type": 5}], "you said why?")


def test_a_press_is_noticed_and_answered_by_a_new_message() -> None:
    async def story(env: simcord.Env, desk: DiscordDesk) -> Any:
        channel = env.create_guild().create_text_channel("general")
        desk.channel = str(channel.id)
        desk.buttons = (Button(label="Yes", value="yes"), Button(label="No", value="no"))
        ada = env.guild.add_member(env.create_user("ada"))
        await ada.send(channel, f"<@{env.backend.bot_user.id}> pay?")
        await ada.click(channel.last_message, custom_id="yes")
        return desk.texts, channel.last_message.content

    assert told(story) == (["pay?", "yes"], "you said yes")


def test_an_answer_after_fifteen_minutes_goes_to_the_channel() -> None:
    async def story(env: simcord.Env, desk: DiscordDesk) -> Any:
        channel = env.create_guild().create_text_channel("general")
        desk.channel = str(channel.id)
        ada = env.guild.add_member(env.create_user("ada"))
        await ada.slash(channel, "ask", question="why?")
        await env.advance_time(901)
        desk.now += HASTE  # our clock is slow: Discord is asked, and knows better
        await desk.send(outgoing("and another thing", reply=desk.accepted[0].reply))
        return channel.last_message.content, [one.path.split("/")[1] for one in env.http_requests][-2:]

    assert told(story) == ("and another thing", ["webhooks", "channels"])


def test_where_the_bot_may_not_write_the_answer_is_lost_for_good() -> None:
    async def story(env: simcord.Env, desk: DiscordDesk) -> Any:
        channel = env.create_guild().create_text_channel("general")
        desk.channel = str(channel.id)
        ada = env.guild.add_member(env.create_user("ada"))
        env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
        await ada.send(channel, f"<@{env.backend.bot_user.id}> hi")
        await desk.settle()
        return [error.permanent for error in desk.lost]

    assert told(story) == [True]

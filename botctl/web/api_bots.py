"""Bots over the API: who runs them, which platform is off and why, what went wrong, what waits."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import asdict

from botctl.runtime.standing import BotShape
from botctl.web.api_operation import Asked, Desk, NoBody, NoQuery, Operation


class BotHealthShape(BotShape, frozen=True, kw_only=True):
    """A bot, how it stands and how it is. faults: by platform, what went wrong last in this process; a
    platform that came back keeps it."""

    faults: dict[str, str]


class BotList(Struct, frozen=True, kw_only=True):
    """The bots of the project, by name."""

    items: list[BotHealthShape]


async def list_bots(desk: Desk, asked: Asked[NoQuery, NoBody]) -> BotList:
    """How the bots stand."""
    bots, faults = asked.bots(), desk.faults()
    return BotList(
        items=[
            BotHealthShape(
                **asdict(one),
                faults={platform: fault for (bot, platform), fault in faults.items() if bot == one.bot},
            )
            for one in await desk.standing()
            if bots is None or one.bot in bots
        ]
    )


OPERATIONS = (
    Operation(
        id="list_bots",
        method="GET",
        path="/bots",
        right="see",
        summary="The bots: who runs them, which platform is off and why, what went wrong, what waits.",
        perform=list_bots,
        answer=BotList,
    ),
)

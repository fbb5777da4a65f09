"""Connections on their own: for commands that ask a platform something while no bot runs, or beside one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from botctl.clock import SystemClock
from botctl.errors import UserError
from botctl.messages import IncomingMessage
from botctl.platforms.platform import Connection, ConnectionContext, Receipt
from botctl.project.load import Project, load_bot
from botctl.runtime.platforms import choose_platforms
from botctl.runtime.registration import webhook_address
from botctl.secrets import Environment

Places = Mapping[tuple[str, str], Connection]


@asynccontextmanager
async def connected(
    project: Project, environment: Environment, bot: str, wanted: Collection[str] = ()
) -> AsyncIterator[Places]:
    """The live platforms of a bot, connected but not receiving; the terminal left out."""
    found, _ = load_bot(project, bot, environment)
    if found is None:
        raise UserError(f"the files of bot `{bot}` have errors", help=f"`botctl validate {bot}` tells them")
    choice = choose_platforms(found.spec, environment, stdin="closed", wanted=wanted)
    public_url = environment.resolve(project.spec.server.public_url)
    async with AsyncExitStack() as stack:
        places: dict[tuple[str, str], Connection] = {}
        for live in choice.live:
            name = live.record.name
            context = ConnectionContext(
                bot=bot,
                accept=_nobody,
                now_ms=SystemClock().now_ms,
                load_cursor=_from_the_start,
                webhook_url=webhook_address(public_url, bot, name),
            )
            connection = live.record.connect(live.settings, context)
            stack.push_async_callback(connection.close)
            places[bot, name] = connection
        yield places


async def _nobody(message: IncomingMessage, cursor: str | None = None) -> Receipt:
    raise RuntimeError("this connection does not receive")


async def _from_the_start() -> str | None:
    return None

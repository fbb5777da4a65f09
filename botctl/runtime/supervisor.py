"""The supervisor: keeps every connection receiving, and starts one again that broke."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from botctl.clock import Clock
from botctl.errors import OutsideError, UserError
from botctl.platforms.platform import Connection

logger = logging.getLogger(__name__)

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_HEALTHY = 120.0


class Supervisor:
    """One task per connection. `faults` tells, per connection, what went wrong last."""

    def __init__(self, connections: Mapping[tuple[str, str], Connection], clock: Clock) -> None:
        self._connections = connections
        self._clock = clock
        self.faults: dict[tuple[str, str], str] = {}

    async def receive(self) -> None:
        """Receive on all platforms until every one of them has come to its end, or until cancelled."""
        async with asyncio.TaskGroup() as group:
            for place, connection in self._connections.items():
                group.create_task(self._keep(place, connection), name="receive " + "/".join(place))

    async def _keep(self, place: tuple[str, str], connection: Connection) -> None:
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                await connection.run()
                return
            except UserError as error:
                self.faults[place] = error.message
                logger.error(
                    "%s of bot %s is off: %s (%s)", place[1], place[0], error.message, error.help or ""
                )
                return
            except OutsideError as error:
                self.faults[place] = error.message
                logger.error("%s of bot %s: %s; again in %g s", place[1], place[0], error.message, pause)
            except Exception as error:  # one platform's bug or outage must not stop the others
                self.faults[place] = f"{type(error).__name__}: {error}"
                logger.exception("%s of bot %s broke; again in %g s", place[1], place[0], pause)
            if time.monotonic() - began > _HEALTHY:
                pause = _FIRST_PAUSE  # what ran for so long broke anew, and not again
            await self._clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

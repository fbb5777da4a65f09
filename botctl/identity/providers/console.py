"""console: prints the code or the link on standard error. For development only: it proves nothing.

```yaml
identity:
  console: {}
```
"""

from __future__ import annotations

import sys

from botctl.clock import Clock
from botctl.identity.provider import Carrier, Delivery, IdentityProvider, ProviderSettings


class ConsoleSettings(ProviderSettings):
    """`identity: console:`; there is nothing to set."""


class ConsoleCarrier:
    """See `Carrier`."""

    async def carry(self, delivery: Delivery) -> str:
        """The delivery's own id."""
        what = f"the link for {delivery.contact} is {delivery.link}"
        if delivery.code:
            what = f"the code for {delivery.contact} is {delivery.code}"
        print(f"[identity] {what}", file=sys.stderr, flush=True)
        return delivery.id

    async def close(self) -> None:
        """There is nothing to let go of."""


def connect(settings: ConsoleSettings, clock: Clock) -> Carrier:
    """A carrier to this process's own standard error."""
    return ConsoleCarrier()


CONSOLE = IdentityProvider(
    name="console",
    doc=__doc__,
    contact_types=("email", "phone"),
    settings=ConsoleSettings,
    connect=connect,
)

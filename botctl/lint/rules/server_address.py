"""The rule about the server of botctl.yaml: what it listens on, and where the outside finds it."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.addresses import amiss_in_host, amiss_in_public_url
from botctl.lint.bot_site import ProjectSite
from botctl.source.rule import Finding, Rule


def check_server_address(site: ProjectSite) -> Iterator[Finding]:
    """An address of the server that cannot be one.

    `host` is the name or number of this machine to listen on, without a port, which is `port`. `public_url`
    is a whole address: `https://`, a host, perhaps a port and a path.

    Bad:

    ```yaml
    server: {public_url: bots.example.com}
    ```

    Good:

    ```yaml
    server: {public_url: "https://bots.example.com"}
    ```
    """
    server = site.spec.server
    if label := amiss_in_host(server.host):
        yield Finding(
            f"the server cannot listen on `{server.host[:80]}`",
            at=("server", "host"),
            label=label,
            help="write the host alone, such as 127.0.0.1 or 0.0.0.0, and its number under `port`",
        )
    if label := amiss_in_public_url(server.public_url):
        yield Finding(
            f"`{server.public_url[:80]}` is no address for webhooks and links",
            at=("server", "public_url"),
            label=label,
            help="write it like `https://bots.example.com`",
        )


SERVER_ADDRESS = Rule(
    code="PJ212", severity="error", check=check_server_address, doc=check_server_address.__doc__
)
"""What no server can listen on, and where nobody finds one."""

"""An MCP server as a workspace declares it: how it is reached, and how long it may take."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_SHORTEST_SECRET = 4


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """One server: a program (`command`) or an address (`url`). Every `${NAME}` is resolved; cwd is absolute.

    connect_timeout and timeout (of one call) are seconds.
    """

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str = ""
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    connect_timeout: float = 15.0
    timeout: float = 30.0

    @property
    def prefix(self) -> str:
        """What the full names of its tools begin with."""
        return f"{self.name}__"

    @property
    def program(self) -> str:
        """The program to start: `python` is the interpreter that botctl itself runs in, with its packages."""
        return sys.executable if self.command == "python" else self.command

    @property
    def place(self) -> str:
        """Where it is, for people: never more of an address than host and port, the rest may hold a key."""
        if not self.url:
            return f"`{self.command}`"
        return (urlsplit(self.url).netloc.rpartition("@")[2]) or "its url"

    def without_secrets(self, text: str) -> str:
        """`text` with every value of `env` and `headers`, and the url, replaced by `***`."""
        secrets = {self.url, *self.env.values(), *self.headers.values()}
        for value in self.headers.values():
            secrets.add(value.partition(" ")[2])  # the token of "Bearer token"
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret.strip()) >= _SHORTEST_SECRET:
                text = text.replace(secret.strip(), "***")
        return text

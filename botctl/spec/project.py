"""botctl.yaml: what holds for a whole project."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from botctl.duration import Duration
from botctl.section import Section


class ServerSection(Section):
    """`server`: the one HTTP server for webhooks, health and the dashboard."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = Field(default=8080, ge=0, le=65535)
    """The port to listen on; 0 takes any that is free."""
    public_url: str = ""
    """The address under which the outside reaches this server, for webhooks and links."""


class DashboardSection(Section):
    """`dashboard`: who may use it."""

    enabled: bool = False
    """Whether `botctl run` serves the dashboard."""
    tokens: dict[str, str] = {}
    """Reviewers by name, each with a token as `${NAME}`."""


class SmtpSection(Section):
    """`smtp`: the mail server that notices are handed to."""

    host: str = Field(min_length=1)
    """The server's name."""
    port: int = Field(default=587, ge=1, le=65535)
    """Its port: usually 587 with `starttls`, 465 with `tls`, 25 with `none`."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """starttls: encrypted after a greeting, or nothing is sent; tls: encrypted from the start; none: not
    encrypted, for a server on the same machine."""
    username: str = ""
    """The account at the server; without one nobody logs in."""
    password: str = ""
    """The account's password, as `${NAME}`."""
    sender: str = Field(min_length=3)
    """Whom mails are from, such as `bots@example.com` or `Bots <bots@example.com>`."""


class RetentionSection(Section):
    """`retention`: how long finished things are kept."""

    runs: Duration = 2_592_000.0
    """Finished runs and their steps."""
    messages: Duration = 2_592_000.0
    """Messages that were dealt with."""
    files: Duration = 604_800.0
    """Files that came with messages."""


class ProjectSpec(Section):
    """A project as written in botctl.yaml; every part may be left out."""

    state: str = ".botctl"
    """The folder of the state, relative to the project."""
    server: ServerSection = Field(default_factory=ServerSection)
    """The HTTP server."""
    dashboard: DashboardSection = Field(default_factory=DashboardSection)
    """The dashboard."""
    notify: list[dict[str, Any]] = []
    """Whom to tell about handoffs of bots that do not say it themselves."""
    smtp: SmtpSection | None = None
    """The mail server for notices; without one nobody is told by email."""
    limits: dict[str, Any] = {}
    """Limits for all bots; a bot's own go before."""
    retention: RetentionSection = Field(default_factory=RetentionSection)
    """How long finished things are kept."""

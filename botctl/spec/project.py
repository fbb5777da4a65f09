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
    """The address under which the outside reaches this server, for webhooks and links. It may have a path,
    which the proxy before the server takes away."""


Right = Literal["see", "decide", "talk", "manage"]


class ReviewerSection(Section):
    """One of `dashboard.reviewers`: who may use the dashboard and the API, and for what."""

    name: str = Field(min_length=1, max_length=100)
    """Who it is; decisions are recorded under this name, and `reviewers` of a handoff mean it."""
    token: str
    """What this person logs in with, as `${NAME}`: 16 characters or more."""
    rights: list[Right] = ["see", "decide", "talk", "manage"]
    """see: read everything; decide: handoffs; talk: answer people in place of a bot; manage: cancel and retry
    runs, cancel schedules, start conversations over, send dead letters again. Whoever has one may see."""
    bots: list[str] = []
    """Only what belongs to these bots; empty: all."""


class DashboardSection(Section):
    """`dashboard`: who may use it."""

    enabled: bool = False
    """Whether `botctl run` serves the dashboard and the API."""
    reviewers: list[ReviewerSection] = []
    """Who may use it, each with rights of their own."""
    tokens: dict[str, str] = {}
    """The short form: reviewers with all rights by name, each with a token as `${NAME}`."""


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
    usage: Duration = 34_560_000.0
    """What single model calls cost; caps and wallets go on counting what is taken away."""
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
    record: Literal["console", "all", "none"] = "console"
    """Of which runs all that models and tools were asked and answered is kept, so that they can be
    made tests (`botctl runs export`): of those in the terminal, of all, of none."""
    retention: RetentionSection = Field(default_factory=RetentionSection)
    """How long finished things are kept."""

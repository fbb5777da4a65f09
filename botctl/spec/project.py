"""botctl.yaml: what holds for a whole project."""

from __future__ import annotations

from typing import Any

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
    smtp: dict[str, Any] = {}
    """The mail server for notices: host, port, username, password, sender."""
    limits: dict[str, Any] = {}
    """Limits for all bots; a bot's own go before."""
    retention: RetentionSection = Field(default_factory=RetentionSection)
    """How long finished things are kept."""

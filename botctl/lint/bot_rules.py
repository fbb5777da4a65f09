"""The rules about bots, workspaces and botctl.yaml: the one list of them.

It stands apart from the rules about workflows, so that a workflow file is checked without loading bots.
"""

from __future__ import annotations

from botctl.lint.bot_site import BotSite, ProjectSite, WorkspaceSite
from botctl.lint.rules.bot_tools import ASKS, WORKSPACE
from botctl.lint.rules.delegate_lists import LIST_CIRCLE, LIST_DEPTH
from botctl.lint.rules.exposure import CUSTOM, DASHBOARD, DASHBOARD_WAY, DISCORD, MAIL, MODE, NOTIFY
from botctl.lint.rules.functions import CALLABLE, PARAMETERS, URL
from botctl.lint.rules.models import CAN_CALL, HAS_CAP, HAS_MODEL, PRICE, PRICE_FIELDS, TIMEOUT
from botctl.lint.rules.reviewers import REVIEWERS
from botctl.lint.rules.secrets import FIELD, OPEN_WAY, SHAPE
from botctl.lint.rules.server_address import SERVER_ADDRESS
from botctl.lint.rules.server_starts import ADDRESS, FOLDER, PROGRAM
from botctl.lint.rules.tool_patterns import PATTERN, SERVERS, SKILL_TWICE
from botctl.source.rule import Rule

BOT_RULES: tuple[Rule[BotSite], ...] = (
    HAS_MODEL,
    CAN_CALL,
    LIST_CIRCLE,
    LIST_DEPTH,
    MAIL,
    WORKSPACE,
    MODE,
    DISCORD,
    ASKS,
    CUSTOM,
    SHAPE,
    FIELD,
    OPEN_WAY,
    HAS_CAP,
    PRICE_FIELDS,
    PRICE,
    TIMEOUT,
)
WORKSPACE_RULES: tuple[Rule[WorkspaceSite], ...] = (
    PATTERN,
    SKILL_TWICE,
    SERVERS,
    FOLDER,
    PROGRAM,
    ADDRESS,
    URL,
    PARAMETERS,
    CALLABLE,
    SHAPE,
    FIELD,
    OPEN_WAY,
)
PROJECT_RULES: tuple[Rule[ProjectSite], ...] = (
    NOTIFY,
    REVIEWERS,
    DASHBOARD,
    DASHBOARD_WAY,
    SERVER_ADDRESS,
    SHAPE,
    FIELD,
)

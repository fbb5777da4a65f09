"""Linting bots, workspaces and projects: their files and their workflows, given what is around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from botctl.identity.providers import IDENTITY_PROVIDERS
from botctl.lint.bot_rules import BOT_RULES, PROJECT_RULES, WORKSPACE_RULES
from botctl.lint.bot_site import BotSite, ProjectSite, WorkspaceSite
from botctl.lint.delegation import Delegations
from botctl.lint.handed_over import handed_over
from botctl.lint.ignore import without_ignored
from botctl.lint.locks import KnownTools, known_tools, load_lock
from botctl.lint.rules.delegation import CIRCLE
from botctl.lint.scripts import check_script
from botctl.lint.workflow import NOTHING_KNOWN, lint_workflow
from botctl.lint.workflow_site import Surroundings
from botctl.platforms import PLATFORMS
from botctl.project.load import Bot, Project, Workspace, load_bot, read_bot, read_workspace
from botctl.project.workflow_file import PROJECT_FILE
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document
from botctl.source.rule import Rule

S = TypeVar("S")

IGNORABLE = frozenset(rule.code for rules in (BOT_RULES, WORKSPACE_RULES, PROJECT_RULES) for rule in rules)
"""The codes that an ignore comment in a bot.yaml, a workspace file or botctl.yaml may name."""


def lint_bot(project: Project, bot: Bot) -> list[Diagnostic]:
    """What the rules find in bot.yaml and in the bot's workflow, given its workspace and the other bots."""
    around = surroundings(project, bot)
    found: list[Diagnostic] = []
    if bot.document is not None:
        site = BotSite(
            spec=bot.spec,
            value=bot.document.value,
            around=around,
            project=project.spec,
            graph=bot.graph,
        )
        found += [*_apply(BOT_RULES, site, bot.document), *check_script(project, bot)]
    if bot.graph is not None and bot.workflow_document is not None:
        found += lint_workflow(bot.graph, bot.workflow_document, around)
    return found


def lint_workspace(project: Project, workspace: Workspace | None) -> list[Diagnostic]:
    """What the rules find in a workspace file, and what is wrong with its lock."""
    if workspace is None:
        return []
    site = WorkspaceSite(
        spec=workspace.spec,
        value=workspace.document.value,
        known=known_tools(project, workspace),
        folder=project.folder,
    )
    return [*load_lock(project, workspace)[1], *_apply(WORKSPACE_RULES, site, workspace.document)]


def lint_project_file(project: Project) -> list[Diagnostic]:
    """What the rules find in botctl.yaml."""
    path = project.folder / PROJECT_FILE
    document = project.read(path)[0] if path.is_file() else None
    if document is None or project.diagnostics:
        return []
    site = ProjectSite(spec=project.spec, value=document.value, bots=frozenset(project.bot_files))
    return _apply(PROJECT_RULES, site, document)


def lint_project(project: Project, environment: Environment | None = None) -> list[Diagnostic]:
    """Everything that is wrong with a project: its files, their names for each other, its workflows."""
    found = [*project.diagnostics, *lint_project_file(project)]
    for name in project.workspace_names():
        workspace, diagnostics = project.load_workspace(name)
        found += [*diagnostics, *lint_workspace(project, workspace)]
    for name in project.bot_names():
        bot, diagnostics = load_bot(project, name, environment)
        found += diagnostics
        if bot is not None:
            found += lint_bot(project, bot)
    for path in project.second_workspace_files():
        workspace, diagnostics = read_workspace(project, path)
        found += [*diagnostics, *lint_workspace(project, workspace)]
    for path in project.second_bot_files():
        bot, diagnostics = read_bot(project, path, environment)
        found += diagnostics
        if bot is not None:
            found += lint_bot(project, bot)
    return list(_once(found))


def _once(found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Each finding once; a circle of bots at the first of them only."""
    seen: set[object] = set()
    for diagnostic in found:
        key = diagnostic.message if diagnostic.code == CIRCLE.code else diagnostic
        if key not in seen:
            seen.add(key)
            yield diagnostic


def surroundings(project: Project, bot: Bot) -> Surroundings:
    """What a bot's workflow may name. A bare workflow knows nothing."""
    if bot.document is None:
        return NOTHING_KNOWN
    ids = (project.read(path)[0] for path in project.bot_files.values())
    named = {document.get(("id",)) for document in ids if document is not None}
    named |= {path.parent.name for path in project.second_bot_files()}
    known = _tools_of(project, bot.spec.workspace)
    delegations = Delegations(project)
    are_known = bot.spec.platforms.keys() <= {platform.name for platform in PLATFORMS}
    return Surroundings(
        platforms=frozenset(bot.spec.platforms or {"console"}) if are_known else None,
        lacking=frozenset(name for one in _told(bot) for name in one) - {"email", *bot.spec.platforms},
        bots=frozenset(project.bot_files) | {name for name in named if isinstance(name, str) and name},
        identity=_identity(bot),
        tools=known.tools if known is not None else None,
        unlocked=known.unlocked if known is not None else frozenset(),
        policy=known.policy if known is not None else Surroundings().policy,
        allows_only_some=bool(bot.spec.allow.users),
        public_url=project.spec.server.public_url,
        given=partial(handed_over, project, frozenset({bot.spec.name, bot.spec.id} - {""})),
        circle_over=partial(delegations.circle_over, bot.spec.name),
        chain_over=partial(delegations.chain_over, bot.spec.name),
        max_nodes=bot.spec.limits.max_nodes,
        max_loop_nodes=bot.spec.limits.max_loop_nodes,
        turn_seconds=bot.spec.timeout,
    )


def _identity(bot: Bot) -> frozenset[str] | None:
    """The providers of the bot; None where one is unknown, or lacks what it needs: its name may be wrong."""
    settings = {provider.name: provider.settings for provider in IDENTITY_PROVIDERS}
    for name, section in bot.spec.identity.items():
        fields = settings[name].model_fields.items() if name in settings else ()
        needed = {field.alias or key for key, field in fields if field.is_required()}
        if name not in settings or not needed <= (section or {}).keys():
            return None
    return frozenset(bot.spec.identity)


def _told(bot: Bot) -> list[dict[str, Any]]:
    """Who is told about the bot's handoffs."""
    return [*bot.spec.handoff.notify, *bot.spec.handoff.escalate]


def _tools_of(project: Project, name: str) -> KnownTools | None:
    """What is known of the tools of a workspace; None of one that is not there or has errors."""
    if name not in project.workspace_files:
        return None
    workspace, _ = project.load_workspace(name)
    return known_tools(project, workspace) if workspace is not None else None


def _apply(rules: Iterable[Rule[S]], site: S, document: Document) -> list[Diagnostic]:
    found = [
        document.diagnose(rule.code, rule.severity, finding) for rule in rules for finding in rule.check(site)
    ]
    return without_ignored(found, document, IGNORABLE)

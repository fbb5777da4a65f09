"""Linting bots and projects: their workflows, given what is around them."""

from __future__ import annotations

from botctl.lint.workflow import NOTHING_KNOWN, lint_workflow
from botctl.lint.workflow_site import Surroundings
from botctl.project.load import Bot, Project, load_bot
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic


def lint_bot(project: Project, bot: Bot) -> list[Diagnostic]:
    """What the rules find in a bot's workflow, given its platforms and the other bots."""
    if bot.graph is None or bot.workflow_document is None:
        return []
    return lint_workflow(bot.graph, bot.workflow_document, surroundings(project, bot))


def lint_project(project: Project, environment: Environment | None = None) -> list[Diagnostic]:
    """Everything that is wrong with a project: its files, their names for each other, its workflows."""
    found = list(project.diagnostics)
    for name in project.workspace_names():
        found += project.load_workspace(name)[1]
    for name in project.bot_names():
        bot, diagnostics = load_bot(project, name, environment)
        found += diagnostics
        if bot is not None:
            found += lint_bot(project, bot)
    return list(dict.fromkeys(found))


def surroundings(project: Project, bot: Bot) -> Surroundings:
    """What a bot's workflow may name. A bare workflow knows nothing."""
    if bot.document is None:
        return NOTHING_KNOWN
    ids = (project.read(path)[0] for path in project.bot_files.values())
    named = {document.get(("id",)) for document in ids if document is not None}
    return Surroundings(
        platforms=frozenset(bot.spec.platforms or {"console"}),
        bots=frozenset(project.bot_files) | {name for name in named if isinstance(name, str) and name},
    )

"""The script of the scripted provider: what in it keeps the model from answering."""

from __future__ import annotations

from pathlib import Path

from botctl.errors import UserError
from botctl.llm.providers.scripted import ScriptEntry, line_of, read_script
from botctl.project.load import Bot, Project, read_bot
from botctl.project.workflow_file import BOT_FILE
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document
from botctl.source.rule import Finding
from botctl.spec.parse import Subject, parse

CODE = "BT217"
_PLACE = "the entry"


def check_script(project: Project, bot: Bot) -> list[Diagnostic]:
    """What is wrong with the script that a bot's model answers from; nothing if it can be used, or is told
    not to be there."""
    spec = bot.spec.llm
    path = bot.folder / spec.script if spec is not None and spec.script else None
    if path is None or spec is None or spec.provider != "scripted" or not path.is_file():
        return []
    try:
        read_script(str(path))
    except UserError:
        return _told(project, path)
    return []


def bot_with_script(project: Project, path: Path, environment: Environment | None) -> Bot | None:
    """The bot beside a file whose model answers from it; None if there is none."""
    beside = path.parent / BOT_FILE
    document = project.read(beside)[0] if beside.is_file() else None
    if document is None or document.get(("llm", "script")) != path.name:
        return None
    return read_bot(project, beside, environment)[0]


def _told(project: Project, path: Path) -> list[Diagnostic]:
    """Why a script was refused, as far as possible with the place of each mistake."""
    document, found = project.read(path)
    if document is None:
        return list(found)
    entries = document.value if isinstance(document.value, list) else []
    for index in range(len(entries)):
        found = [*found, *_of_entry(document, index)]
    if found:
        return found
    finding = Finding(
        "the script of a model is a list of entries",
        label="this is none",
        help="write entries such as `- reply: Hello`",
    )
    return [document.diagnose(CODE, "error", finding)]


def _of_entry(document: Document, index: int) -> list[Diagnostic]:
    subject = Subject(family="BT", noun=f"entry {index + 1} of the script")
    entry, found = parse(document, ScriptEntry, (index,), subject=subject)
    if entry is None:
        return found
    try:
        line_of(entry, _PLACE)
    except UserError as error:
        message = error.message.removeprefix(f"{_PLACE}: ")
        if "`match`" in message:
            finding = Finding(message, at=(index, "match"), label="not a pattern", help="correct the pattern")
        else:
            finding = Finding(
                f"entry {index + 1} of the script: {message}",
                at=(index,),
                label="one answer is needed",
                help=error.help or "",
            )
        return [*found, document.diagnose(CODE, "error", finding)]
    return found

"""Loading: the bots, workspaces and botctl.yaml of a project, each apart: one broken file hides no other."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from botctl.errors import UserError
from botctl.project.graph import Graph
from botctl.project.references import check_bot, check_environment_names, check_workspace
from botctl.project.workflow_file import BOT_FILE, PROJECT_FILE, LoadedWorkflow, load_workflow, refusal
from botctl.secrets import Environment, read_environment
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document, read_file, shown
from botctl.source.rule import Finding
from botctl.spec.bot import BotSpec, LimitsSection, ModelSection
from botctl.spec.fields import close_word, one_of
from botctl.spec.parse import Subject, parse
from botctl.spec.project import ProjectSpec
from botctl.spec.workflow import WorkflowSpec
from botctl.spec.workspace import WorkspaceSpec

_YAML = (".yaml", ".yml")
_BOT = Subject(family="BT", noun="the bot")
_WORKSPACE = Subject(family="WS", noun="the workspace")
_PROJECT = Subject(family="PJ", noun="the project")


class Workspace(Struct, frozen=True, kw_only=True):
    """A workspace file that was read."""

    spec: WorkspaceSpec
    path: Path
    document: Document


@dataclass(frozen=True, kw_only=True)
class Bot:
    """A bot that was read. document is None for a bare workflow file; graph, for an agent and while the
    workflow has errors.

    folder: where its bot.yaml, or the bare workflow, stands.
    """

    spec: BotSpec
    folder: Path
    document: Document | None = None
    graph: Graph | None = None
    workflow: WorkflowSpec | None = None
    workflow_document: Document | None = None

    @cached_property
    def definition(self) -> str:
        """The hash that runs are pinned to; "" without a workflow."""
        if self.workflow is None:
            return ""
        text = f"{Path(self.workflow.file).suffix}\n{self.workflow.text}"
        return sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder with bots/ and workspaces/. Files are read when they are first asked for, and only once."""

    folder: Path
    environment: Environment | None = None
    _read: dict[Path, tuple[Document | None, list[Diagnostic]]] = field(
        default_factory=dict, init=False, repr=False
    )

    @cached_property
    def _botctl_yaml(self) -> tuple[ProjectSpec | None, list[Diagnostic]]:
        path = self.folder / PROJECT_FILE
        if not path.exists():
            return None, []
        document, diagnostics = self.read(path)
        if document is None or document.value is None:
            return None, diagnostics
        environment = self.environment or read_environment(self.folder, os.environ)
        spec, diagnostics = parse(document, ProjectSpec, subject=_PROJECT, environment=environment)
        diagnostics += check_environment_names(document, "PJ207")
        if spec is not None and spec.limits:
            subject = Subject(family="PJ", noun="`limits`")
            diagnostics += parse(document, LimitsSection, ("limits",), subject=subject)[1]
        return spec, diagnostics

    @property
    def spec(self) -> ProjectSpec:
        """botctl.yaml; what holds without one if it is missing or has errors."""
        return self._botctl_yaml[0] or self._without_file

    @cached_property
    def _without_file(self) -> ProjectSpec:
        return ProjectSpec()

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What is wrong with botctl.yaml."""
        return self._botctl_yaml[1]

    @property
    def state_folder(self) -> Path:
        """Where the state is; made by whoever first writes there."""
        return self.folder / self.spec.state

    def read(self, path: Path) -> tuple[Document | None, list[Diagnostic]]:
        """A file of the project as a document."""
        if path not in self._read:
            self._read[path] = read_file(path)
        return self._read[path]

    @cached_property
    def bot_files(self) -> Mapping[str, Path]:
        """The bot.yaml of each bot, by the name that stands in it; of a broken one by its folder. Of
        two of one name it is the one whose folder has that name too."""
        found: dict[str, Path] = {}
        for path in self._all_bot_files():
            name = self._name_in(path, path.parent.name)
            if name not in found or path.parent.name == name:
                found[name] = path
        return found

    def second_bot_files(self) -> list[Path]:
        """The bot.yaml of each bot whose name another has: nobody can call it."""
        first = set(self.bot_files.values())
        return [path for path in self._all_bot_files() if path not in first]

    def _all_bot_files(self) -> list[Path]:
        return sorted((self.folder / "bots").glob(f"*/{BOT_FILE}"))

    @cached_property
    def workspace_files(self) -> Mapping[str, Path]:
        """The file of each workspace, by the name that stands in it; of a broken one by its file name. Of
        two of one name it is the one whose file has that name too."""
        found: dict[str, Path] = {}
        for path in self._all_workspace_files():
            name = self._name_in(path, path.stem)
            if name not in found or path.stem == name:
                found[name] = path
        return found

    def second_workspace_files(self) -> list[Path]:
        """The file of each workspace whose name another has: no bot can have it."""
        first = set(self.workspace_files.values())
        return [path for path in self._all_workspace_files() if path not in first]

    def _all_workspace_files(self) -> list[Path]:
        paths = sorted((self.folder / "workspaces").glob("*"))
        return [path for path in paths if path.suffix in _YAML and path.is_file()]

    def bot_names(self) -> list[str]:
        """The names of all bots, sorted."""
        return sorted(self.bot_files)

    def workspace_names(self) -> list[str]:
        """The names of all workspaces, sorted."""
        return sorted(self.workspace_files)

    def workspace(self, name: str) -> Workspace:
        """A workspace by name; a UserError if there is none, or if its file has errors."""
        workspace, diagnostics = self.load_workspace(name)
        if workspace is None:
            raise refusal(f"workspace `{name}` cannot be used", diagnostics)
        return workspace

    def load_workspace(self, name: str) -> tuple[Workspace | None, list[Diagnostic]]:
        """A workspace by name and what is wrong with it; a UserError if there is none of that name."""
        if name not in self.workspace_files:
            raise _unknown("workspace", name, self.workspace_names(), "workspaces/<name>.yaml is one")
        return read_workspace(self, self.workspace_files[name])

    def _name_in(self, path: Path, otherwise: str) -> str:
        document, _ = self.read(path)
        name = document.get(("name",)) if document is not None else None
        return name if isinstance(name, str) and name else otherwise


def find_project(folder: Path) -> Path | None:
    """The nearest folder, from `folder` upwards, with botctl.yaml, bots/ or workspaces/; None if none has."""
    here = folder.absolute()
    for candidate in (here, *here.parents):
        if (candidate / PROJECT_FILE).is_file() or any(
            (candidate / name).is_dir() for name in ("bots", "workspaces")
        ):
            return candidate
    return None


def load_project_file(folder: Path, environment: Environment | None = None) -> Project:
    """The project in `folder`. What is wrong with its botctl.yaml is in `diagnostics`, nothing is raised."""
    return Project(folder=folder, environment=environment)


def load_bot(
    project: Project, name: str, environment: Environment | None = None
) -> tuple[Bot | None, list[Diagnostic]]:
    """A bot and all that is wrong with what it needs: its own files, its workspace, botctl.yaml.

    None if its bot.yaml cannot be understood. A UserError if there is no bot of that name.
    """
    if name not in project.bot_files:
        raise _unknown("bot", name, project.bot_names(), f"a bot is a folder bots/<name> with a {BOT_FILE}")
    bot, diagnostics = read_bot(project, project.bot_files[name], environment)
    if bot is not None and bot.spec.workspace in project.workspace_files:
        diagnostics += project.load_workspace(bot.spec.workspace)[1]
    return bot, [*diagnostics, *project.diagnostics]


def read_bot(
    project: Project, path: Path, environment: Environment | None = None
) -> tuple[Bot | None, list[Diagnostic]]:
    """The bot of a bot.yaml with its workflow, and what is wrong with these two files."""
    document, diagnostics = project.read(path)
    if document is None:
        return None, list(diagnostics)
    spec, diagnostics = parse(document, BotSpec, subject=_BOT, environment=environment)
    if spec is None:
        return None, [*diagnostics, *_workflow_beside(document, path)]
    diagnostics += check_bot(
        spec,
        document,
        path.parent,
        workspaces=[*project.workspace_files, *(path.stem for path in project.second_workspace_files())],
        bots=[*project.bot_files, *(path.parent.name for path in project.second_bot_files())],
        environment=environment,
    )
    first = project.bot_files.get(spec.name, path)
    diagnostics += _second_of_its_name(document, "BT209", "bots", spec.name, path.parent, first)
    loaded = LoadedWorkflow()
    if spec.workflow:
        file = path.parent / spec.workflow
        if os.path.isfile(file):
            loaded = load_workflow(file)
        else:
            diagnostics.append(document.diagnose("BT202", "error", _no_workflow_file(spec.workflow)))
    bot = Bot(
        spec=spec,
        folder=path.parent,
        document=document,
        graph=loaded.graph if spec.workflow_enabled else None,
        workflow=loaded.workflow,
        workflow_document=loaded.document,
    )
    return bot, [*diagnostics, *loaded.diagnostics]


def read_workspace(project: Project, path: Path) -> tuple[Workspace | None, list[Diagnostic]]:
    """The workspace of a file, and what is wrong with it."""
    document, diagnostics = project.read(path)
    if document is None:
        return None, list(diagnostics)
    spec, diagnostics = parse(document, WorkspaceSpec, subject=_WORKSPACE, environment=project.environment)
    if spec is None:
        return None, diagnostics
    diagnostics += check_workspace(spec, document, project.folder)
    first = project.workspace_files.get(spec.name, path)
    diagnostics += _second_of_its_name(document, "WS203", "workspaces", spec.name, path, first)
    return Workspace(spec=spec, path=path, document=document), diagnostics


def bare_workflow(path: Path) -> tuple[Bot | None, list[Diagnostic]]:
    """A workflow file with a bot made of its name: the console, and a scripted model without a script."""
    if not path.exists():
        raise UserError(
            f"there is no file {shown(path)}", help="give the name of a bot, or of a workflow file"
        )
    loaded = load_workflow(path)
    if loaded.workflow is None:
        return None, list(loaded.diagnostics)
    spec = BotSpec(
        name=re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).lstrip("_.-") or "workflow",
        workflow=path.name,
        llm=ModelSection(provider="scripted"),
        platforms={"console": {}},
    )
    bot = Bot(
        spec=spec,
        folder=path.absolute().parent,
        graph=loaded.graph,
        workflow=loaded.workflow,
        workflow_document=loaded.document,
    )
    return (bot if loaded.graph is not None else None), list(loaded.diagnostics)


def _workflow_beside(document: Document, path: Path) -> list[Diagnostic]:
    """What is wrong with the workflow of a bot whose bot.yaml has errors: both can be mended at once."""
    name = document.get(("workflow",))
    file = path.parent / name if isinstance(name, str) and name else None
    return list(load_workflow(file).diagnostics) if file is not None and os.path.isfile(file) else []


def _second_of_its_name(
    document: Document, code: str, noun: str, name: str, path: Path, first: Path
) -> list[Diagnostic]:
    """What is wrong with a name that `first` has too. path: the file, or folder, that has the name."""
    if path in (first, first.parent) or path.parent not in (first.parent, first.parent.parent):
        return []
    finding = Finding(
        f"two {noun} have the name `{name}`",
        at=("name",),
        label=f"{shown(first)} has it too",
        help="give one of them another name",
    )
    return [document.diagnose(code, "error", finding)]


def _no_workflow_file(name: str) -> Finding:
    return Finding(
        f"there is no file {name[:100]}",
        at=("workflow",),
        label="no such file",
        help="make it, or name another; it is relative to bot.yaml",
    )


def _unknown(what: str, name: str, known: list[str], note: str) -> UserError:
    close = close_word(name, known)
    if close:
        return UserError(f"there is no {what} `{name}`", help=f"did you mean `{close}`?")
    return UserError(
        f"there is no {what} `{name}`", help=f"there is {one_of(known, 'and')}" if known else note
    )

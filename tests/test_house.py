"""The house: what STYLE and DESIGN demand of every file, checked. The floors below are the architecture."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "botctl"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("messages", "duration", "clock", "ids", "secrets", "section"),
    ("source", "expr"),
    ("spec", "llm", "tools", "platforms", "store", "identity", "sandbox"),
    ("execution",),
    ("agent",),
    ("nodes",),
    ("project",),
    ("lint", "engine", "drawing"),
    ("runtime",),
    ("web", "stories"),
    ("cli",),
)
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
BROAD_EXCEPTS = {"engine/interpreter.py", "runtime/supervisor.py", "cli/start.py"}
PLUGIN_PACKAGES = {
    "nodes": ("NODE_TYPES", "NodeType"),
    "platforms": ("PLATFORMS", "Platform"),
    "llm/providers": ("PROVIDERS", "Provider"),
    "identity/providers": ("IDENTITY_PROVIDERS", "IdentityProvider"),
}
SLOW_LIBRARIES = {
    "anthropic", "openai", "mcp", "starlette", "uvicorn", "httpx", "httpx2", "aiosqlite", "sqlite3",
    "asyncio", "dukpy", "jsonschema", "re2", "rich", "opentelemetry", "structlog", "prometheus_client",
    "genai_prices", "jinja2", "watchfiles", "tree_sitter", "botocore",
}  # fmt: skip
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "types", "constants"}

FILES = sorted(PACKAGE.rglob("*.py"))


def _name(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def _imports(file: Path) -> Iterator[tuple[int, str, bool]]:
    """(line, module, whether it stands inside of a function) of every import of botctl's own."""
    tree = ast.parse(file.read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("botctl"):
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                path = ROOT / submodule.replace(".", "/")
                is_module = path.is_dir() or path.with_suffix(".py").is_file()
                yield node.lineno, submodule if is_module else node.module, id(node) in inside
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("botctl"):
                    yield node.lineno, alias.name, id(node) in inside


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_a_file_imports_only_from_its_own_package_or_from_below(file: Path) -> None:
    own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own in ("__init__", "__main__"):
        return
    broken = []
    for line, module, _ in _imports(file):
        other = module.split(".")[1] if "." in module else ""
        if other and other != own and FLOOR_OF[other] >= FLOOR_OF[own]:
            broken.append(f"{_name(file)}:{line} imports {module}")

    assert broken == []


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_no_import_of_our_own_hides_in_a_function(file: Path) -> None:
    late = [f"{_name(file)}:{line} {module}" for line, module, inside in _imports(file) if inside]

    assert [place for place in late if not place.startswith(("llm/providers", "platforms"))] == []


def test_there_are_no_import_cycles() -> None:
    graph: dict[str, set[str]] = {}
    for file in FILES:
        module = "botctl." + _name(file).removesuffix(".py").replace("/", ".")
        module = module.removesuffix(".__init__")
        graph[module] = {name for _, name, inside in _imports(file) if not inside}
    seen: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join((*above[above.index(module) :], module))
        if module in seen:
            return
        for other in graph.get(module, ()):
            visit(other, (*above, module))
        seen.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_no_file_and_no_function_has_outgrown_its_room(file: Path) -> None:
    text = file.read_text()
    long = [f"{_name(file)} has {lines} lines" for lines in [_lines(text)] if lines > LONGEST_FILE]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                long.append(f"{_name(file)}:{node.lineno} {node.name} has {length} lines")

    assert long == []


def _lines(text: str) -> int:
    return sum(1 for line in text.splitlines() if line.strip())


def test_broad_excepts_stand_in_three_places() -> None:
    broad = re.compile(r"except\s*(\(?\s*(Exception|BaseException)\b.*)?:")
    found = {_name(file) for file in FILES if broad.search(file.read_text())}

    assert found <= BROAD_EXCEPTS


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_only_the_store_knows_sql(file: Path) -> None:
    if _name(file).startswith("store/"):
        return
    statement = re.compile(
        r"\b(SELECT .+ FROM|INSERT (OR \w+ )?INTO|UPDATE \w+ SET|DELETE FROM|CREATE TABLE)\b"
    )

    assert statement.findall(file.read_text()) == []


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_the_first_line_of_a_file_says_which_noun_it_is(file: Path) -> None:
    text = file.read_text()
    if not text.strip():
        return

    assert ast.get_docstring(ast.parse(text)), f"{_name(file)} has no docstring"
    assert file.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("package", PLUGIN_PACKAGES)
def test_every_file_of_a_plugin_package_is_in_its_list(package: str) -> None:
    tuple_name, record_name = PLUGIN_PACKAGES[package]
    module = importlib.import_module("botctl." + package.replace("/", "."))
    listed = {record.name for record in getattr(module, tuple_name)}
    written = set()
    for file in (PACKAGE / package).glob("*.py"):
        if re.search(rf"^[A-Z_0-9]+(: [^=]+)? = {record_name}(\[\w+\])?\(", file.read_text(), re.MULTILINE):
            written.add(file.stem)

    assert written == listed


def test_every_yaml_field_is_documented() -> None:
    from botctl.identity.providers import IDENTITY_PROVIDERS
    from botctl.nodes import NODE_TYPES
    from botctl.platforms import PLATFORMS
    from botctl.project.stories import ModelStub
    from botctl.section import described
    from botctl.spec.bot import BotSpec
    from botctl.spec.project import ProjectSpec
    from botctl.spec.story import StoryFile
    from botctl.spec.workspace import WorkspaceSpec

    models = [BotSpec, ProjectSpec, WorkspaceSpec, StoryFile, ModelStub]
    models += [node_type.data for node_type in NODE_TYPES] + [platform.settings for platform in PLATFORMS]
    models += [provider.settings for provider in IDENTITY_PROVIDERS]
    bare = [
        f"{definition.get('title')}.{name}"
        for model in models
        for definition in [
            described(model).model_json_schema(),
            *model.model_json_schema().get("$defs", {}).values(),
        ]
        for name, field in definition.get("properties", {}).items()
        if not field.get("description")
    ]

    assert bare == []


def test_help_and_validate_import_nothing_slow(tmp_path: Path) -> None:
    workflow = tmp_path / "workflow.yaml"
    workflow.write_text("nodes: [{id: t, type: trigger, data: {triggerType: message_received}}]\nedges: []\n")
    for arguments in (["--help"], ["validate", str(workflow)]):
        program = (
            "import sys; from botctl.cli.start import run; run(sys.argv[1:]);"
            "print('loaded:', *sorted({name.split('.')[0] for name in sys.modules}))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        loaded = set(done.stdout.rpartition("loaded:")[2].split())

        assert loaded & SLOW_LIBRARIES == set(), arguments


def test_no_address_of_a_registry_and_no_path_of_a_machine_is_in_the_repository() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    traces = re.compile(
        "files.python" + "hosted|pypi" + r"\.org|registry\.npm" + "js|/ro" + "ot/|/wo" + "rk/"
    )
    found = [
        name
        for name in files.stdout.split()
        if (ROOT / name).is_file() and traces.search((ROOT / name).read_text(errors="ignore"))
    ]

    assert found == []

"""Every code that can be told has a manual page, and the examples on the page are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from botctl.lint.check import check_paths
from botctl.lint.codes import page_of, pages
from botctl.lint.rules import RULES
from botctl.project.load import load_project_file
from botctl.source.rule import Rule

PACKAGE = Path(__file__).resolve().parents[2] / "botctl"
PAGES = pages()
BLOCK = re.compile(r"^(Bad|Good):\n\n```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = {"BT": "bots/demo/bot.yaml", "WS": "workspaces/demo.yaml", "PJ": "botctl.yaml"}
SHARED_PAGES = {f"{family}{number}" for family in ("WS", "WF", "PJ") for number in range(101, 107)}
SHARED_PAGES |= {"WS207", "PJ207"}


def test_every_code_in_the_source_has_a_page() -> None:
    written = {
        code
        for path in PACKAGE.rglob("*.py")
        for code in re.findall(r'"((?:YM|BT|WS|WF|VR|TL|PF|PJ|SC|CS)\d{3})"', path.read_text())
    }

    assert written - set(PAGES) == set()


def test_every_rule_of_the_package_is_in_the_list() -> None:
    from importlib import import_module

    written = [
        value.code
        for path in (PACKAGE / "lint" / "rules").glob("[a-z]*.py")
        for value in vars(import_module(f"botctl.lint.rules.{path.stem}")).values()
        if isinstance(value, Rule)
    ]

    assert sorted(written) == sorted(rule.code for rule in RULES)


def test_a_page_is_found_by_its_code() -> None:
    page = page_of("WF203")

    assert page is not None
    assert page.startswith("WF203: A node that can never be reached.")
    assert page_of("WF999") is None


@pytest.mark.parametrize("code", [code for code in PAGES if code not in SHARED_PAGES])
def test_the_bad_example_gives_the_code_and_the_good_one_nothing(code: str, tmp_path: Path) -> None:
    blocks = dict(BLOCK.findall(PAGES[code]))
    for kind, text in blocks.items():
        codes = _codes_of(_as_file(text), FILES.get(code[:2], "workflow.yaml"), tmp_path / kind)
        assert codes == ({code} if kind == "Bad" else set()), kind


def _as_file(text: str) -> str:
    """Examples of node types are entries of `nodes`: put into a workflow that reaches each of them."""
    if not text.startswith("- "):
        return text
    ids = re.findall(r"^- id: (\S+)", text, re.MULTILINE)
    edges = "".join(f"  - start -> {id}\n" for id in ids)
    handled = "".join(f"  - {id}.{handle} -> last\n" for id in ids for handle in _handle(text))
    nodes = "".join(f"  {line}\n" for line in text.rstrip().split("\n"))
    first, last = "  - {id: start, type: trigger}\n", "  - {id: last, type: parallel}\n" if handled else ""
    return f"nodes:\n{first}{nodes}{last}edges:\n{edges}{handled}"


def _handle(text: str) -> list[str]:
    """A way out that must lead somewhere, or the example would have a second mistake."""
    ways = {"if_else": "true", "switch": "case_default", "loopType": "loop_body"}
    return [handle for word, handle in ways.items() if word in text]


def _codes_of(text: str, file: str, folder: Path) -> set[str]:
    """What is found in a project around the example."""
    script, skill = folder / "bots/demo/script.yaml", folder / "skills/returns/SKILL.md"
    workflow = "nodes:\n  - {id: start, type: trigger}\nedges: []\n"
    files = {
        folder / "workspaces/shop.yaml": "name: shop\n",
        folder / "bots/other/bot.yaml": "name: other\n",
        folder / "bots/billing-bot/bot.yaml": "name: billing-bot\nworkflow: workflow.yaml\n",
        folder / "bots/billing-bot/workflow.yaml": text if file == "workflow.yaml" else workflow,
        folder / "bots/demo/workflow.yaml": workflow,
        script: "- reply: hello\n",
        skill: "---\nname: returns\n---\n",
    }
    if file != "workflow.yaml":
        files[folder / file] = text
    # Read last, so that of two bots with one name it is the second.
    elsewhere = folder / "bots/demo/bot.yaml"
    if "name: other" in text and file.startswith("bots"):
        files[folder / "bots/a/bot.yaml"] = "name: other\n"
        del files[folder / "bots/other/bot.yaml"]
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    checked = folder / ("bots/billing-bot/workflow.yaml" if file == "workflow.yaml" else file)
    del elsewhere
    return {d.code for d in check_paths([checked], load_project_file(folder)).diagnostics}

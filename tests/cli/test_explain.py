"""`botctl explain`: a page for whatever has a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from botctl.cli.manual import close_name, contents, manual_page
from botctl.identity.providers import IDENTITY_PROVIDERS
from botctl.lint.codes import pages
from botctl.nodes import NODE_TYPES
from botctl.platforms import PLATFORMS
from tests.cli.test_commands import botctl

MODELS: dict[str, type[BaseModel]] = {
    **{provider.name: provider.settings for provider in IDENTITY_PROVIDERS},
    **{platform.name: platform.settings for platform in PLATFORMS},
    **{node_type.name: node_type.data for node_type in NODE_TYPES},
}


@pytest.mark.parametrize("name", MODELS)
def test_every_type_and_platform_has_a_page_that_names_its_fields(name: str) -> None:
    page = manual_page(name)

    fields = [field.alias or name for name, field in MODELS[name].model_fields.items()]
    assert [field for field in fields if f"- `{field}`" not in page] == []


def test_the_page_of_a_code_says_how_to_ignore_it_if_that_is_possible() -> None:
    assert manual_page("wf203").startswith("WF203: A node that can never be reached.\n")
    assert manual_page("WF203").endswith("Where it is meant so: `# botctl: ignore[WF203] because ...`")
    assert "botctl: ignore" not in manual_page("WF205")


def test_the_list_has_every_code_once_under_its_family() -> None:
    listed = [line.split()[0] for line in contents("").splitlines() if line.startswith("  ")]

    assert sorted(listed) == sorted(pages())
    assert contents("VR").splitlines()[0] == "VR  variables"
    assert contents("XX") == ""


def test_what_was_meant_is_guessed(tmp_path: Path) -> None:
    told = botctl("explain", "llm_cal", cwd=tmp_path)

    assert (told.returncode, told.stderr) == (
        1,
        "error: nothing is called `llm_cal`\n  = help: did you mean `llm_call`?\n",
    )
    assert close_name("qqqqq") == ""

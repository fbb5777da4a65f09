"""Skills: folders with a SKILL.md, offered as tools that return their instructions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from botctl.errors import UserError
from botctl.tools.tool import Tool, ToolHints, ToolResult

PREFIX = "skills__"


@dataclass(frozen=True, kw_only=True, slots=True)
class Skill:
    """What a SKILL.md says."""

    name: str
    description: str
    instructions: str

    @property
    def tool(self) -> Tool:
        """The skill as a tool without arguments."""
        return Tool(
            name=PREFIX + self.name,
            description=self.description,
            input_schema={"type": "object", "properties": {}},
            hints=ToolHints(read_only=True),
        )

    async def call(self) -> ToolResult:
        """Its instructions."""
        return ToolResult(value=self.instructions, text=self.instructions)


def read_skill(folder: Path) -> Skill:
    """Read `<folder>/SKILL.md`: name and description between two `---`, then the instructions."""
    path = folder / "SKILL.md"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the skill {path} cannot be read: {error}") from error
    _, opening, rest = text.partition("---\n")
    front, closing, instructions = rest.partition("\n---")
    if not opening or not closing:
        raise UserError(
            f"{path} has no front matter", help="begin it with --- name: ... description: ... ---"
        )
    try:
        facts = yaml.safe_load(front)
    except yaml.YAMLError as error:
        raise UserError(f"the front matter of {path} is not YAML: {error}") from error
    facts = facts if isinstance(facts, dict) else {}
    description = str(facts.get("description") or "")
    if not description:
        raise UserError(f"{path} has no description", help="say in its front matter when the skill is of use")
    return Skill(
        name=str(facts.get("name") or folder.name), description=description, instructions=instructions.strip()
    )

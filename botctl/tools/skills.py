"""Skills: folders with a SKILL.md, each offered as a tool that returns its instructions."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from botctl.errors import UserError
from botctl.tools.tool import Tool, ToolHints, ToolResult

SKILLS = "skills"
"""The server part of a skill's tool name."""


class Skill(Struct, frozen=True, kw_only=True):
    """What a SKILL.md says: when it is of use, and what to do then."""

    name: str
    description: str
    instructions: str

    @property
    def tool(self) -> Tool:
        """The tool that returns the instructions."""
        return Tool(
            name=f"{SKILLS}__{self.name}",
            description=self.description,
            input_schema={"type": "object", "properties": {}},
            hints=ToolHints(read_only=True, destructive=False, idempotent=True, open_world=False),
        )

    def load(self) -> ToolResult:
        """What calling the tool gives."""
        return ToolResult(value=self.instructions, text=self.instructions)


def read_skill(folder: Path) -> Skill:
    """The skill in a folder; a UserError that says what its SKILL.md lacks.

    SKILL.md begins with YAML between two lines of `---`: `name` (if not the folder's) and `description`.
    """
    file = folder / "SKILL.md"
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"skill `{folder.name}` has no readable SKILL.md: {error.strerror}",
            help=f"write {file}, or take the folder out of `skills`",
        ) from None
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 text", help="save it as UTF-8") from None
    front, instructions = _split(text.removeprefix("\ufeff"))
    said = _front_matter(front, file)
    return Skill(
        name=said.get("name") or folder.name,
        description=said.get("description", ""),
        instructions=instructions.strip(),
    )


def _split(text: str) -> tuple[str, str]:
    """(front matter, body) of a SKILL.md; the front matter is "" where there is none."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].strip() != "---":
        return "", text
    for number, line in enumerate(lines[1:], start=1):
        if line.strip() == "---":
            return "".join(lines[1:number]), "".join(lines[number + 1 :])
    return "", text


def _front_matter(text: str, file: Path) -> dict[str, str]:
    import yaml

    try:
        parsed = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        raise UserError(
            f"the front matter of {file} is not YAML", help="quote values with a colon in them"
        ) from None
    if not isinstance(parsed, dict):
        raise UserError(
            f"the front matter of {file} is not a mapping", help="write `name:` and `description:`"
        )
    return {key: str(parsed[key]).strip() for key in ("name", "description") if parsed.get(key) is not None}

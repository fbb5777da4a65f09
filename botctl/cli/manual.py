"""The manual: pages of codes, node types, platforms and providers of codes, and the list of them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from botctl.identity.providers import IDENTITY_PROVIDERS
from botctl.lint.codes import pages
from botctl.lint.project import IGNORABLE as IN_BOTS
from botctl.lint.workflow import IGNORABLE as IN_WORKFLOWS
from botctl.nodes import NODE_TYPES
from botctl.platforms import PLATFORMS
from botctl.section import field_docs
from botctl.spec.fields import close_word

_FAMILIES = {
    "YM": "what a file is written in",
    "PJ": "botctl.yaml",
    "BT": "bots",
    "WS": "workspaces",
    "WF": "workflows",
    "VR": "variables",
    "TL": "tools",
    "SC": "security",
    "PF": "platforms",
    "CS": "costs",
    "ST": "stories",
}


def manual_page(what: str) -> str:
    """The page of a code, a node type, a platform or a provider of codes; "" if there is none."""
    for node_type in NODE_TYPES:
        if what == node_type.name:
            return f"{(node_type.doc or '').strip()}\n\n{_fields('data', node_type.data)}"
    for platform in PLATFORMS:
        if what == platform.name:
            return f"{(platform.doc or '').strip()}\n\n{_fields(f'platforms: {what}', platform.settings)}"
    for provider in IDENTITY_PROVIDERS:
        if what == provider.name:
            return f"{(provider.doc or '').strip()}\n\n{_fields(f'identity: {what}', provider.settings)}"
    return _code_page(what.upper())


def contents(family: str) -> str:
    """The codes of one family, or of all with ""; a line each. "" if there is no such family."""
    found = {code: page for code, page in pages().items() if code.startswith(family)}
    lines: list[str] = []
    for prefix, about in _FAMILIES.items():
        listed = [f"  {code}  {page.splitlines()[0]}" for code, page in found.items() if code[:2] == prefix]
        lines += [f"{prefix}  {about}", *listed, ""] if listed else []
    if not lines:
        return ""
    lines += [] if family else list(_others())
    return "\n".join(lines).rstrip()


def close_name(what: str) -> str:
    """What was meant by something that has no page; "" if nothing comes near."""
    names = [node_type.name for node_type in NODE_TYPES] + [platform.name for platform in PLATFORMS]
    codes = pages()
    return (
        close_word(what, names)
        or (close_word(what.upper(), codes) if what[:2].upper() in _FAMILIES else "")
        or ""
    )


def _others() -> Iterator[str]:
    for what, records in (
        ("node types", NODE_TYPES),
        ("platforms", PLATFORMS),
        ("providers of codes", IDENTITY_PROVIDERS),
    ):
        yield f"{what}: {', '.join(record.name for record in records)}"


def _code_page(code: str) -> str:
    page = pages().get(code)
    if page is None:
        return ""
    if code not in IN_WORKFLOWS | IN_BOTS:
        return f"{code}: {page.strip()}"
    return f"{code}: {page.strip()}\n\nWhere it is meant so: `# botctl: ignore[{code}] because ...`"


def _fields(where: str, model: type[BaseModel]) -> str:
    """The fields of a model, as people write them."""
    docs = field_docs(model)
    lines = [f"Fields of `{where}`:", ""]
    for name, field in model.model_fields.items():
        needed = " (needed)" if field.is_required() else ""
        lines.append(f"- `{field.alias or name}`{needed}: {' '.join(docs.get(name, '').split())}")
    return "\n".join(lines) if model.model_fields else f"`{where}` has no fields."

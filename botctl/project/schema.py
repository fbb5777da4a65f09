"""JSON Schemas of all kinds of files, made from the records, for editors."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from botctl.errors import UserError
from botctl.identity.provider import IdentityProvider
from botctl.identity.providers import IDENTITY_PROVIDERS
from botctl.llm.providers import PROVIDERS
from botctl.platforms import PLATFORMS
from botctl.platforms.platform import Platform
from botctl.project.model_schema import (
    Schema,
    inlined,
    or_nothing,
    reference,
    with_environment,
    without_titles,
)
from botctl.project.story_schema import story_schema
from botctl.project.workflow_schema import workflow_schema
from botctl.spec.bot import BotSpec, LimitsSection
from botctl.spec.project import ProjectSpec
from botctl.spec.workspace import WorkspaceSpec

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_for(kind: str) -> Schema:
    """The JSON Schema (2020-12) of a kind of file: one of `KINDS`."""
    if kind not in KINDS:
        raise UserError(f"there is no schema for `{kind}`", help="one of " + ", ".join(KINDS))
    schema = KINDS[kind]()
    title = schema.pop("title")
    return {"$schema": _DIALECT, "title": title, **without_titles(schema)}


def _bot() -> Schema:
    """bot.yaml, with the settings of each platform and provider by its name."""
    definitions: Schema = {}
    schema = inlined(BotSpec, definitions)
    fields = schema["properties"]
    fields["platforms"] = _by_name(fields["platforms"], PLATFORMS, definitions)
    fields["identity"] = _by_name(fields["identity"], IDENTITY_PROVIDERS, definitions)
    for section in ("ModelSection", "FallbackModel"):
        names = [name for provider in PROVIDERS for name in (provider.name, *provider.aliases)]
        definitions[section]["properties"]["provider"]["enum"] = names
    for name in ("notify", "escalate"):
        told = definitions["HandoffSection"]["properties"][name]
        told["items"] = _told_by("email", *(platform.name for platform in PLATFORMS))
    return {**with_environment({**schema, "$defs": definitions}), "title": "A bot: bot.yaml"}


def _workspace() -> Schema:
    definitions: Schema = {}
    schema = inlined(WorkspaceSpec, definitions)
    fields = schema["properties"]
    for name in ("servers", "functions"):
        fields[name]["propertyNames"] = {"minLength": 1}
    return {
        **with_environment({**schema, "$defs": definitions}),
        "title": "A workspace: workspaces/<name>.yaml",
    }


def _project() -> Schema:
    definitions: Schema = {}
    schema = inlined(ProjectSpec, definitions)
    notified = schema["properties"]["notify"]
    notified["items"] = _told_by("email", *(platform.name for platform in PLATFORMS))
    limits = schema["properties"]["limits"]
    limits |= {"description": limits.get("description", ""), **reference(LimitsSection, definitions)}
    for gone in ("type", "additionalProperties"):
        limits.pop(gone, None)
    return {**with_environment({**schema, "$defs": definitions}), "title": "A project: botctl.yaml"}


KINDS: dict[str, Callable[[], Schema]] = {
    "bot": _bot,
    "workspace": _workspace,
    "workflow": workflow_schema,
    "project": _project,
    "test": story_schema,
}
"""The kinds of files that have a schema."""


def _by_name(field: Schema, records: Iterable[Platform | IdentityProvider], definitions: Schema) -> Schema:
    """Settings by the name of what they are for."""
    properties = {}
    for record in records:
        properties[record.name] = {
            "description": (record.doc or "").strip().split("\n")[0],
            "markdownDescription": (record.doc or "").strip(),
            **or_nothing(reference(record.settings, definitions)),
        }
    return {
        "type": "object",
        "description": field.get("description", ""),
        "properties": properties,
        "additionalProperties": False,
    }


def _told_by(*ways: str) -> Schema:
    """Whom to tell, and by which way: `email: finance@example.com`."""
    address = {"type": ["string", "number"], "description": "The address or channel there."}
    return {
        "type": "object",
        "properties": dict.fromkeys(ways, address),
        "additionalProperties": False,
        "minProperties": 1,
    }

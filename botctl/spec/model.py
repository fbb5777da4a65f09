"""The strict model: what every YAML section is made of. No extra keys, no silent conversions of keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping in a file of the user's. Unknown keys are errors; every field is documented."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, use_attribute_docstrings=True, defer_build=True
    )

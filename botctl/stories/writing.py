"""Writing: values as the YAML that a person would write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_LIKE_A_NUMBER = re.compile(r"[-+]?[.\d][\w.+-]*")
"""PyYAML writes some of these without quotes, such as 1e3 and 0o7, which are numbers in YAML 1.2."""


def yaml_text(value: Mapping[str, Any]) -> str:
    """A value as a person would write it in YAML."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Texts of several lines as blocks, and nothing said by reference to what was said before."""

        def ignore_aliases(self, data: object) -> bool:
            return True

    def write(dumper: Dumper, text: str) -> yaml.Node:
        style = "|" if "\n" in text else "'" if _LIKE_A_NUMBER.fullmatch(text) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, write)
    return yaml.dump(dict(value), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)

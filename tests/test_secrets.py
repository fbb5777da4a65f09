"""Secrets are taken out of texts, also where they stand as JSON writes them."""

from __future__ import annotations

import json

import pytest

from botctl.secrets import Environment


@pytest.mark.parametrize(
    "secret", ["plain-secret", 'with"quote', "with\\backslash", "two\nlines", "größer als"]
)
@pytest.mark.parametrize("is_ascii", [True, False])
def test_no_form_of_a_secret_in_json_is_left(secret: str, is_ascii: bool) -> None:
    environment = Environment({"TOKEN": secret})
    environment.resolve("${TOKEN}")

    told = environment.mask(json.dumps({"said": f"it is {secret}!"}, ensure_ascii=is_ascii))

    assert json.loads(told) == {"said": "it is ***!"}

"""console: the development provider, which prints."""

from __future__ import annotations

import asyncio

import pytest

from botctl.identity.providers.console import CONSOLE
from tests.identity.world import CODE, EMAIL, LINK, PHONE, carry, code_for, link_for


def test_codes_and_links_are_printed_on_standard_error_alone(capsys: pytest.CaptureFixture[str]) -> None:
    ids = asyncio.run(carry(CONSOLE, {}, code_for(EMAIL), link_for(PHONE, id="second")))

    assert (ids, capsys.readouterr()) == (
        ["dlv0000001", "second"],
        (
            "",
            f"[identity] the code for {EMAIL} is {CODE}\n[identity] the link for {PHONE} is {LINK}\n",
        ),
    )

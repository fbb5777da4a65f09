"""A workspace switched on: the sample shop for real, beside servers that are down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from botctl.errors import OutsideError, UserError
from botctl.tools.catalogue import Catalogue
from botctl.tools.functions import FunctionSettings
from botctl.tools.mcp import ServerSettings
from botctl.tools.policy import ToolPolicy
from tests.tools.world import ROOT, SILENT, program

DUMPS = FunctionSettings(name="dumps", python="json:dumps", description="Writes JSON.")


def shop(name: str = "orders", **settings: Any) -> ServerSettings:
    """The sample shop's server, as workspaces/shop.yaml declares it."""
    return ServerSettings(
        name=name, command="python", args=("-m", "shop_server"), cwd=str(ROOT / "workspaces"), **settings
    )


class Open:
    """A catalogue and the event loop that it lives in."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._runner = asyncio.Runner()

    def run(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return self._runner.run(awaited())

    def value(self, tool: str, **arguments: Any) -> Any:
        return self.run(self.catalogue.call(tool, arguments)).value

    def close(self) -> None:
        self.run(self.catalogue.close())
        self._runner.close()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    skill = tmp_path_factory.mktemp("skills") / "refunds"
    skill.mkdir()
    (skill / "SKILL.md").write_text("---\ndescription: How to pay back\n---\nAsk first.")
    opened = Open(
        Catalogue(
            servers=[
                program("raise SystemExit(1)", name="dead"),
                shop(),
                program(SILENT, name="deaf", connect_timeout=0.2),
            ],
            functions=[DUMPS],
            skills=[skill, skill.parent / "missing"],
            policy=ToolPolicy(deny=("orders__list_*", "denied__*"), ask=("orders__refund",)),
        )
    )
    yield opened
    opened.close()


def alone(act: Callable[[Catalogue], Awaitable[Any]], **parts: Any) -> Any:
    async def main() -> Any:
        catalogue = Catalogue(**parts)
        try:
            return await act(catalogue)
        finally:
            await catalogue.close()

    return asyncio.run(main())


# The shop


def test_an_order_is_looked_up_in_the_sample_shop(opened: Open) -> None:
    assert opened.value("orders__get_order", order_id="1042") == {
        "found": True,
        "order_id": "1042",
        "id": "1042",
        "status": "shipped",
        "shipped_date": "2026-11-18",
        "customer": {"name": "Ada Byron", "email": "ada@example.com"},
        "items": [
            {"name": "Desk lamp", "price": 39.9, "quantity": 1},
            {"name": "Light bulb", "price": 4.95, "quantity": 2},
        ],
        "total": 49.8,
        "refunded": 0.0,
    }


def test_an_order_that_is_not_there_is_a_result_to_branch_on(opened: Open) -> None:
    assert opened.value("orders__get_order", order_id="77") == {"found": False, "order_id": "77"}


def test_a_customers_orders_are_a_plain_list(opened: Open) -> None:
    found = opened.value("orders__find_orders", email="Grace@example.com")

    assert [(order["id"], order["total"] > 500) for order in found] == [("1044", True), ("1043", False)]


def test_a_refund_pays_each_time_it_is_called_until_nothing_is_left(opened: Open) -> None:
    paid = [opened.value("orders__refund", order_id="1043", amount=50.5)["refunded"] for _ in range(2)]
    refused = opened.run(opened.catalogue.call("orders__refund", {"order_id": "1043", "amount": 50.5}))

    assert paid == [50.5, 101.0]
    assert refused.is_error
    assert "order 1043 has 13.00 left to pay back, not 50.50" in refused.text


def test_the_shops_tools_say_what_they_do(opened: Open) -> None:
    looks = opened.run(opened.catalogue.find("orders__get_order"))
    pays = opened.run(opened.catalogue.find("orders__refund"))

    assert (looks.hints.may_be_repeated, looks.hints.read_only) == (True, True)
    assert (pays.hints.may_be_repeated, pays.hints.destructive) == (False, True)


def test_the_shop_remembers_refunds_when_its_database_has_a_file(tmp_path: Path) -> None:
    where = {"ORDERS_DB": str(tmp_path / "orders.db")}

    async def refund(catalogue: Catalogue) -> Any:
        return await catalogue.call("orders__refund", {"order_id": "1041", "amount": 1})

    async def look(catalogue: Catalogue) -> Any:
        return await catalogue.call("orders__get_order", {"order_id": "1041"})

    alone(refund, servers=[shop(env=where)])

    assert alone(look, servers=[shop(env=where)]).value["refunded"] == 1.0


# The roof


def test_servers_that_are_down_hide_no_tools_of_the_others_and_are_told(opened: Open) -> None:
    tools = opened.run(opened.catalogue.tools())
    problems = opened.catalogue.problems()

    assert [tool.name for tool in tools] == [
        "orders__get_order",
        "orders__find_orders",
        "orders__refund",
        "functions__dumps",
        "skills__refunds",
    ]
    assert list(problems) == ["dead", "deaf", "skills/missing"]
    assert problems["dead"].startswith("MCP server `dead` ended before it was ready")
    assert problems["deaf"].startswith("MCP server `deaf` was not ready within 200ms")


def test_finding_a_tool_connects_no_server_that_it_does_not_name() -> None:
    async def act(catalogue: Catalogue) -> Any:
        found = await catalogue.find("functions__dumps")
        nothing = await catalogue.find("nobody__knows")
        return found, nothing, [server._connection for server in catalogue._servers.values()]

    found, nothing, connections = alone(act, servers=[shop(), program(SILENT)], functions=[DUMPS])

    assert found.description == "Writes JSON."
    assert (nothing, connections) == (None, [None, None])


def test_a_tool_of_a_server_that_is_down_is_an_error_and_not_unknown() -> None:
    async def act(catalogue: Catalogue) -> Any:
        with pytest.raises(OutsideError, match="MCP server `dead`"):
            await catalogue.find("dead__tool")

    alone(act, servers=[program("raise SystemExit(1)", name="dead")])


def test_a_denied_tool_is_neither_found_nor_called(opened: Open) -> None:
    assert opened.run(opened.catalogue.find("orders__list_items")) is None
    with pytest.raises(UserError, match="policy denies `orders__list_items`"):
        opened.value("orders__list_items")


def test_a_tool_to_ask_for_is_found_and_marked(opened: Open) -> None:
    assert opened.catalogue.decide("orders__refund") == "ask"


@pytest.mark.parametrize("name", ["orders__nothing", "functions__nothing", "skills__nothing", "plain"])
def test_a_tool_that_nobody_has_is_named(opened: Open, name: str) -> None:
    assert opened.run(opened.catalogue.find(name)) is None
    with pytest.raises(UserError, match=f"the workspace has no tool `{name}`"):
        opened.value(name)


def test_functions_and_skills_are_called_like_tools(opened: Open) -> None:
    assert opened.value("functions__dumps", obj=[1]) == "[1]"
    assert opened.value("skills__refunds") == "Ask first."


def test_a_server_whose_name_begins_like_anothers_keeps_its_tools() -> None:
    catalogue = Catalogue(servers=[program(SILENT, name="a"), program(SILENT, name="a__b")])

    assert catalogue._server_of("a__b__c") is catalogue._servers["a__b__"]
    assert catalogue._server_of("a__c") is catalogue._servers["a__"]

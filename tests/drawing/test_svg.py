"""Pictures: whole SVG, without styles of their own, and nothing of a user's text can break out of it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from botctl.drawing.svg import FAMILIES, STYLE, standalone, svg
from botctl.nodes import NODE_TYPES
from tests.drawing.world import drawn_from, sample, tangled

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("bot", ["support-bot", "appointments", "hello"])
def test_every_node_and_every_edge_is_in_the_picture(bot: str) -> None:
    graph = sample(bot)

    root = ElementTree.fromstring(svg(graph))

    nodes = [group.get("data-node") for group in root.iter(f"{SVG}g") if group.get("data-node")]
    edges = [group.get("data-edge") for group in root.iter(f"{SVG}g") if group.get("data-edge")]
    assert (nodes, sorted(edges, key=str)) == (
        list(graph.nodes),
        sorted(f"{edge.source}.{edge.handle} -> {edge.target}" for edge in graph.edges),
    )


def test_a_picture_needs_no_style_no_script_and_no_ids() -> None:
    picture = svg(tangled(30, 1))

    assert re.findall(r'style=|<script|<style| id="| on\w+=', picture) == []


def test_a_picture_says_what_it_is_to_those_who_do_not_see_it() -> None:
    root = ElementTree.fromstring(svg(sample("hello"), title="hello & <others>"))

    title = root.find(f"{SVG}title")
    assert (root.get("role"), title is not None and title.text) == ("img", "hello & <others>")


def test_texts_are_escaped_and_cut() -> None:
    label = '<script>alert("1")</script> & \x00\x1b[31m\u202e and so on without end'
    graph = drawn_from(t={"type": "send_message", "data": {"message": "x", "label": label}})

    root = ElementTree.fromstring(svg(graph))

    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert texts == ['<script>alert("1")</s…', "send_message"]


def test_the_path_of_a_run_and_what_was_found_are_marked() -> None:
    graph = drawn_from("a -> b", "b -> c", "c.error -> d")

    root = ElementTree.fromstring(
        svg(
            graph,
            taken=frozenset({("a", "next", "b")}),
            visited=frozenset({"a", "b"}),
            at=frozenset({"b"}),
            marks={"c": "warning", "d": "error"},
        )
    )

    classes = {
        group.get("data-node") or group.get("data-edge"): group.get("class") for group in root.iter(f"{SVG}g")
    }
    assert (root.get("class"), classes) == (
        "workflow run",
        {
            "a": "node message visited",
            "b": "node message visited at",
            "c": "node message with-warning",
            "d": "node message with-error",
            "a.next -> b": "edge taken",
            "b.next -> c": "edge",
            "c.error -> d": "edge error",
        },
    )


def test_a_file_of_its_own_holds_the_style_sheet() -> None:
    root = ElementTree.fromstring(standalone(svg(sample("hello"))))

    style = root.find(f"{SVG}style")
    assert style is not None and style.text is not None and style.text.strip() == STYLE.strip()


def test_every_class_of_a_picture_is_in_the_style_sheet_or_plain() -> None:
    picture = svg(sample("support-bot"), visited=frozenset({"start"}), marks={"start": "error"})

    classes = {name for words in re.findall(r'class="([^"]+)"', picture) for name in words.split()}
    assert {name for name in classes if f".{name}" not in STYLE} <= {"work"}


def test_every_node_type_has_its_colour() -> None:
    assert [node_type.name for node_type in NODE_TYPES if node_type.name not in FAMILIES] == []


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_drawn_is_well_formed(seed: int) -> None:
    graph = tangled(1 + seed, seed)

    root = ElementTree.fromstring(svg(graph))

    assert root.get("viewBox", "").split()[2:] == [root.get("width"), root.get("height")]

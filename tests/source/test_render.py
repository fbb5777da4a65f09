"""Diagnostics are drawn so that the carets stand under what is meant, whatever the line is made of."""

from __future__ import annotations

import json

from botctl.source.diagnostic import Diagnostic, Label, Severity
from botctl.source.formats import FORMATS, to_github, to_json
from botctl.source.render import plain, render
from botctl.source.span import Span


def finding(
    span: Span | None, *, severity: Severity = "error", file: str = "a.yaml", **rest: str
) -> Diagnostic:
    return Diagnostic(
        code="WF203",
        severity=severity,
        message=rest.get("message", "node `refund` can never be reached"),
        file=file,
        span=span,
        label=rest.get("label", "no edge leads here from a trigger"),
        help=rest.get("help", ""),
    )


def drawn(text: str, *diagnostics: Diagnostic) -> str:
    return render(diagnostics, sources=lambda file: text)


def test_a_finding_looks_as_the_style_guide_shows_it() -> None:
    text = "\n" * 40 + "  - id: refund\n"
    found = finding(Span(41, 9, 41, 15), help="add an edge to `refund`, or delete the node")

    assert drawn(text, found) == (
        "error[WF203]: node `refund` can never be reached\n"
        "  --> a.yaml:41:9\n"
        "   |\n"
        "41 |   - id: refund\n"
        "   |         ^^^^^^ no edge leads here from a trigger\n"
        "   = help: add an edge to `refund`, or delete the node\n"
        "\n"
        "1 error"
    )


def test_carets_stand_right_behind_tabs_and_wide_characters() -> None:
    text = "\t漢字: e\u0301x\n"

    lines = drawn(text, finding(Span(1, 6, 1, 9), label="")).split("\n")

    assert lines[3:5] == ["1 |     漢字: e\u0301x", "  |           ^^"]


def test_other_places_are_drawn_in_the_same_excerpt_with_a_gap_between() -> None:
    found = Diagnostic(
        code="YM102",
        severity="error",
        message="the key `a` stands here twice",
        file="a.yaml",
        span=Span(3, 1, 3, 2),
        label="here again",
        others=(Label(file="a.yaml", span=Span(1, 1, 1, 2), text="first here"),),
    )

    assert drawn("a: 1\nb: 2\na: 3\n", found).split("\n")[2:8] == [
        "  |",
        "1 | a: 1",
        "  | - first here",
        "...",
        "3 | a: 3",
        "  | ^ here again",
    ]


def test_a_stretch_of_several_lines_is_marked_to_the_end_of_its_first() -> None:
    assert drawn("key: |\n  text\n", finding(Span(1, 6, 2, 7), label="")).split("\n")[4] == "  |      ^"


def test_a_line_without_end_is_cut_around_the_carets() -> None:
    text = "x" * 5000 + "here" + "y" * 5000

    lines = drawn(text, finding(Span(1, 5001, 1, 5005))).split("\n")

    assert lines[4].index("^") == lines[3].index("here")
    assert max(len(line) for line in lines) < 200


def test_the_whole_file_is_named_without_an_excerpt() -> None:
    assert drawn("", finding(None)).split("\n")[1] == " --> a.yaml"


def test_a_file_that_is_gone_still_gives_the_place() -> None:
    text = render([finding(Span(7, 3, 7, 4))], sources=lambda file: None)

    assert text.split("\n")[1] == " --> a.yaml:7:3"


def test_what_stands_in_a_file_cannot_steer_the_terminal() -> None:
    text = drawn("a: \x1b[2J\n", finding(Span(1, 4, 1, 8), message="bad \x1b[31m", help="\x07"))

    assert "\x1b" not in text
    assert "\x07" not in text


def test_findings_come_by_file_and_line_and_once() -> None:
    later, sooner = finding(Span(5, 1, 5, 2)), finding(Span(2, 1, 2, 2), severity="warning")
    other = finding(Span(1, 1, 1, 2), file="0.yaml")

    text = drawn("\n" * 9, later, sooner, other, later)

    places = [line.split()[1] for line in text.split("\n") if "-->" in line]
    assert places == ["0.yaml:1:1", "a.yaml:2:1", "a.yaml:5:1"]
    assert text.endswith("2 errors, 1 warning")


def test_colours_only_come_from_the_painter() -> None:
    painted = render(
        [finding(Span(1, 1, 1, 2))], sources=lambda f: "x", paint=lambda text, style: f"<{style}>{text}"
    )

    assert painted.startswith("<error>error[WF203]: <bold>node")


def test_json_holds_all_of_a_finding_and_null_for_the_whole_file() -> None:
    (first, second) = json.loads(to_json([finding(Span(1, 2, 3, 4)), finding(None)]))

    assert (second["line"], second["end_column"], first["line"]) == (1, 4, None)
    assert (second["code"], second["severity"], second["file"]) == ("WF203", "error", "a.yaml")


def test_github_annotations_cannot_be_broken_out_of() -> None:
    found = finding(Span(1, 2, 1, 4), file="a,b:c.yaml", message="100%\n::error::x")

    assert to_github([found]) == (
        "::error file=a%2Cb%3Ac.yaml,line=1,endLine=1,col=2,endColumn=4,title=WF203::"
        "100%25%0A::error::x: no edge leads here from a trigger"
    )


def test_a_file_without_mistakes_is_told_in_text_and_is_an_empty_array_in_json() -> None:
    said = {name: told([], lambda file: None, plain) for name, told in FORMATS.items()}

    assert said == {"text": "no mistakes found", "json": "[]", "github": ""}

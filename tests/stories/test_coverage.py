"""Coverage tells every node that no story runs, and every way out that none takes, where it stands."""

from __future__ import annotations

from pathlib import Path

from botctl.stories.coverage import Coverage, coverage_of
from botctl.stories.play import cast_of
from tests.stories.test_stories import REFUND, STUBS
from tests.stories.world import play_in, write_project

LOOP = """\
nodes:
  - {id: start, type: trigger}
  - {id: each, type: loop, data: {loopType: count, iterations: 2, itemVariable: n}}
  - {id: say, type: send_message, data: {message: "{{n}}"}}
  - {id: done, type: send_message, data: {message: done}}
edges: [start -> each, each.loop_body -> say, each.loop_done -> done]
"""


def covered(folder: Path, stories: str) -> Coverage:
    played = play_in(folder, stories)
    assert [one.failure for one in played] == [None] * len(played)
    return coverage_of(cast_of(folder, {}).bots, played, ["shop"])[0]


def test_what_no_story_takes_is_told_with_its_place(tmp_path: Path) -> None:
    folder = write_project(tmp_path, REFUND)
    stories = """
stories:
  - {name: greeted, steps: [{say: hi}]}
  - {name: asked, steps: [{say: what}]}
  - {name: paid, steps: [{say: money}]}
  - {name: declined, tools: {orders__get: {result: {total: 900}}}, steps: [{say: money}, {decide: reject}]}
  - {name: down, tools: {orders__get: {error: down}}, steps: [{say: money}]}
"""

    found = covered(folder, STUBS + stories)

    assert [(one.code, one.message, one.span and one.span.line) for one in found.missed] == [
        ("ST401", "node `late` runs in no story", 15),
        ("ST402", "`ask` is left by `approved` in no story", 28),
        ("ST402", "`ask` is left by `expired` in no story", 30),
        ("ST402", "`pay` is left by `error` in no story", 32),
    ]
    assert (found.nodes_run, found.nodes, found.handles_taken, found.handles) == (13, 14, 12, 15)
    assert round(found.percent) == 86


def test_a_workflow_that_no_story_leads_into_is_one_finding(tmp_path: Path) -> None:
    folder = write_project(tmp_path, LOOP)

    (found,) = coverage_of(cast_of(folder, {}).bots, [], ["shop"])

    assert (found.percent, [(one.code, one.message) for one in found.missed]) == (
        0.0,
        [("ST401", "no story leads into the workflow of bot `shop`")],
    )


def test_the_ways_out_of_a_loop_are_taken_by_its_body_and_its_end(tmp_path: Path) -> None:
    folder = write_project(tmp_path, LOOP)

    found = covered(folder, "stories: [{name: a, steps: [{say: hi, expect: ['0', '1', done]}]}]")

    assert (found.percent, list(found.missed)) == (100.0, [])


def test_a_loop_without_a_turn_never_takes_its_body(tmp_path: Path) -> None:
    folder = write_project(tmp_path, LOOP.replace("iterations: 2", "iterations: 0"))

    found = covered(folder, "stories: [{name: a, steps: [{say: hi, expect: done}]}]")

    assert [one.message for one in found.missed] == [
        "node `say` runs in no story",
        "`each` is left by `loop_body` in no story",
    ]

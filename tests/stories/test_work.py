"""A story is little work, and no work goes by the clock on the wall."""

from __future__ import annotations

from pathlib import Path

from tests.stories.test_stories import REFUND, STUBS
from tests.stories.world import perform_in, play_in, write_project

FIVE_TURNS = """
    steps:
      - {say: hi}
      - {press: Refund}
      - {say: money, expect: Paid 20.}
      - {say: money, path: [start, classify, route.case_refund, look_up, is_large.false, pay, done]}
      - {say: hi, expect: {buttons: [Refund]}}
"""


def test_a_story_of_five_turns_is_less_than_fifty_milliseconds_of_work(tmp_path: Path) -> None:
    folder = write_project(tmp_path, REFUND)
    stories = "".join(f"\n  - name: number {number}{FIVE_TURNS}" for number in range(10))

    played = play_in(folder, f"{STUBS}stories:{stories}")

    assert [one.failure for one in played] == [None] * 10
    assert min(one.work for one in played) < 0.05


def test_a_year_of_waiting_takes_no_time(tmp_path: Path) -> None:
    workflow = """\
    nodes:
      - {id: start, type: trigger}
      - {id: daily, type: schedule_message, data: {message: good morning, every: "0 9 * * *"}}
    edges: [start -> daily]
    """
    folder = write_project(tmp_path, workflow)

    (played,) = play_in(folder, "stories: [{name: a, steps: [{say: hi}, {after: 365d}]}]")

    assert played.failure is None
    assert [one.message.text for one in played.happened[1].told] == ["good morning"] * 365
    assert played.work < 10


def test_stories_come_out_the_same_in_several_processes_as_in_one(tmp_path: Path) -> None:
    folder = write_project(tmp_path, REFUND)
    stories = "".join(f"\n  - name: number {number}{FIVE_TURNS}" for number in range(9))
    text = f"{STUBS}stories:{stories}\n  - {{name: fails, steps: [{{say: hi, expect: Bye}}]}}\n"

    performances = [perform_in(folder, text, processes=processes) for processes in (1, 2)]

    told = [[(one.name, bool(one.failure)) for one in each.played] for each in performances]
    assert told[0] == told[1] == [*((f"number {number}", False) for number in range(9)), ("fails", True)]

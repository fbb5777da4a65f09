"""The deadline of a turn: it passes, leaves some grace, and passes for good."""

from __future__ import annotations

import asyncio

from botctl.engine.deadline import Deadline


async def _stopped(deadline: Deadline) -> bool:
    """Whether a node that never ends is stopped."""
    try:
        with deadline:
            await asyncio.Event().wait()
    except TimeoutError:
        return True
    return False


def test_what_follows_a_passed_deadline_has_grace_and_no_more() -> None:
    async def whole() -> tuple[bool, str, bool, bool]:
        deadline = Deadline(0.01, grace=0.2)
        first = await _stopped(deadline)
        with deadline:
            said = "sorry"
        second = await _stopped(deadline)
        begun = True
        try:
            with deadline:
                pass
        except TimeoutError:
            begun = False
        return first, said, second, begun

    assert asyncio.run(whole()) == (True, "sorry", True, False)


def test_a_deadline_that_passes_between_two_nodes_stops_the_next_one() -> None:
    async def whole() -> list[bool]:
        passed = asyncio.Event()
        deadline = Deadline(0.01, grace=60)
        asyncio.get_running_loop().call_later(0.02, passed.set)
        await passed.wait()
        began = []
        for _ in range(2):
            try:
                with deadline:
                    began.append(True)
            except TimeoutError:
                began.append(False)
        deadline.over()
        return began

    assert asyncio.run(whole()) == [False, True]

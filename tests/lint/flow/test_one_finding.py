"""One mistake is one finding: what follows from a mistake that is told already is not told again."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.lint.check import check_paths
from botctl.project.load import load_project_file

THINK = "{id: think, type: llm_call, data: {prompt: '{{message}}', outputVariable: intent}}"
TELL = "{id: tell, type: send_message, data: {message: '{{intent.text}} {{intent.tokensInput}}'}}"
AGAIN = "{id: again, type: send_message, data: {message: '{{intent.text}}'}}"
BAD_NAME = (
    "{id: think, type: action, data: {actionType: set_variable, variable: 'all {{message}}', value: x}}"
)
BAD_CODE = "{id: think, type: code_block, data: {code: 'ctx.variables.intent = ;'}}"
ASK = "{id: ask, type: logic, data: {logicType: if_else, condition: '{{message}} == x'}}"
EACH = "{id: each, type: loop, data: {loopType: for_each, arrayVariable: files}}"
CHAIN = ["start -> think", "think -> tell", "tell -> again"]
TO_ASK = ["start -> ask", "ask.true -> think", "ask.false -> think", "think -> tell", "tell -> again"]


@pytest.mark.parametrize(
    ("nodes", "edges", "codes"),
    [
        ([THINK, TELL, AGAIN], CHAIN, []),
        ([THINK.replace("outputVariable: intent", "outputVariable: intnt"), TELL, AGAIN], CHAIN, ["VR201"]),
        ([THINK.replace("outputVariable: intent", "outputVariable: message"), TELL, AGAIN], CHAIN, ["VR210"]),
        ([THINK, TELL.replace("{{intent.text}}", "{{intnt.txt}}"), AGAIN], CHAIN, ["VR201"]),
        ([THINK, TELL.replace("intent.text", "intent.txt"), AGAIN.replace("intent.text", "intent.txt")],
         CHAIN, ["VR204"]),
        ([BAD_NAME, TELL, AGAIN], CHAIN, ["VR303"]),
        ([BAD_CODE, TELL, AGAIN], CHAIN, ["WF301"]),
        ([THINK.replace("prompt: '{{message}}'", "prompt: '{{message'"), TELL, AGAIN], CHAIN, ["VR301"]),
        ([THINK, TELL, AGAIN], ["start -> tell", "tell -> again"], ["WF203"]),
        ([THINK, TELL, AGAIN], [*CHAIN, "again -> think"], ["WF208"]),
        ([ASK, THINK, TELL, AGAIN], [one.replace("ask.true", "ask.ture") for one in TO_ASK], ["WF206"]),
        ([ASK, THINK, TELL, AGAIN],
         [one.replace("ask.false -> think", "ask.false -> tell") for one in TO_ASK], ["VR202"]),
        ([TELL, THINK, AGAIN], ["start -> tell", "tell -> think", "think -> again"], ["VR203"]),
        ([EACH, AGAIN.replace("intent.text", "item.name"), TELL.replace("intent.t", "files.t")],
         ["start -> each", "each.loop_body -> again", "each.loop_done -> tell"], ["VR207"]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once(nodes: list[str], edges: list[str], codes: list[str], tmp_path: Path) -> None:
    written = "\n".join(f"  - {one}" for one in ["{id: start, type: trigger}", *nodes])
    (tmp_path / "w.yaml").write_text(f"nodes:\n{written}\nedges: [{', '.join(edges)}]\n")

    found = check_paths([tmp_path / "w.yaml"], load_project_file(tmp_path)).diagnostics

    assert sorted(diagnostic.code for diagnostic in found) == codes

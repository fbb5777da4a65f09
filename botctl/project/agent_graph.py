"""The agent's graph: a bot without a workflow runs on the same engine, as two nodes that nobody writes."""

from __future__ import annotations

from collections.abc import Mapping

from botctl.agent.loop import AgentSettings, run_agent
from botctl.execution.outcome import Outcome
from botctl.execution.step import Step
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.trigger import TRIGGER
from botctl.project.graph import Edge, Graph, Node

AGENT_DEFINITION = "agent"
"""What agent runs are pinned to: bot.yaml and workspace are live, so there is nothing to keep."""


class AgentData(NodeData):
    """An agent's settings, in the shape of a node's `data`."""

    rounds: int = 10
    """Rounds of tool calls."""
    delegates: dict[str, str] = {}
    """Bots it may call, each with a sentence about it."""


async def execute(data: AgentData, step: Step) -> Outcome:
    """Run the loop."""
    return await run_agent(AgentSettings(rounds=data.rounds, delegates=data.delegates), step)


AGENT = NodeType(name="agent", doc=__doc__, data=AgentData, execute=execute)


def agent_graph(rounds: int, delegates: Mapping[str, str]) -> Graph:
    """A trigger, and the loop."""
    nodes = [
        Node(id="message", type=TRIGGER, data=TRIGGER.data.model_validate({}), raw={}, path=()),
        Node(
            id="agent",
            type=AGENT,
            data=AgentData(rounds=rounds, delegates=dict(delegates)),
            raw={},
            path=(),
        ),
    ]
    return Graph(nodes, [Edge(source="message", target="agent", handle="next", path=())])

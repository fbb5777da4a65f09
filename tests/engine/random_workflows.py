"""Random workflows: small graphs that meet the paragraphs of SEMANTICS.md in odd company, the same for the
same seed.

Many are what lint refuses, as it should (cycles, a handler that cannot be reached); run them with
`--skip-lint`.
"""

from __future__ import annotations

from random import Random
from typing import Any

Node = dict[str, Any]
Edge = dict[str, Any]

MESSAGE = "x"
WEIGHTS = {
    "say": 22,
    "set": 16,
    "count": 9,
    "while": 6,
    "each": 7,
    "if": 10,
    "switch": 4,
    "parallel": 10,
    "boom": 11,
    "handler": 9,
    "end": 3,
    "counter": 3,
}
LISTS = ["[]", '["p"]', '["p","q"]', '["p","q","r"]', '[{"k":1},{"k":2}]']


def random_workflow(seed: int) -> dict[str, Any]:
    """{nodes, edges} for `seed`: 4 to 14 nodes, seldom a long chain or a nest of long loops that meets a
    limit."""
    random = Random(seed)
    draw = random.random()
    if draw < 0.02:
        return long_chain(random)
    if draw < 0.035:
        return long_loops(random)
    return Sketch(random).workflow()


class Sketch:
    """A workflow while it is being drawn: nodes in order, then edges forward, then odd ones."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.names: list[str] = []
        self.follow_up: dict[str, str] = {}

    def workflow(self) -> dict[str, Any]:
        random = self.random
        for number in range(random.choice([1, 1, 1, 1, 1, 2, 2, 3])):
            self.nodes.append(node(f"t{number}", "trigger", triggerType="message_received"))
        size = random.randint(4, 14)
        while len(self.nodes) < max(size, len(self.nodes[:3]) + 2):
            self.add(random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0])
        for place in range(len(self.nodes)):
            self.lead_to(place)
        for _ in range(random.choice([0, 1, 1, 2, 2, 3, 4])):
            self.add_forward()
        for _ in range(random.choice([0, 0, 0, 1, 1, 2])):
            self.add_backward()
        for _ in range(random.choice([0, 0, 1])):
            self.add_error_edge()
        self.end_bodies()
        if random.random() < 0.25:
            random.shuffle(self.edges)
        if random.random() < 0.2:
            random.shuffle(self.nodes)
        return {"nodes": self.nodes, "edges": self.edges}

    # Nodes

    def add(self, kind: str) -> None:
        """Adds a node of a kind (and what it cannot do without)."""
        name = f"{kind[0]}{len(self.nodes)}"
        random = self.random
        if kind == "say":
            self.nodes.append(node(name, "send_message", message=self.text(name)))
        elif kind == "set":
            variable = random.choice([f"v_{name}", f"v_{name}", "shared"])
            self.nodes.append(
                node(name, "action", actionType="set_variable", variable=variable, value=self.text(name))
            )
            self.names.append(variable)
        elif kind == "count":
            self.add_loop(
                name, loopType="count", iterations=random.choice([0, 1, 2, 2, 3, 3]), itemVariable=f"i_{name}"
            )
            self.names.append(f"i_{name}")
        elif kind == "while":
            self.add_while(name)
        elif kind == "each":
            self.add_each(name)
        elif kind in ("if", "switch"):
            self.add_branch(name, kind)
        elif kind == "parallel":
            self.nodes.append(node(name, "parallel", label=name))
        elif kind == "boom":
            self.nodes.append(node(name, "code_block", code="throw new Error('boom')"))
        elif kind == "handler":
            self.nodes.append(node(name, "error_handler", label=name, fallback_message=f"sorry from {name}"))
        elif kind == "end":
            self.nodes.append(node(name, "action", actionType="end_conversation"))
        else:
            self.add_counter(name, f"n_{name}")

    def add_loop(self, name: str, **settings: Any) -> None:
        self.nodes.append(node(name, "loop", **settings))

    def add_while(self, name: str) -> None:
        """A while that ends after a few rounds, most of the time: its body begins with the counter it
        looks at."""
        variable, most = f"n_{name}", self.random.choice([0, 1, 2, 3])
        condition = self.random.choice([f"{{{{{variable}}}}} < {most}", f"{{{{{variable}}}}} != {most}"])
        if self.random.random() < 0.3:
            self.nodes.append(node(name, "logic", logicType="while", condition=condition))
        else:
            self.add_loop(name, loopType="while", condition=condition)
        if self.random.random() < 0.9:
            self.add_counter(f"n{len(self.nodes)}", variable)
            self.follow_up[name] = self.nodes[-1]["id"]

    def add_counter(self, name: str, variable: str) -> None:
        code = f"ctx.variables.{variable} = (ctx.variables.{variable} || 0) + 1"
        self.nodes.append(node(name, "code_block", code=code))
        self.names.append(variable)

    def add_each(self, name: str) -> None:
        """A list and the loop over it; now and then the loop comes without the list, and fails."""
        variable = f"list_{name}"
        if self.random.random() < 0.88:
            code = f"ctx.variables.{variable} = {self.random.choice(LISTS)}"
            self.nodes.append(node(f"m{len(self.nodes)}", "code_block", code=code))
            self.follow_up[self.nodes[-1]["id"]] = name
        self.add_loop(name, loopType="for_each", arrayVariable=variable, itemVariable=f"i_{name}")
        self.names.append(f"i_{name}")

    def add_branch(self, name: str, kind: str) -> None:
        variable = self.random.choice(["message", *self.names[-3:]])
        if kind == "switch":
            cases = ["x", "1"]
            self.nodes.append(node(name, "logic", logicType="switch", variable=variable, cases=cases))
            return
        value = self.random.choice(["x", "x", "y", "0", "1", "2"])
        comparison = self.random.choice(["==", "==", "!="])
        condition = f"{{{{{variable}}}}} {comparison} {value}"
        self.nodes.append(node(name, "logic", logicType="if_else", condition=condition))

    def text(self, name: str) -> str:
        """The node's name, often with a variable that shows who wrote last."""
        if self.names and self.random.random() < 0.6:
            return f"{name} {{{{{self.random.choice(self.names)}}}}}"
        return f"{name} {{{{shared}}}}" if self.random.random() < 0.3 else name

    # Edges

    def lead_to(self, place: int) -> None:
        """An edge to a node from one before it: the one it belongs to, or a near one; some stay alone."""
        target = self.nodes[place]
        if target["type"] == "trigger":
            return
        owner = [name for name, follower in self.follow_up.items() if follower == target["id"]]
        if owner:
            source = next(one for one in self.nodes if one["id"] == owner[0])
            self.add_edge(source, target, "loop_body" if is_loop(source) else "next")
            return
        if target["type"] == "error_handler" and self.random.random() < 0.35:
            return
        if self.random.random() < 0.04:
            return
        nearest = max(0, place - self.random.choice([1, 1, 2, 2, 3, 5, 20]))
        leading = [one for one in self.nodes[nearest:place] if handles(one)] or self.nodes[:1]
        source = self.random.choice(leading)
        self.add_edge(source, target, self.a_handle(source))

    def a_handle(self, source: Node) -> str:
        """A way out of a node: an unused one first."""
        ways = handles(source)
        used = [edge.get("sourceHandle", "next") for edge in self.edges if edge["source"] == source["id"]]
        unused = [way for way in ways if way not in used]
        if unused and self.random.random() < 0.8:
            return unused[0] if self.random.random() < 0.7 else self.random.choice(unused)
        return self.random.choice(ways) if ways else "next"

    def add_edge(self, source: Node, target: Node, handle: str) -> None:
        edge = {"source": source["id"], "target": target["id"]}
        if handle != "next":
            edge["sourceHandle"] = handle
        if edge not in self.edges and handle in [*handles(source), "error"]:
            self.edges.append(edge)

    def add_forward(self) -> None:
        """A second way to a node: a join, a shortcut, a way out of a body."""
        first = self.random.randrange(len(self.nodes) - 1)
        source = self.nodes[first]
        target = self.random.choice(self.nodes[first + 1 :])
        if target["type"] != "trigger" or self.random.random() < 0.1:
            self.add_edge(source, target, self.a_handle(source))

    def add_backward(self) -> None:
        last = self.random.randrange(1, len(self.nodes))
        target = self.nodes[self.random.randrange(0, last + 1)]
        if target["type"] != "trigger":
            self.add_edge(self.nodes[last], target, self.a_handle(self.nodes[last]))

    def add_error_edge(self) -> None:
        source = self.random.choice(
            [one for one in self.nodes if one["type"] in ("code_block", "loop")] or self.nodes
        )
        target = self.random.choice([one for one in self.nodes if one["type"] != "trigger"])
        self.add_edge(source, target, "error")

    def end_bodies(self) -> None:
        """Back edges to loops, and edges from bodies to what `loop_done` reaches."""
        for loop in [one for one in self.nodes if is_loop(one)]:
            after = self.reached(loop, "loop_done")
            body = [one for one in self.reached(loop, "loop_body") if one is not loop]
            if body and self.random.random() < 0.35:
                source = self.random.choice(body)
                self.add_edge(source, loop, self.a_handle(source))
            if body and after and self.random.random() < 0.2:
                source = self.random.choice(body)
                self.add_edge(source, self.random.choice(after), self.a_handle(source))

    def reached(self, loop: Node, handle: str) -> list[Node]:
        """What the edges of one way out reach, in the order of the nodes."""
        found: set[str] = set()
        ahead = [
            edge["target"]
            for edge in self.edges
            if edge["source"] == loop["id"] and edge.get("sourceHandle") == handle
        ]
        while ahead:
            name = ahead.pop()
            if name not in found:
                found.add(name)
                ahead += [edge["target"] for edge in self.edges if edge["source"] == name]
        return [one for one in self.nodes if one["id"] in found and one["type"] != "trigger"]


def node(name: str, kind: str, **settings: Any) -> Node:
    return {"id": name, "type": kind, "data": settings}


def is_loop(one: Node) -> bool:
    return bool(one["type"] == "loop" or one["data"].get("logicType") == "while")


def handles(one: Node) -> list[str]:
    """The ways out of a node, the likeliest first."""
    if is_loop(one):
        return ["loop_body", "loop_done", "loop_body", "loop_done", "error"]
    if one["data"].get("logicType") == "if_else":
        return ["true", "false"]
    if one["data"].get("logicType") == "switch":
        return ["case_x", "case_default", "case_1"]
    if one["type"] == "code_block" and one["data"]["code"].startswith("throw"):
        return ["next", "error", "next"]
    # An edge from a node without a way out is refused even with `--skip-lint` (WF206).
    return [] if one["data"].get("actionType") == "end_conversation" else ["next"]


def long_chain(random: Random) -> dict[str, Any]:
    """One or two chains around the limit of 50 executions."""
    nodes = [node("t", "trigger", triggerType="message_received")]
    edges: list[Edge] = []
    for branch in range(random.choice([1, 2])):
        before = "t"
        for number in range(random.choice([20, 24, 25, 26, 48, 49, 50, 55])):
            name = f"b{branch}_{number}"
            nodes.append(node(name, "action", actionType="set_variable", variable="shared", value=name))
            edges.append({"source": before, "target": name})
            before = name
        nodes.append(node(f"z{branch}", "send_message", message=f"z{branch} {{{{shared}}}}"))
        edges.append({"source": before, "target": f"z{branch}"})
    return {"nodes": nodes, "edges": edges}


def long_loops(random: Random) -> dict[str, Any]:
    """A loop in a loop around the limit of 1,000 executions inside iterations, and of 50 iterations."""
    outer, inner = random.choice([(30, 40), (19, 50), (20, 60), (60, 3), (50, 19)])
    nodes = [
        node("t", "trigger", triggerType="message_received"),
        node("l", "loop", loopType="count", iterations=outer, itemVariable="i_l"),
        node("k", "loop", loopType="count", iterations=inner, itemVariable="i_k"),
        node("a", "action", actionType="set_variable", variable="v_a", value="{{i_l}} {{i_k}}"),
        node("d", "send_message", message="d {{v_a}}"),
    ]
    edges = [
        {"source": "t", "target": "l"},
        {"source": "l", "target": "k", "sourceHandle": "loop_body"},
        {"source": "k", "target": "a", "sourceHandle": "loop_body"},
        {"source": "l", "target": "d", "sourceHandle": "loop_done"},
    ]
    if random.random() < 0.5:
        edges.append({"source": "a", "target": random.choice(["l", "k"])})
    return {"nodes": nodes, "edges": edges}

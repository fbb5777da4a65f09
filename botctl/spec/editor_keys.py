"""Keys that visual editors leave in exported workflows. They say how it looks, not what it does."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The fields of React Flow's ReactFlowJsonObject, Node and Edge (versions 11 and 12), and what builders on top
# of it add for looks.
_ON_ALL = _words(
    "position width height selected dragging viewport style className hidden zIndex ariaLabel ariaRole "
    "domAttributes selectable deletable focusable measured metadata notes"
)

WORKFLOW_EXTRAS = _ON_ALL | _words(
    "$schema id name description version label zoom x y created_at updated_at createdAt updatedAt"
)
"""Beside `nodes` and `edges`."""

NODE_EXTRAS = _ON_ALL | _words(
    "positionAbsolute computed initialWidth initialHeight draggable dragHandle connectable parentId "
    "parentNode extent expandParent sourcePosition targetPosition resizing origin handles handleBounds "
    "internals isParent"
)
"""Beside `id`, `type` and `data`."""

EDGE_EXTRAS = _ON_ALL | _words(
    "id type animated label labelStyle labelShowBg labelBgStyle labelBgPadding labelBgBorderRadius "
    "markerStart markerEnd reconnectable updatable targetHandle sourceNode targetNode sourceX sourceY "
    "targetX targetY sourcePosition targetPosition interactionWidth pathOptions data"
)
"""Beside `source`, `target` and `sourceHandle`."""

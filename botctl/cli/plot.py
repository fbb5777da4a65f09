"""The plot: a row of columns made of block characters, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"
_HEIGHT = 6
_MOST_COLUMNS = 64


def column_plot(labels: Sequence[str], values: Sequence[float], top: str) -> list[str]:
    """The lines of a plot: one column per value, the last 64 of them; `top` is written beside the highest.

    A value above zero is seen, however small it is.
    """
    labels, values = labels[-_MOST_COLUMNS:], values[-_MOST_COLUMNS:]
    highest = max(values, default=0)
    if highest <= 0:
        return []
    eighths = [max(1, round(value / highest * _HEIGHT * 8)) if value > 0 else 0 for value in values]
    width = 2 if len(values) <= _MOST_COLUMNS // 2 else 1
    margin = max(len(top), 2)
    lines = []
    for row in reversed(range(_HEIGHT)):
        columns = "".join(_BLOCKS[min(8, max(0, height - row * 8))] * width for height in eighths)
        side = top if row == _HEIGHT - 1 else ""
        lines.append(f"{side:>{margin}} ┤{columns}".rstrip())
    lines.append(f"{'0':>{margin}} └{'─' * (width * len(values))}")
    across = f"{labels[0]}{labels[-1]:>{max(0, width * len(values) - len(labels[0]))}}"
    if len(labels) == 1 or width * len(values) < len(labels[0]) + len(labels[-1]) + 1:
        across = labels[0] if len(labels) == 1 else f"{labels[0]} to {labels[-1]}"
    lines.append(" " * (margin + 2) + across)
    return lines

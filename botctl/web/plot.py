"""The plot: columns over days, and bars beside names, as SVG without a style of its own."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

_WIDTH = 720.0
_HEIGHT = 200.0
_TOP = 22.0
_FOOT = 26.0
_GAP = 0.28
_MOST_LABELS = 6


class Column(Struct, frozen=True, kw_only=True):
    """One column. told: its value for people."""

    label: str
    value: float
    told: str


def columns(title: str, shown: Sequence[Column]) -> str:
    """A whole `<svg>`: the columns side by side, the highest value written above its own. A value above zero
    is seen, however small it is. Screen readers get the title; the table beside it has the rest."""
    highest = max((column.value for column in shown), default=0.0)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" aria-label={quoteattr(title)}'
        f' viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}">',
        f'<line class="floor" x1="0" x2="{_WIDTH:g}" y1="{_HEIGHT - _FOOT:g}" y2="{_HEIGHT - _FOOT:g}"/>',
    ]
    each = _WIDTH / max(1, len(shown))
    every = max(1, -(-len(shown) // _MOST_LABELS))
    room = _HEIGHT - _TOP - _FOOT
    for number, column in enumerate(shown):
        height = max(2.0, column.value / highest * room) if highest > 0 and column.value > 0 else 0.0
        left, top = number * each + each * _GAP / 2, _HEIGHT - _FOOT - height
        about = escape(f"{column.label}: {column.told}")
        lines.append(
            f'<rect class="column" x="{left:.1f}" y="{top:.1f}" width="{each * (1 - _GAP):.1f}"'
            f' height="{height:.1f}" rx="2"><title>{about}</title></rect>'
        )
        if number % every == 0:
            lines.append(
                f'<text class="day" x="{left:.1f}" y="{_HEIGHT - 8:g}">{escape(column.label[5:])}</text>'
            )
    if highest > 0:
        peak = next(number for number, column in enumerate(shown) if column.value == highest)
        anchor = "start" if peak < len(shown) / 2 else "end"
        x = peak * each + each * (_GAP / 2 if anchor == "start" else 1 - _GAP / 2)
        lines.append(f'<text class="peak {anchor}" x="{x:.1f}" y="14">{escape(shown[peak].told)}</text>')
    return "\n".join([*lines, "</svg>"])


def bar(share: float) -> str:
    """A whole `<svg>`: how much of the largest one is. It repeats what stands beside it, so nobody reads it
    out."""
    width = max(1.0, min(100.0, share * 100)) if share > 0 else 0.0
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="share" aria-hidden="true" focusable="false"'
        ' viewBox="0 0 100 6" preserveAspectRatio="none">'
        '<rect class="rail" width="100" height="6"/>'
        f'<rect class="part" width="{width:.1f}" height="6"/></svg>'
    )

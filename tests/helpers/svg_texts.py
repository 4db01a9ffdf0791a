"""Where the texts of a drawing stand: their boxes, as wide as the layout face sets them."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from xml.etree import ElementTree

_SIZE = re.compile(r"font(?:-size)?:[^;]*?([\d.]+)px")
"""In either form that matplotlib writes: a property of its own, or the shorthand for all of the font."""
_ANCHOR = re.compile(r"text-anchor: (\w+)")
_MOVE = re.compile(r"translate\(([\d.-]+) ([\d.-]+)\)")
_TURN = re.compile(r"rotate\((-?[\d.]+)")


@dataclass(frozen=True)
class Box:
    text: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other, slack=0.6):
        return (
            self.left < other.right - slack
            and other.left < self.right - slack
            and self.top < other.bottom - slack
            and other.top < self.bottom - slack
        )


@cache
def _width(text, size):
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    return TextPath((0, 0), text, size=size, prop=FontProperties(family="STIXGeneral")).get_extents().width


def _nodes(svg):
    return [node for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("}text")]


def texts(svg):
    """The text elements: they are text, not outlines, so that the report can search and embed them."""
    return ["".join(node.itertext()) for node in _nodes(svg)]


def boxes(svg):
    """The boxes of all texts, in points, y downwards; text stands upright or is turned by a quarter."""
    found = []
    for node in _nodes(svg):
        text, style = "".join(node.itertext()), node.get("style", "")
        size = float(_SIZE.search(style)[1])
        anchor = _ANCHOR.search(style)
        width = _width(text, size)
        moved = _MOVE.search(node.get("transform", ""))
        x, y = (float(v) for v in (moved.groups() if moved else (node.get("x"), node.get("y"))))
        back = {"start": 0.0, "middle": width / 2, "end": width}[anchor[1] if anchor else "start"]
        turned = abs(float(_TURN.search(node.get("transform", "rotate(0"))[1])) == 90
        if turned:
            found.append(Box(text, x - 0.7 * size, y - width + back, x + 0.2 * size, y + back))
        else:
            found.append(Box(text, x - back, y - 0.7 * size, x - back + width, y + 0.2 * size))
    return found


def collisions(svg):
    """Pairs of texts that overlap, and texts that leave the drawing."""
    width, height = (float(value) for value in ElementTree.fromstring(svg).get("viewBox").split()[2:])
    found = [(a.text, b.text) for a, b in combinations(boxes(svg), 2) if a.meets(b)]
    found += [
        (box.text, "edge")
        for box in boxes(svg)
        if box.left < -1 or box.right > width + 1 or box.top < -1 or box.bottom > height + 1
    ]
    return found

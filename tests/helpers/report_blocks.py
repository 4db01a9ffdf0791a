"""Finding things in a report's document, and its texts."""

from amrobust.report.document import document

_last = (None, None, None)


def sections(comparison, layout=None):
    """The sections in order; the last ones made are kept, since drawing the figures takes a while."""
    global _last
    if _last[0] is not comparison or _last[1] != layout:
        _last = (comparison, layout, document(comparison, layout)["sections"])
    return _last[2]


def names(comparison, layout=None):
    """The names of the sections in order."""
    return [section["name"] for section in sections(comparison, layout)]


def blocks(comparison, kind, section=None, layout=None):
    """All blocks of a kind, of one section or of all."""
    return [
        block
        for found in sections(comparison, layout)
        if section in (None, found["name"])
        for block in found["blocks"]
        if block["kind"] == kind
    ]


def paragraphs(comparison, style=None, layout=None):
    """The texts of paragraphs."""
    return [
        "".join(span["text"] for span in block["spans"])
        for block in blocks(comparison, "paragraph", layout=layout)
        if style in (None, block["style"])
    ]


def column(table, title):
    """The texts of a table's column, and the badges where it has those."""
    place = [found["title"].replace("\n", " ") for found in table["columns"]].index(title)
    cells = [row["cells"][place] for row in table["rows"] if not row["group"]]
    return [cell["badge"] or cell["text"] for cell in cells]


def strings(node):
    """Every text that a reader is shown: no names of kinds, no drawings, no formulas."""
    if isinstance(node, dict):
        if node.get("kind") == "math":
            return
        for key, value in node.items():
            if key not in ("kind", "svg", "name", "style", "align", "paper", "alt") and value is not None:
                yield from strings(value)
    elif isinstance(node, (list, tuple)):
        for item in node:
            yield from strings(item)
    elif isinstance(node, str) and node:
        yield node

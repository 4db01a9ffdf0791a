"""Finding one verdict in a comparison, and the kinds of warnings that something carries."""


def verdict(comparison, kind, method=None):
    found = [
        v
        for compared in comparison.groups
        for v in compared.verdicts
        if v.claim.kind == kind and method in (None, v.claim.method)
    ]
    assert len(found) == 1
    return found[0]


def kinds(item):
    return {warning.kind for warning in item.warnings}

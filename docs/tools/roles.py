"""A griffe extension for the API page: roles such as ``:class:`Runs``` become links where the page has what they name."""

import re

import griffe

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`(~?)([\w.]+)`")


class Roles(griffe.Extension):
    """Rewrites the roles of every docstring."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrite the docstring of ``obj``."""
        if obj.docstring is not None:
            obj.docstring.value = ROLE.sub(
                lambda found: self._link(obj, *found.groups()), obj.docstring.value
            )

    @staticmethod
    def _link(obj: griffe.Object, short: str, name: str) -> str:
        shown = name.rpartition(".")[2] if short else name
        try:
            path = obj.resolve(name)
        except griffe.NameResolutionError:
            path = name
        return f'<autoref optional identifier="{path}"><code>{shown}</code></autoref>'

"""A module that cannot be imported, as where a dependency is missing."""

raise ImportError("the tutorial's missing dependency")

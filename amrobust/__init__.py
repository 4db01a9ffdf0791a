"""amrobust: says, honestly, whether one optimizer is more robust than another.

The floors of the package, top to bottom, each importing only from those below it:
``cli``, ``report``, ``claims``, ``stats``, ``runs``, ``experiments``, ``workloads``, ``optim``, ``rules``.
"""

__version__ = "0.1.0"

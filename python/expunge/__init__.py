"""Make trained image classifiers forget, and measure what they still give away.

    edit, Gram          edit one layer's weights, from arrays of any framework
    expunge.torch       unlearn a whole torch.nn.Module, read its logits, export its network
    attack, audit       what logits give away
    metrics             scores and answers to numbers with intervals
    run, results        experiments of the program, and their numbers
    version             the library's version

>>> import expunge
>>> sorted(expunge.__all__)
['Error', 'Gram', 'attack', 'audit', 'edit', 'metrics', 'results', 'run', 'version']
"""

from __future__ import annotations

from . import metrics
from ._edit import Gram, edit
from ._library import Error, library
from ._program import results, run
from ._signals import attack, audit

__all__ = ["Error", "Gram", "attack", "audit", "edit", "metrics", "results", "run", "version"]


def version() -> str:
    """The library's version.

    >>> version().count(".")
    2
    """
    return str(library().expunge_version().decode())

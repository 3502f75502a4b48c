"""Where the axes of a node's map are in a tensor of torch: what views, permutations and flattening do, without any numbers.

A dimension of a tensor is a run of atoms, pieces of axes: ("C", 3, 16) is an axis C counted in steps of 16, three of them. Of a batch of
maps [N, C, H, W], `flatten(2).transpose(1, 2)` is ((N), (H, W), (C)); an axis of size 1 has no atom.
"""

from __future__ import annotations

import math
from typing import List, Optional, Sequence, Tuple

Atom = Tuple[str, int, int]  # axis, size, step
Dim = Tuple[Atom, ...]
Dims = Tuple[Dim, ...]


def axis(name: str, size: int) -> Dim:
    """A whole axis."""
    return ((name, size, 1),) if size != 1 else ()


def size_of(dim: Dim) -> int:
    return math.prod(atom[1] for atom in dim)


def joined(atoms: Sequence[Atom]) -> Dim:
    """Neighbours that count on are one atom."""
    out: List[Atom] = []
    for name, size, step in atoms:
        if out and out[-1][0] == name and out[-1][2] == size * step:
            out[-1] = (name, out[-1][1] * size, step)
        else:
            out.append((name, size, step))
    return tuple(out)


def reshaped(dims: Dims, sizes: Sequence[int]) -> Optional[Dims]:
    """The same numbers in the same order with other sizes; None where an axis would be cut unevenly."""
    waiting = [atom for dim in dims for atom in dim][::-1]
    out: List[Dim] = []
    for size in sizes:
        taken: List[Atom] = []
        left = size
        while left > 1:
            if not waiting:
                return None
            name, there, step = waiting.pop()
            if left % there == 0:
                taken.append((name, there, step))
                left //= there
            elif there % left == 0:
                taken.append((name, left, step * (there // left)))
                waiting.append((name, there // left, step))
                left = 1
            else:
                return None
        out.append(joined(taken))
    return None if waiting else tuple(out)


def permuted(dims: Dims, order: Sequence[int]) -> Dims:
    return tuple(dims[i] for i in order)

"""What a tensor of torch's graph is to a graph file: a node's map, a parameter, fixed numbers, or a part of an attention."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch

from ._graph_layout import Dims, axis

BATCH = 2  # images of the graph: two, since a batch of one could not be told from other axes of one
Step = Tuple[Any, ...]
PADDED = "zeros around it"  # above, below, on the left, on the right: a step that only a convolution takes, and that dims do not show

# what waiting steps are together; numbers rounded to six digits
ACTIVATIONS: Dict[Tuple[Step, ...], str] = {
    (("clamp", 0.0, math.inf),): "relu",
    (("clamp", 0.0, 6.0),): "relu6",
    (("mul", 0.5),): "half",
    (("sigmoid",),): "sigmoid",
    (("sigmoid",), ("self",)): "silu",
    (("add", 3.0), ("clamp", 0.0, 6.0), ("mul", 0.166667)): "hardsigmoid",
    (("add", 3.0), ("clamp", 0.0, 6.0), ("mul", 0.166667), ("self",)): "hardswish",
    (("add", 3.0), ("clamp", 0.0, 6.0), ("self",), ("mul", 0.166667)): "hardswish",
}
HARD_SIGMOID: Tuple[Step, ...] = (("add", 3.0), ("clamp", 0.0, 6.0), ("mul", 0.166667))


@dataclasses.dataclass(frozen=True)
class Map:
    """A node's output [C, H, W], or its channels from `first` on, as a tensor of dims, and steps that it still has to go through."""

    node: str
    shape: Tuple[int, int, int]
    dims: Dims
    first: int = 0
    channels: int = -1
    steps: Tuple[Step, ...] = ()
    taken: bool = False  # images, of which it is known how they are normalised
    rolled: Tuple[int, int] = (0, 0)  # by so many rows and columns, which only windows take

    @property
    def whole(self) -> bool:
        return self.channels < 0


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A parameter or buffer; its axes are called "0", "1", ..."""

    name: str
    shape: Tuple[int, ...]
    dims: Dims

    @property
    def plain(self) -> bool:
        return self.dims == plain_dims(self.shape)

    @property
    def vector(self) -> Optional[int]:
        """Counted from the right, the one dimension that has a size; None: several."""
        there = [i - len(self.dims) for i, dim in enumerate(self.dims) if dim]
        return there[0] if len(there) == 1 else None


@dataclasses.dataclass(frozen=True)
class Constant:
    """Numbers that depend on no image and no parameter."""

    value: Any


@dataclasses.dataclass(frozen=True)
class Scores:
    """Queries times keys, perhaps after the softmax: axes N, C (heads), H (queries), K (keys)."""

    query: Map
    key: Map
    dims: Dims
    factor: float
    soft: bool = False
    window: int = 0  # its side, if queries and keys are of one window; 0: of the whole map
    bias: Tuple[str, ...] = ()  # its relative positions' table
    masked: bool = False  # so that pixels that were apart before the map was rolled do not see each other


@dataclasses.dataclass(frozen=True)
class ClassTokens:
    """Class tokens in front of the pixels of a map, as long as no positions are added."""

    token: str
    count: int
    map: Map
    dims: Dims


@dataclasses.dataclass(frozen=True)
class Quarter:
    """Every other row and column of a map; at: from row 0 or 1, from column 0 or 1; -1: every one."""

    map: Map
    at: Tuple[int, int]
    dims: Dims


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of relative positions by pairs of pixels of a window: axes Q, K and heads."""

    name: str
    window: int
    dims: Dims


@dataclasses.dataclass(frozen=True)
class Finite:
    """Where scores are finite: a softmax that is safe asks this."""


Value = Union[Map, Tensor, Constant, Scores, ClassTokens, Quarter, Table, Finite]


def dims_of(x: Value) -> Dims:
    return () if isinstance(x, (Constant, Finite)) else x.dims


def laid(x: Value, dims: Dims) -> Value:
    """The same, laid out otherwise."""
    return x if isinstance(x, (Constant, Finite)) else dataclasses.replace(x, dims=dims)


class Refused(Exception):
    """Half a sentence: why something cannot be in a graph file."""


def plain_dims(shape: Sequence[int]) -> Dims:
    return tuple(axis(str(i), n) for i, n in enumerate(shape))


def pair_of(value: Any) -> List[int]:
    values = [int(v) for v in value] if isinstance(value, (list, tuple)) else [int(value)]
    return values * 2 if len(values) == 1 else values


def short(pair: Sequence[int]) -> Any:
    return pair[0] if pair[0] == pair[1] else list(pair)


def square(pair: Sequence[int], what: str) -> int:
    if pair[0] != pair[1]:
        raise Refused(f"{what} {list(pair)}: must be the same along both sides of the map")
    return pair[0]


def rounded(number: float) -> float:
    return float(f"{number:.6g}")

def begins(steps: Tuple[Step, ...]) -> bool:
    """Whether an activation begins with these steps."""
    return any(known[: len(steps)] == steps for known in ACTIVATIONS)


def flat(values: Sequence[Any]) -> List[Any]:
    out: List[Any] = []
    for v in values:
        out += flat(v) if isinstance(v, (list, tuple)) else [v]
    return out


def number_of(x: Any) -> float:
    """A single number; NaN: it is none."""
    if isinstance(x, Constant):
        x = x.value
        if isinstance(x, torch.Tensor):
            return float(x) if x.numel() == 1 else math.nan
    return float(x) if isinstance(x, (int, float)) else math.nan


def masks_nothing(mask: Any) -> bool:
    if not isinstance(mask, Constant) or not isinstance(mask.value, torch.Tensor):
        return False
    return bool(mask.value.all() if mask.value.dtype == torch.bool else not mask.value.any())

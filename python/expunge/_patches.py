"""Which rows of a layer's inputs are taken, and taking them: unlearn/svd/patches.c, for maps of one to three dimensions."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import Any, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import torch

from . import _library

PIECE = 64 << 20  # bytes of rows that are unfolded at a time


def _numbers(values: Sequence[int]) -> Any:
    return (ctypes.c_int64 * len(values))(*values)


def draw_below(seed: int, purpose: str, index: int, limits: Sequence[int]) -> Tuple[int, ...]:
    """Numbers below each limit, from the program's stream of that purpose."""
    out = _numbers([0] * len(limits))
    _library.call("expunge_random_below", seed, purpose.encode(), index, _numbers(limits), len(limits), out)
    return tuple(out)


def draw_rows(seed: int, purpose: str, index: int, n: int, count: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """`count` different numbers below n, ascending."""
    out = np.empty(count, np.int64)
    pointer = out.ctypes.data_as(ctypes.POINTER(ctypes.c_int64))
    _library.call("expunge_random_choose", seed, purpose.encode(), index, n, count, pointer)
    return out


@dataclass(frozen=True)
class Shape:
    """How a layer's inputs become rows. `kernel` empty: a product with vectors, else a convolution."""

    channels: int  # of one group, or values of a vector
    groups: int = 1
    kernel: Tuple[int, ...] = ()
    stride: Tuple[int, ...] = ()
    dilation: Tuple[int, ...] = ()
    pad: Tuple[Tuple[int, int], ...] = ()  # before and after
    size: Tuple[int, ...] = ()  # of a map
    each: int = 1  # maps or vectors per image; 0: not the same for every image

    @property
    def features(self) -> int:
        return self.channels * int(np.prod(self.kernel, dtype=np.int64))

    def extent(self, d: int) -> int:
        """How far the kernel reaches."""
        return self.dilation[d] * (self.kernel[d] - 1) + 1


@dataclass
class Plan:
    """The rows that are taken of one use of a layer, fixed before any image is seen."""

    shape: Shape
    corner: Tuple[int, ...] = ()
    window: Tuple[int, ...] = ()
    out: Tuple[int, ...] = ()
    total: int = 0  # rows of all images
    rows: int = 0  # those taken; 0: not known
    chosen: Optional["np.ndarray[Any, np.dtype[np.int64]]"] = field(default=None, repr=False)

    @property
    def positions(self) -> int:
        """Patches of one map; 1 of a vector."""
        return int(np.prod(self.out, dtype=np.int64))

    def before(self, image: int) -> int:
        """How many of the rows taken belong to earlier images."""
        limit = image * self.shape.each * self.positions
        return limit if self.chosen is None else int(np.searchsorted(self.chosen, limit))


def make_plan(shape: Shape, number: int, images: int, paper: bool, most: int, seed: int, side: str) -> Plan:
    """As unlearn_patches_plan: a random window of three kernels a side, then at most so many random rows."""
    plan = Plan(shape, window=shape.size, corner=(0,) * len(shape.size))
    if not shape.each:
        return plan
    if paper and shape.kernel:
        plan.window = tuple(min(s, 3 * shape.extent(d)) for d, s in enumerate(shape.size))
        limits = [s - w + 1 for s, w in zip(shape.size, plan.window)]
        plan.corner = draw_below(seed, side + "_window", number, limits)
    plan.out = tuple(
        (w + sum(shape.pad[d]) - shape.extent(d)) // shape.stride[d] + 1 for d, w in enumerate(plan.window)
    )
    plan.total = plan.rows = images * shape.each * plan.positions
    many = bool(shape.kernel) or shape.each > 1
    if paper and many and 0 < most < plan.total:
        plan.rows = most
        plan.chosen = draw_rows(seed, side + "_patches", number, plan.total, most)
    return plan


def take(plan: Plan, x: torch.Tensor, first: int, images: int) -> Iterator[torch.Tensor]:
    """The rows of images first, first + 1, .. out of x, in pieces: [rows, groups, features] as x lies in memory and is typed.

    x: [images * each, channels of all groups, *size] of a convolution, [images * each, channels] else.
    """
    shape = plan.shape
    place = None
    if plan.chosen is not None:
        here = plan.chosen[plan.before(first) : plan.before(first + images)]
        place = torch.from_numpy(here - first * shape.each * plan.positions).to(x.device)
    if not shape.kernel:
        yield (x if place is None else x[place]).unsqueeze(1)
        return
    view = _unfolded(plan, x)
    width = shape.groups * shape.features * x.element_size()
    count = view.shape[0] * plan.positions if place is None else len(place)
    step = max(1, PIECE // width)
    for at in range(0, count, step):
        end = min(count, at + step)
        which = torch.arange(at, end, device=x.device) if place is None else place[at:end]
        index: List[torch.Tensor] = []
        for size in reversed(plan.out):
            index.insert(0, which % size)
            which = torch.div(which, size, rounding_mode="floor")
        rows = view[(which, *index)]
        yield rows.reshape(end - at, shape.groups, shape.features)


def _unfolded(plan: Plan, x: torch.Tensor) -> torch.Tensor:
    """A view [maps, *out, groups, channels, *kernel] of the padded windows."""
    shape = plan.shape
    for d, (corner, size) in enumerate(zip(plan.corner, plan.window)):
        x = x.narrow(2 + d, corner, size)
    pads = [p for pair in reversed(shape.pad) for p in pair]
    x = torch.nn.functional.pad(x, pads).contiguous()
    image, channel, *steps = x.stride()
    sizes = (x.shape[0], *plan.out, shape.groups, shape.channels, *shape.kernel)
    strides = (
        image,
        *(s * t for s, t in zip(steps, shape.stride)),
        channel * shape.channels,
        channel,
        *(s * t for s, t in zip(steps, shape.dilation)),
    )
    return x.as_strided(sizes, strides)

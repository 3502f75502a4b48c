"""Which rows of a layer's inputs are taken, and taking them: unlearn/svd/patches.c, for maps of one to three dimensions."""

from __future__ import annotations

import ctypes
import itertools
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import torch

from . import _library

PIECE = 16 << 20  # bytes of rows that are unfolded at a time: malloc maps larger ones anew every time
# Above this part of all products that are left, one group of whole rows is as fast (unlearn/svd/patches.c).
WORTH = 0.85
SPANS = 16  # of columns that the library takes

Box = Tuple[Tuple[int, int], ...]  # places of a kernel, first and end of each dimension


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

    def taps(self) -> Tuple[List[Box], "np.ndarray[Any, np.dtype[np.int64]]"]:
        """The parts of the kernel that lie inside of the window, and the number of its part for each position; one part where
        telling them apart saves little (unlearn_patches_group)."""
        shape = self.shape
        sides = [[self._inside(d, at) for at in range(n)] for d, n in enumerate(self.out)]
        boxes: Dict[Box, int] = {}
        kind = [boxes.setdefault(box, len(boxes)) for box in itertools.product(*sides)]
        whole = float(np.prod(shape.kernel, dtype=np.int64))
        share = [(float(np.prod([b - a for a, b in box])) / whole) ** 2 for box in boxes]
        if sum(share[i] for i in kind) / len(kind) > WORTH or any(len(_spans(shape, box)) > SPANS for box in boxes):
            return [tuple((0, k) for k in shape.kernel)], np.zeros(len(kind), np.int64)
        return list(boxes), np.array(kind, np.int64)

    def _inside(self, d: int, at: int) -> Tuple[int, int]:
        """Places of the kernel that are inside of the window where it is `at` steps along a dimension."""
        shape = self.shape
        start = at * shape.stride[d] - shape.pad[d][0]
        inside = [i for i in range(shape.kernel[d]) if 0 <= start + i * shape.dilation[d] < self.window[d]]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    def before(self, image: int) -> int:
        """How many of the rows taken belong to earlier images."""
        limit = image * self.shape.each * self.positions
        return limit if self.chosen is None else int(np.searchsorted(self.chosen, limit))


def make_plan(shape: Shape, number: int, images: int, paper: bool, most: int, seed: int, side: str) -> Plan:
    """As unlearn_patches_plan: a random window of three kernels a side, then at most so many random rows."""
    plan = Plan(shape, window=shape.size, corner=(0,) * len(shape.size))
    if paper and shape.kernel and shape.each:
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


def make_room(plan: Plan, maps: int, x: torch.Tensor) -> torch.Tensor:
    """Room for the padded windows of so many maps of a convolution's inputs, typed and on the device as x: zeros
    [maps, *window with padding, channels of all groups]."""
    sizes = (w + sum(p) for w, p in zip(plan.window, plan.shape.pad))
    return x.new_zeros((maps, *sizes, x.shape[1]))


def put(plan: Plan, x: torch.Tensor, into: torch.Tensor) -> None:
    """The windows of inputs x [maps, channels of all groups, *size] into their part of such a room."""
    for d, (corner, size) in enumerate(zip(plan.corner, plan.window)):
        x = x.narrow(2 + d, corner, size)
        into = into.narrow(1 + d, plan.shape.pad[d][0], size)
    into.copy_(x.movedim(1, -1))


def take(plan: Plan, x: torch.Tensor, first: int, images: int, split: bool) -> Iterator[Tuple[torch.Tensor, Any]]:
    """The rows of images first, first + 1, .. out of x, in pieces [rows, groups, features]: as typed and on the device as x. Columns of a
    convolution's rows are ordered by kernel place, then channel. With `split`, pieces of one group may hold only the columns that can
    differ from 0, and then come with their spans (first, width); else with None.

    x: padded windows of a convolution (make_room), [images * each, channels] else.
    """
    shape = plan.shape
    which = None
    if plan.chosen is not None:
        here = plan.chosen[plan.before(first) : plan.before(first + images)]
        which = torch.from_numpy(here - first * shape.each * plan.positions).to(x.device)
    if not shape.kernel:
        yield (x if which is None else x[which]).unsqueeze(1), None
        return
    view = _unfolded(plan, x)
    if which is None:
        which = torch.arange(view.shape[0] * plan.positions, device=x.device)
    parts: List[Tuple[Optional[Box], torch.Tensor]] = [(None, which)]
    if split and shape.groups == 1:
        boxes, kind = plan.taps()
        if len(boxes) > 1:
            kinds = torch.from_numpy(kind).to(x.device)[which % plan.positions]
            parts = [(box, which[kinds == i]) for i, box in enumerate(boxes)]
    for box, numbers in parts:
        narrow, spans = view, None
        if box is not None:
            for d, (a, b) in enumerate(box):
                narrow = narrow.narrow(2 + len(plan.out) + d, a, b - a)
            spans = _spans(shape, box)
        width = int(np.prod(narrow.shape[1 + len(plan.out) :], dtype=np.int64)) * x.element_size()
        step = max(1, PIECE // max(width, 1))
        step = step // 512 * 512 or step  # that many the library multiplies at once
        for at in range(0, len(numbers), step):
            rest = numbers[at : at + step]
            count = len(rest)
            index: List[torch.Tensor] = []
            for size in reversed(plan.out):
                index.insert(0, rest % size)
                rest = torch.div(rest, size, rounding_mode="floor")
            yield narrow[(rest, *index)].reshape(count, shape.groups, -1 if width else 0), spans


def _spans(shape: Shape, box: Box) -> List[Tuple[int, int]]:
    """The runs of columns of the kernel places in a box."""
    if any(a >= b for a, b in box):
        return []
    steps = [shape.channels * int(np.prod(shape.kernel[d + 1 :], dtype=np.int64)) for d in range(len(box))]
    d = len(box) - 1
    while d > 0 and box[d] == (0, shape.kernel[d]):  # whole lines are one run with those beside them
        d -= 1
    before = itertools.product(*(range(a, b) for a, b in box[:d]))
    starts = [sum(i * s for i, s in zip(at, steps)) + box[d][0] * steps[d] for at in before]
    return [(start, (box[d][1] - box[d][0]) * steps[d]) for start in starts]


def _unfolded(plan: Plan, x: torch.Tensor) -> torch.Tensor:
    """A view [maps, *out, groups, *kernel, channels] of the padded windows."""
    shape = plan.shape
    image, *steps, _ = x.stride()
    sizes = (x.shape[0], *plan.out, shape.groups, *shape.kernel, shape.channels)
    strides = (
        image,
        *(s * t for s, t in zip(steps, shape.stride)),
        shape.channels,
        *(s * t for s, t in zip(steps, shape.dilation)),
        1,
    )
    return x.as_strided(sizes, strides)


def to_rows_order(shape: Shape, weight: torch.Tensor, back: bool = False) -> torch.Tensor:
    """A weight [outputs, features] with its columns in the order of rows, or back in its own."""
    places = int(np.prod(shape.kernel, dtype=np.int64))
    if places == 1:
        return weight
    sizes = (places, shape.channels) if back else (shape.channels, places)
    return weight.reshape(len(weight), *sizes).transpose(1, 2).reshape(weight.shape)

"""Alphas chosen on images that are held back: experiment/search.c and data/set/split.c, for loaders.

The share of each class that is held back, the stream that draws it, the grid, its order and the score ACC_r (1 - ACC_f) (Kodge, Saha and
Roy 2024) are the program's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Dict, Iterator, List, Sequence, Tuple, Union

import numpy as np
import torch
from numpy.typing import NDArray

from . import _batches, _patches
from ._arrays import real
from ._library import ArgumentError

ALPHA_R = (10.0, 30.0, 100.0, 300.0, 1000.0)  # the grid of configs/paper
ALPHA_F = (1.0, 3.0, 10.0, 30.0, 100.0)
VALIDATION = 0.1  # the program's default
MOST = 10000  # points of a grid, as in the program

Search = Union[bool, Mapping[str, Any]]
Labels = NDArray[np.int64]


class Grid:
    """The pairs of alphas that are tried, the last axis fastest, and the share of images that is held back."""

    def __init__(self, search: Search, alpha_r: float, alpha_f: float) -> None:
        if search is not True and not isinstance(search, Mapping):
            raise ArgumentError(f"search = {search!r}: must be True, False, or a dict with lists alpha_r and alpha_f")
        given: Dict[str, Any] = {"alpha_r": ALPHA_R, "alpha_f": ALPHA_F} if search is True else dict(search)
        self.share = real(given.pop("validation", VALIDATION), "search: validation")
        axes: Dict[str, List[float]] = {"alpha_r": [alpha_r], "alpha_f": [alpha_f]}
        for name, values in given.items():
            if name not in axes:
                raise ArgumentError(f"search: {name!r} is not searched: must be alpha_r, alpha_f or validation (the share held back)")
            several = hasattr(values, "__iter__") and not isinstance(values, (str, bytes)) and getattr(values, "ndim", True)
            axes[name] = [real(x, f"search: {name}") for x in (values if several else [values])]
            if not axes[name]:
                raise ArgumentError(f"search: {name}: the list is empty")
        if not given:
            raise ArgumentError("search is empty: must be True, or a dict with lists alpha_r and alpha_f")
        if not 0 < self.share < 1:
            raise ArgumentError(f"search: validation = {self.share}: must be above 0 and below 1")
        for name in axes:
            for alpha in axes[name]:
                if not 0 < alpha <= 1e30:
                    raise ArgumentError(f"search: {name} = {alpha}: must be above 0, at most 1e30")
        self.points = [(r, f) for r in axes["alpha_r"] for f in axes["alpha_f"]]
        if len(self.points) > MOST:
            raise ArgumentError(f"search: a grid of {len(self.points)} points: at most {MOST}")


def labels_of(batch: Any, n: int, name: str) -> Labels:
    """The labels of a batch of n images."""
    found = None
    if isinstance(batch, (tuple, list)) and len(batch) > 1:
        found = batch[1]
    elif isinstance(batch, Mapping):
        found = next((batch[k] for k in _batches.LABELS if k in batch), None)
    if found is None:
        raise ArgumentError(f"{name} gives images without labels: search needs batches (images, labels)")
    labels = np.asarray(found.cpu() if isinstance(found, torch.Tensor) else found)
    if labels.shape != (n,) or labels.dtype.kind not in "iu" or (n and labels.min() < 0):
        what = f"labels of type {labels.dtype} and shape {labels.shape} for {n} images"
        raise ArgumentError(f"{name} gives {what}: must be one class of 0, 1, .. each")
    return labels.astype(np.int64)


def draw_held(labels: Labels, share: float, seed: int) -> NDArray[np.bool_]:
    """Which images are held back: as data_split of data/set/split.c."""
    held = np.zeros(len(labels), bool)
    for k in np.unique(labels):
        places = np.flatnonzero(labels == k)
        take = math.floor(share * len(places) + 0.5)
        held[places[_patches.draw_rows(seed, "split", int(k), len(places), take)]] = True
    return held


class Kept:
    """A source without the images that are held back, which it keeps as it is read."""

    def __init__(self, source: Any, name: str, share: float, seed: int) -> None:
        self.source, self.name = source, name
        found = [labels_of(batch, _batches.batch_of(batch, name)[2], name) for batch in source]
        self.labels = np.concatenate(found) if found else np.zeros(0, np.int64)
        if not len(self.labels):
            raise ArgumentError(f"{name} has no images")
        self.held = draw_held(self.labels, share, seed)
        self.count = int((~self.held).sum())
        for n, what in ((self.count, "leaves none"), (len(self.labels) - self.count, "holds none back")):
            if not n:
                said = f"{name} has {len(self.labels)} images, of which validation = {share} {what}"
                raise ArgumentError(said + ": search needs more of each class")
        self.batches: List[Tuple[_batches.Batch, Labels]] = []

    def __iter__(self) -> Iterator[Any]:
        at = 0
        self.batches = []
        for batch in self.source:
            made = _batches.batch_of(batch, self.name)
            labels = labels_of(batch, made[2], self.name)
            end = at + made[2]
            if not np.array_equal(labels, self.labels[at:end]):
                said = f"{self.name} gives its images in another order when it is read again"
                raise ArgumentError(said + ": search needs a loader with shuffle=False")
            held = np.flatnonzero(self.held[at:end])
            if len(held):
                self.batches.append((_batches.pick(made, held), labels[held]))
            args, kwargs, n = _batches.pick(made, np.flatnonzero(~self.held[at:end]))
            if n:
                yield args[0] if args else kwargs
            at = end


def percent_right(answers: Sequence[NDArray[np.float32]], labels: Sequence[Labels]) -> float:
    """Percent of images whose largest logit, the first of equal ones, is their label's; NaN where one is not finite."""
    right = total = 0
    for logits, y in zip(answers, labels):
        if not np.isfinite(logits).all():
            return math.nan
        if len(y) and y.max() >= logits.shape[1]:
            raise ArgumentError(f"search: a label is {y.max()}: the model has classes 0 to {logits.shape[1] - 1}")
        right += int((logits.argmax(1) == y).sum())
        total += len(y)
    return 100.0 * right / total


def score(acc_retain: float, acc_forget: float) -> float:
    """ACC_r (1 - ACC_f), of percents: Kodge, Saha and Roy 2024."""
    return acc_retain / 100 * (1 - acc_forget / 100)


def best(trials: Sequence[Dict[str, float]]) -> int:
    """The first of the best trials; -1 where none gave a finite network."""
    chosen = -1
    for i, trial in enumerate(trials):
        if not math.isnan(trial["score"]) and (chosen < 0 or trial["score"] > trials[chosen]["score"]):
            chosen = i
    return chosen

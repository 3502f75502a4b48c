"""Images, as loaders, data sets, lists and tensors give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Dict, Tuple

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset

from ._library import ArgumentError

BATCH = 64  # activations that malloc need not map anew for every batch
LABELS = ("labels", "label", "targets", "target")

# what a model is called with, and how many images that are
Batch = Tuple[Tuple[Any, ...], Dict[str, Any], int]


def source_of(images: Any, name: str) -> Any:
    """Something that can be read twice, batch by batch."""
    if isinstance(images, np.ndarray):
        images = torch.from_numpy(images)
    if isinstance(images, tuple) and len(images) == 2:
        x, y = (torch.from_numpy(part) if isinstance(part, np.ndarray) else part for part in images)
        if isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor) and x.ndim > 1 and y.ndim == 1:  # else two batches
            if len(x) != len(y):
                raise ArgumentError(f"{name} has {len(x)} images and {len(y)} labels: must be as many")
            return list(zip(torch.split(x, BATCH), torch.split(y, BATCH))) if len(x) else []
    if isinstance(images, torch.Tensor):
        if images.ndim == 0:
            raise ArgumentError(f"{name} is a single number: must be images [n, ...] or a loader of batches")
        return torch.split(images, BATCH) if len(images) else []
    if isinstance(images, Dataset):
        return DataLoader(images, batch_size=BATCH)
    if isinstance(images, (str, bytes)) or not (hasattr(images, "__iter__") or hasattr(images, "__getitem__")):
        raise ArgumentError(f"{name} is of type {type(images).__name__}: must be a loader of batches, or a tensor")
    if isinstance(images, Iterator):  # and not by calling iter(), which starts a loader's workers
        raise ArgumentError(f"{name} is an iterator, which is read only once: give a loader, a list of batches or a tensor")
    return images


def batch_of(batch: Any, name: str) -> Batch:
    """The images of a batch; its labels are left out."""
    if isinstance(batch, np.ndarray):
        batch = torch.from_numpy(batch)
    if isinstance(batch, torch.Tensor):
        return (batch,), {}, len(batch) if batch.ndim else 0
    if isinstance(batch, (tuple, list)) and batch:
        return batch_of(batch[0], name)
    if isinstance(batch, Mapping):
        given = {k: v for k, v in batch.items() if k not in LABELS}
        for value in given.values():
            if isinstance(value, torch.Tensor) and value.ndim:
                return (), given, len(value)
    raise ArgumentError(f"{name} gives batches of type {type(batch).__name__}: must be tensors, or tuples or dicts with them")


def count_images(source: Any, name: str) -> int:
    """How many images there are; they are read for that only where the loader cannot say."""
    total = 0
    if isinstance(source, DataLoader) and type(source.batch_sampler) is BatchSampler:
        if not isinstance(source.dataset, IterableDataset):
            total, size = len(source.sampler), source.batch_sampler.batch_size  # type: ignore[arg-type]
            total = total // size * size if source.batch_sampler.drop_last else total
    if not total:
        total = sum(batch_of(batch, name)[2] for batch in source)
    if not total:
        raise ArgumentError(f"{name} has no images")
    return total


def fit(batch: Batch, device: torch.device, dtype: torch.dtype, channels_last: bool = False) -> Batch:
    """The batch on the model's device; floating-point images in its type, and with their channels side by side where asked."""

    def moved(x: Any) -> Any:
        if not isinstance(x, torch.Tensor):
            return x
        x = x.to(device, dtype if x.is_floating_point() else x.dtype, non_blocking=True)
        return x.contiguous(memory_format=torch.channels_last) if channels_last and is_map(x) else x

    args, kwargs, n = batch
    return tuple(moved(x) for x in args), {k: moved(v) for k, v in kwargs.items()}, n


def is_map(x: Any) -> bool:
    """Whether x may be images [n, channels, height, width]."""
    return isinstance(x, torch.Tensor) and x.ndim == 4 and x.is_floating_point()


def head(batch: Batch, n: int) -> Batch:
    """The first images of a batch."""

    def cut(x: Any) -> Any:
        return x[:n] if isinstance(x, torch.Tensor) and x.ndim and len(x) == batch[2] else x

    return tuple(cut(x) for x in batch[0]), {k: cut(v) for k, v in batch[1].items()}, min(n, batch[2])


def pick(batch: Batch, places: Any) -> Batch:
    """The images of a batch at these places."""
    index = torch.as_tensor(places)

    def picked(x: Any) -> Any:
        return x[index.to(x.device)] if isinstance(x, torch.Tensor) and x.ndim and len(x) == batch[2] else x

    return tuple(picked(x) for x in batch[0]), {k: picked(v) for k, v in batch[1].items()}, len(places)


def batches(
    source: Any, name: str, device: torch.device, dtype: torch.dtype, label: str, total: int, channels_last: bool = False
) -> Iterator[Batch]:
    """All batches, with a progress bar on a terminal where tqdm is installed."""
    bar = _bar(label, total)
    seen = 0
    try:
        for batch in source:
            made = fit(batch_of(batch, name), device, dtype, channels_last)
            if made[2] == 0:
                continue
            seen += made[2]
            if total and seen > total:
                raise ArgumentError(f"{name} gives more images than the {total} that it said")
            yield made
            if bar is not None:
                bar.update(made[2])
    finally:
        if bar is not None:
            bar.close()
    if total and seen < total:
        raise ArgumentError(f"{name} gives {seen} images, not the {total} that it said")


def _bar(label: str, total: int) -> Any:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # in notebooks without ipywidgets
            from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(total=total or None, desc=label, unit="image", leave=False, disable=None)

"""Unlearning of any `torch.nn.Module`, without gradients: torch runs the network, the library edits its weights.

>>> import torch, expunge.torch
>>> _ = torch.manual_seed(0)
>>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))
>>> retain, forget = torch.randn(40, 3, 2, 2), torch.randn(20, 3, 2, 2)
>>> forgot, report = expunge.torch.unlearn(model, retain, forget)
>>> [layer["name"] for layer in report["layers"]], report["not_edited"]
(['1'], {})
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Iterable
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from torch import nn

from . import _batches, _library, _patches, _search, _watch
from ._arrays import real, seed_of, whole
from ._edit import Gram, edit_with_info
from ._export import export_graph
from ._library import ArgumentError
from ._modules import answer, place, preserved, unwrapped

__all__ = ["unlearn", "logits", "export_graph"]

HELD = 16 << 20  # bytes of windows that wait for more images, so that products are long; of one layer
ALL_HELD = 2 << 30  # and of all
WIDE = 1024  # features up to which Gram matrices are summed in float64, as in the library


def unlearn(
    model: nn.Module,
    retain: Any,
    forget: Any,
    alpha_r: float = 100,
    alpha_f: float = 3,
    patches: str = "paper",
    max_patches: int = 10000,
    layers: Union[str, Sequence[str]] = "all",
    seed: int = 0,
    inplace: bool = False,
    search: _search.Search = False,
) -> Tuple[nn.Module, Dict[str, Any]]:
    """Removes from every layer's weights what serves the forgotten images and not the retained ones (Kodge, Saha and Roy,
    "Deep Unlearning", TMLR 2024): the method `svd` of the program.

    Args:
        model: any module of convolutions, linear layers and attention, on any device, in any floating-point type; also inside of
            DataParallel, DistributedDataParallel or torch.compile.
        retain: images of what is to stay, prepared as for the model: a tensor [n, ...], a DataLoader, a data set or a list of
            batches. Batches may be tensors, tuples that begin with the images, or dicts; only a search looks at labels.
        forget: images of what is to be forgotten, likewise.
        alpha_r: scaling of the retain space: larger protects more.
        alpha_f: scaling of the forget space: larger removes more.
        patches: patches of a convolution: "paper", at most `max_patches` from one random window of three kernels a side;
            "all", every patch of every map.
        max_patches: largest number of rows (patches, tokens) of a layer with patches="paper"; 0: all.
        layers: layers that are edited: "all", "last", "first K", "last K", "only K" (the Kth), or a list of names.
        seed: of the windows and patches; the same as the program's.
        inplace: whether the model itself is edited, and not a copy. Then, too, it stays as it is until nothing can fail any more.
        search: whether alphas are chosen by ACC_r (1 - ACC_f) on a tenth of the images of each class, which is held back from the
            spaces, as a `search` of an experiment's config does: True tries alpha_r of 10, 30, 100, 300, 1000 and alpha_f of 1, 3, 10,
            30, 100; a dict has lists "alpha_r" and "alpha_f" (or one of them), and the share "validation". Batches must be (images,
            labels), or dicts with labels, in the same order each time.

    Returns:
        The model with edited weights, in the wrapping, mode and types that it came in, and a report: "layers" (a list of dicts with
        what was done to each: the keys of `expunge unlearn --json`), "not_edited" (name: reason), "alpha_r", "alpha_f", "images_retain",
        "images_forget", "seconds"; after a search also "search": a list of dicts with "alpha_r", "alpha_f", "acc_retain" and
        "acc_forget" (percent), "score" of each trial, NaN where it gave no finite network, and "held_retain", "held_forget", the
        numbers of images judged on.
    """
    started = time.monotonic()
    _check(model, alpha_r, alpha_f, patches, max_patches, seed)
    grid = _search.Grid(search, float(alpha_r), float(alpha_f)) if search is not False else None
    sources = {"retain": _batches.source_of(retain, "retain"), "forget": _batches.source_of(forget, "forget")}
    if not inplace:
        model = _copied(model)
    inner = unwrapped(model)
    with preserved(inner):
        work = _Work(inner, patches == "paper", int(max_patches), int(seed))
        report: Dict[str, Any] = {}
        if grid is None:
            counts = {side: _batches.count_images(source, side) for side, source in sources.items()}
        else:
            sources = {side: _search.Kept(source, side, grid.share, int(seed)) for side, source in sources.items()}
            counts = {side: source.count for side, source in sources.items()}
        work.look(sources["retain"])
        wanted = work.select(layers)
        spaces = {side: work.collect(sources[side], side, counts[side], wanted) for side in sources}
        if grid is not None:
            report = _searched(work, grid, sources, spaces)
            alpha_r, alpha_f = report["alpha_r"], report["alpha_f"]
        rows, changes = [], []
        for key in wanted:
            row, new = work.edit(key, spaces["retain"].pop(key), spaces["forget"].pop(key), alpha_r, alpha_f)
            rows.append(row)
            changes.append((key, new))
        work.put(changes)
    return model, {
        "layers": rows,
        "not_edited": work.not_edited(wanted),
        "alpha_r": float(alpha_r),
        "alpha_f": float(alpha_f),
        **report,
        "images_retain": counts["retain"],
        "images_forget": counts["forget"],
        "seconds": time.monotonic() - started,
    }


def _searched(work: _Work, grid: _search.Grid, held: Dict[str, _search.Kept], spaces: Dict[str, Any]) -> Dict[str, Any]:
    """Every trial from the same spaces, judged on what was held back; the model is afterwards as it was."""
    trials: List[Dict[str, float]] = []
    sentence = ""
    for alpha_r, alpha_f in grid.points:
        accuracies = [math.nan, math.nan]
        try:
            changes = [(key, work.edit(key, r, spaces["forget"][key], alpha_r, alpha_f)[1]) for key, r in spaces["retain"].items()]
        except _library.Error as error:
            if error.status != "ENUMERIC":
                raise
            sentence = f": {error}"  # a trial that gives no finite network only loses
        else:
            with work.tried(changes):
                accuracies = [work.accuracy(held[side].batches) for side in ("retain", "forget")]
        trial = {"alpha_r": alpha_r, "alpha_f": alpha_f, "acc_retain": accuracies[0], "acc_forget": accuracies[1]}
        trials.append({**trial, "score": _search.score(*accuracies)})
    chosen = _search.best(trials)
    if chosen < 0:
        raise ArgumentError(f"search: no trial gave a finite network{sentence}")
    alphas = {name: trials[chosen][name] for name in ("alpha_r", "alpha_f")}
    sizes = {"held_" + side: int(source.held.sum()) for side, source in held.items()}
    return {**alphas, "search": trials, **sizes}


def logits(model: nn.Module, loader: Any) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """The model's answers in eval mode, as float32 [n, classes], in the order of the loader (a tensor, a loader, a data set or
    a list of batches, as for `unlearn`).

    >>> model = torch.nn.Linear(2, 3)
    >>> logits(model, torch.zeros(5, 2)).shape
    (5, 3)
    """
    if not isinstance(model, nn.Module):
        raise ArgumentError(f"model is of type {type(model).__name__}: must be a torch.nn.Module")
    source = _batches.source_of(loader, "loader")
    inner = unwrapped(model)
    out: List[torch.Tensor] = []
    with preserved(inner):
        first = 0
        for args, kwargs, n in _batches.batches(source, "loader", *place(inner), "logits", 0):
            with _failing(f"images {first} to {first + n - 1}", (args, kwargs, n)):
                out.append(answer(inner(*args, **kwargs), n))
            first += n
    if not out:
        raise ArgumentError("loader has no images")
    return torch.cat(out).numpy()


def _check(model: Any, alpha_r: float, alpha_f: float, patches: str, max_patches: int, seed: int) -> None:
    if not isinstance(model, nn.Module):
        raise ArgumentError(f"model is of type {type(model).__name__}: must be a torch.nn.Module")
    for name, alpha in (("alpha_r", alpha_r), ("alpha_f", alpha_f)):
        if not 0 < real(alpha, name) <= 1e30:
            raise ArgumentError(f"{name} = {alpha}: must be above 0, at most 1e30")
    if patches not in ("paper", "all"):
        raise ArgumentError(f"patches = {patches!r}: must be 'paper' or 'all'")
    whole(max_patches, "max_patches", 0, 2**63 - 1)
    seed_of(seed)


def _copied(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except Exception as error:
        raise ArgumentError(f"the model cannot be copied ({error}): inplace=True edits the model itself") from error


@contextlib.contextmanager
def _failing(images: str, batch: _batches.Batch) -> Iterator[None]:
    """What a model raises, as one sentence that names the images; the library's sentences as they are."""
    try:
        yield
    except (_library.Error, MemoryError, getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)):
        raise
    except Exception as error:
        x = next(x for x in (*batch[0], *batch[1].values()) if isinstance(x, torch.Tensor) and x.ndim)
        said = " ".join(str(error).split()) or type(error).__name__
        raise ArgumentError(f"the model fails on {images}, of shape {tuple(x.shape)} and type {x.dtype}: {said}") from error


@contextlib.contextmanager
def _layer(name: str) -> Iterator[None]:
    """The library's sentences with the layer's name."""
    try:
        yield
    except _library.Error as error:
        new = type(error)(f"layer {name}: {error}")
        new.status = error.status
        raise new from None


@contextlib.contextmanager
def _full_float32() -> Iterator[None]:
    """No TF32, whose eleven bits would be those of the edit."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def on_device(device: torch.device) -> bool:
    """Whether torch sums Gram matrices there, rather than the library here."""
    return device.type != "cpu"


def _said(shape: _patches.Shape) -> str:
    """A layer's inputs for one image."""
    return "x".join(map(str, shape.size)) if shape.size else f"{shape.each or 'varying numbers of'} vectors"


class _Inputs:
    """What one side's inputs of one weight span. On a device, and for grouped convolutions, Gram matrices are summed by torch."""

    def __init__(self, shape: _patches.Shape, rows: int, device: torch.device) -> None:
        f = shape.features
        self.shape = shape
        self.rows = 0
        self.spaces: List[Gram] = []
        self.sums: Optional[torch.Tensor] = None
        if shape.groups > 1 or (on_device(device) and not 0 < rows < f):
            wide = f <= WIDE and device.type != "mps"
            self.sums = torch.zeros(
                shape.groups, f, f, dtype=torch.float64 if wide else torch.float32, device=device
            )
        else:
            self.spaces = [Gram(f, rows)]

    def add(self, piece: torch.Tensor, spans: Any) -> None:
        """piece: [rows, groups, features], or of the columns in `spans`."""
        self.rows += len(piece)
        if self.sums is None:
            if spans is None:
                self.spaces[0].add(piece[:, 0])
            else:
                self.spaces[0]._add_columns(piece[:, 0], spans)
            return
        by_group = piece.transpose(0, 1).to(self.sums.dtype)
        with _full_float32():
            self.sums.baddbmm_(by_group.transpose(1, 2), by_group)

    def finish(self) -> None:
        if self.sums is not None:
            for gram in self.sums:
                self.spaces.append(Gram(gram.shape[0]).add_gram(gram.cpu(), self.rows))
            self.sums = None
        for space in self.spaces:
            space.finish()

    @property
    def trace(self) -> float:
        return sum(space.trace for space in self.spaces)


class _Held:
    """Windows of one use of a convolution that wait until there are many."""

    def __init__(self, plan: _patches.Plan, into: _Inputs, room: int) -> None:
        self.plan, self.into, self.room = plan, into, room
        self.first, self.images, self.maps = 0, 0, 0  # images before those that wait; what waits
        self.windows: Optional[torch.Tensor] = None

    def add(self, x: torch.Tensor, images: int) -> None:
        if not self.plan.shape.kernel:
            self.take(x, images)
            return
        if self.windows is not None and self.maps + len(x) > len(self.windows):
            self.flush()
        if self.windows is None or len(x) > len(self.windows):
            one = _patches.make_room(self.plan, 1, x)
            most = self.room // max(1, one.numel() * one.element_size())
            if self.plan.total:
                most = min(most, self.plan.total // max(1, self.plan.positions))
            self.windows = _patches.make_room(self.plan, max(most, len(x)), x)
        _patches.put(self.plan, x, self.windows[self.maps : self.maps + len(x)])
        self.maps += len(x)
        self.images += images

    def flush(self) -> None:
        if self.windows is not None and self.images:
            images, maps = self.images, self.maps
            self.images = self.maps = 0
            self.take(self.windows[:maps], images)

    def take(self, x: torch.Tensor, images: int) -> None:
        for piece, spans in _patches.take(self.plan, x, self.first, images, self.into.sums is None):
            self.into.add(piece, spans)
        self.first += images


class _Work:
    """One unlearning: what the network's layers are, their inputs, their edits."""

    def __init__(self, model: nn.Module, paper: bool, most: int, seed: int) -> None:
        self.model = model
        self.paper, self.most, self.seed = paper, most, seed
        self.weights, self.left = _watch.find_weights(model)
        self.device, self.dtype = place(model)
        self.names: Dict[_watch.Key, str] = {}
        self.uses: Dict[_watch.Key, List[_patches.Shape]] = {}
        self.other: Dict[str, str] = {}
        self.channels_last = False
        if not self.weights and not self.left:
            if any(isinstance(m, torch.jit.ScriptModule) or "quantized" in type(m).__module__ for m in model.modules()):
                raise ArgumentError("the model is scripted or quantised, and cannot be seen into: give the model that it was made from")
            raise ArgumentError("the model has no layer with weights: no convolution, linear layer or attention")

    def look(self, source: Any) -> None:
        """Which layers there are, in the order in which inputs reach them, from a pass of one or two images."""

        def take(key: _watch.Key, name: str, shape: _patches.Shape, x: torch.Tensor) -> None:
            self.names.setdefault(key, name)
            self.uses.setdefault(key, []).append(shape)

        watch = _watch.Watch(self.model, self.weights, take)
        for batch in source:
            images = _batches.head(_batches.batch_of(batch, "retain"), 2)
            if images[2]:
                break
        watch.images = images[2]
        maps = any(_batches.is_map(x) for x in (*images[0], *images[1].values()))
        self.channels_last = maps and images[2] > 1 and self.device.type == "cpu" and self._convolves()
        try:
            self._try(watch, images)
        except _library.Error:
            raise
        except Exception:
            self.names, self.uses, watch.other = {}, {}, {}
            self.channels_last = False  # what reshapes by view() may not take it
            self._first(watch, images)
        self.other = watch.other
        reached: Dict[int, int] = {}
        for number, first, end in sorted(self.uses):
            if first < reached.get(number, 0):
                name = self.weights[number].name
                raise ArgumentError(f"layer {name} serves both self-attention and cross-attention: it cannot be edited")
            reached[number] = end

    def _convolves(self) -> bool:
        """Whether channels side by side save torch's convolutions and poolings time."""
        return any(w.parameter.ndim == 4 for w in self.weights.values())

    def _try(self, watch: _watch.Watch, images: _batches.Batch) -> None:
        args, kwargs, _ = _batches.fit(images, self.device, self.dtype, self.channels_last)
        with watch:
            self.model(*args, **kwargs)

    def _first(self, watch: _watch.Watch, images: _batches.Batch) -> None:
        with _failing("the first retain images", images):
            self._try(watch, images)

    def select(self, layers: Union[str, Sequence[str]]) -> List[_watch.Key]:
        """The layers that are to be edited, as unlearn_layers_select."""
        keys = list(self.uses)
        if not keys:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.not_edited([]).items())
            raise ArgumentError(f"no layer can be edited: {reasons}")
        if not isinstance(layers, (str, Iterable)):
            raise ArgumentError(f"layers = {layers!r}: must be 'all', 'last', 'first K', 'last K', 'only K', or a list of names")
        if isinstance(layers, str):
            words = layers.replace(",", " ").split()
            if layers == "all":
                self._refuse(name for name, why in self.left.items() if "transposed" in why)
                return keys
            if layers == "last":
                return keys[-1:]
            if len(words) == 2 and words[0] in ("first", "last", "only"):
                k = int(words[1]) if words[1].isdecimal() else 0
                if not 1 <= k <= len(keys):
                    raise ArgumentError(f"layers = {layers!r}: the number must be from 1 to {len(keys)}, the number of layers")
                return {"first": keys[:k], "last": keys[-k:], "only": keys[k - 1 : k]}[words[0]]
            layers = words
        wanted = set()
        for name in layers:
            self._refuse(n for n in self.left if n == name)
            found = [k for k in keys if self._is_called(k, name)]
            if not found:
                there = ", ".join(self.names.values())
                raise ArgumentError(f"layers: no layer named {name!r} is reached by images; there are: {there}")
            wanted.update(found)
        if not wanted:
            raise ArgumentError("layers is empty: must be 'all', 'last', 'first K', 'last K', 'only K', or a list of names")
        return [k for k in keys if k in wanted]

    def _is_called(self, key: _watch.Key, name: str) -> bool:
        ours = (self.names[key], self.weights[key[0]].name)
        return any(name == our + end for our in ours for end in ("", ".weight", ".bias", "_weight", "_bias"))

    def _refuse(self, names: Iterator[str]) -> None:
        for name in names:
            raise ArgumentError(f"layer {name} cannot be edited ({self.left[name]}): name others by layers=[...]")

    def collect(
        self, source: Any, side: str, images: int, wanted: List[_watch.Key]
    ) -> Dict[_watch.Key, _Inputs]:
        """One pass over one side's images."""
        numbers = {key: number for number, key in enumerate(self.uses)}
        plans = {key: [self._plan(s, numbers[key] + (u << 32), images, side) for u, s in enumerate(self.uses[key])] for key in wanted}
        inputs = {key: _Inputs(uses[0].shape, self._announced(uses), self.device) for key, uses in plans.items()}
        room = min(HELD, ALL_HELD // max(1, sum(map(len, plans.values()))))
        held = {key: [_Held(plan, inputs[key], room) for plan in uses] for key, uses in plans.items()}
        used: Dict[_watch.Key, int] = {}

        def take(key: _watch.Key, name: str, shape: _patches.Shape, x: torch.Tensor) -> None:
            if key not in numbers:
                raise ArgumentError(f"layer {name} is reached by later batches only: the model treats its inputs differently")
            if key not in plans:
                return
            use = used[key] = used.get(key, -1) + 1
            if use >= len(plans[key]):
                raise ArgumentError(f"layer {name} is used more often in a later batch than in the first")
            plan, into = plans[key][use], held[key][use]
            if shape != plan.shape:
                if self._fixed(plan.shape):
                    said = f"{side}: {_said(shape)} after {_said(plan.shape)}"
                    raise ArgumentError(
                        f"layer {name} gets another shape of inputs in a later batch: {said}; use patches='all' or images of one size"
                    )
                plan = _patches.make_plan(shape, 0, watch.images, False, 0, 0, side)
                into = _Held(plan, inputs[key], 0)
            with _layer(name):
                into.add(x, watch.images)
                if into is not held[key][use]:
                    into.flush()

        watch = _watch.Watch(self.model, self.weights, take)
        label = "inputs to " + side
        first = 0
        for args, kwargs, n in _batches.batches(source, side, self.device, self.dtype, label, images, self.channels_last):
            watch.images = n
            used.clear()
            with _failing(f"{side} images {first} to {first + n - 1}", (args, kwargs, n)), watch:
                self.model(*args, **kwargs)
            first += n
        for key, gathered in inputs.items():
            with _layer(self.names[key]):
                for waiting in held.pop(key):
                    waiting.flush()
                gathered.finish()
        return inputs

    def _fixed(self, shape: _patches.Shape) -> bool:
        """Whether every batch must have inputs of this shape."""
        return bool(shape.each) and (self.paper or (shape.each == 1 and not shape.kernel))

    def _plan(self, shape: _patches.Shape, number: int, images: int, side: str) -> _patches.Plan:
        return _patches.make_plan(shape, number, images, self.paper, self.most, self.seed, side)

    def _announced(self, plans: List[_patches.Plan]) -> int:
        return sum(p.rows for p in plans) if all(self._fixed(p.shape) for p in plans) else 0

    def edit(
        self, key: _watch.Key, retain: _Inputs, forget: _Inputs, alpha_r: float, alpha_f: float
    ) -> Tuple[Dict[str, Any], torch.Tensor]:
        """The layer's row of the report, and its new weights [outputs, features]."""
        name, (number, first, end) = self.names[key], key
        weight = self.weights[number].parameter.detach()[first:end].reshape(end - first, -1)
        weight = _patches.to_rows_order(retain.shape, weight)
        groups = len(retain.spaces)
        parts, infos = [], []
        for w, r, f in zip(weight.chunk(groups), retain.spaces, forget.spaces):
            with _layer(name):
                part, info = edit_with_info(w, r, f, float(alpha_r), float(alpha_f), "auto", True)
            parts.append(part)
            infos.append(info or {})
        sums = torch.float32 if weight.device.type == "mps" else torch.float64
        whole = float(torch.linalg.vector_norm(weight, dtype=sums)) ** 2
        row: Dict[str, Any] = {
            "name": name,
            "n_retain": retain.rows,
            "n_forget": forget.rows,
            "features": weight.shape[1],
            "trace_retain": retain.trace / max(retain.rows, 1),
            "trace_forget": forget.trace / max(forget.rows, 1),
        }
        if groups == 1:  # of several groups there is no one number
            row["rank_retain"], row["rank_forget"] = retain.spaces[0].rank, forget.spaces[0].rank
            row["forget_removed"], row["retain_removed"] = infos[0]["forget_share"], infos[0]["retain_share"]
        row["weight_change"] = math.sqrt(sum(i["changed"] for i in infos) / whole) if whole else 0.0
        return row, _patches.to_rows_order(retain.shape, torch.cat(parts) if groups > 1 else parts[0], back=True)

    def put(self, changes: Sequence[Tuple[_watch.Key, torch.Tensor]]) -> None:
        """New weights into the model."""
        with torch.no_grad():
            for (number, first, end), new in changes:
                parameter = self.weights[number].parameter
                parameter[first:end].copy_(new.reshape(parameter[first:end].shape))

    @contextlib.contextmanager
    def tried(self, changes: Sequence[Tuple[_watch.Key, torch.Tensor]]) -> Iterator[None]:
        """The model with new weights, and afterwards as it was."""
        before = [((n, a, b), self.weights[n].parameter.detach()[a:b].clone()) for (n, a, b), _ in changes]
        try:
            self.put(changes)
            yield
        finally:
            self.put(before)

    def accuracy(self, batches: Sequence[Tuple[_batches.Batch, Any]]) -> float:
        """Percent of held-back images that the model gets right."""
        answers = []
        for batch, _ in batches:
            args, kwargs, n = _batches.fit(batch, self.device, self.dtype, self.channels_last)
            answers.append(answer(self.model(*args, **kwargs), n).numpy())
        return _search.percent_right(answers, [labels for _, labels in batches])

    def not_edited(self, wanted: List[_watch.Key]) -> Dict[str, str]:
        """What has weights and was left as it is, and why."""
        out = dict(self.left)
        reached = {key[0] for key in self.uses}
        norms = {id(p) for m in self.model.modules() if _watch.is_norm(m) for p in m.parameters(recurse=False)}
        for path, parameter in self.model.named_parameters():
            weight = self.weights.get(id(parameter))
            name = weight.name if weight else path
            layer = path.removeprefix("parametrizations.").split(".parametrizations.")[0]
            said = self.other.get(path) or self.other.get(name)
            if said or not (parameter.ndim < 2 or id(parameter) in norms | reached):
                if layer not in self.left and layer.rpartition(".")[0] not in self.left:
                    out[name] = said or _watch.UNSEEN
        for key in self.uses:
            if key not in wanted:
                out[self.names[key]] = "not among `layers`"
        return out

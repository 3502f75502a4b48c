"""The nodes of a graph file that is being made, and the activations among them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import torch

from . import _graph_layout
from ._graph_layout import axis
from ._graph_values import (
    ACTIVATIONS, BATCH, ClassTokens, Constant, Finite, Map, Quarter, Refused, Scores, Table, Tensor, Value, begins, flat, rounded,
)


class Nodes:
    """Nodes so far, and what arguments of an operation must be."""

    sizes: Tuple[int, ...] = ()  # of the tensor at hand

    def __init__(self, shape: Tuple[int, ...], tensors: Dict[str, Tensor], numbers: Callable[[str], torch.Tensor]) -> None:
        self.shape = tuple(shape)
        C, H, W = (*shape, 1, 1)[:3]
        self.input = Map("input", (C, H, W), (axis("N", BATCH), axis("C", C), axis("H", H), axis("W", W))[: len(shape) + 1])
        self.nodes: List[Dict[str, Any]] = []
        self.normalize: Optional[Dict[str, List[float]]] = None
        self.seen = False  # whether images were used, normalised so
        self.taken = {"input"} | {name.rpartition(".")[0] for name in tensors} | set(tensors)
        self.used: Dict[str, str] = {}  # node with parameters: the module that has it
        self.count: Dict[str, int] = {}
        self.known: Dict[Any, Map] = {}  # what was made of a map once
        self.numbers = numbers
        self.path = ""

    # ---- nodes ----

    def add(self, op: str, inputs: Sequence[str], to: Sequence[int], name: str = "", **attributes: Any) -> Map:
        """A node that gives maps [N, C, H, W], `to` being [C, H, W]."""
        if name:
            if name in self.used:
                raise Refused(f"{name} is used twice, and graph files have each layer once")
            self.used[name] = self.path
        while not name:
            self.count[op] = self.count.get(op, 0) + 1
            name = f"{op}_{self.count[op]}"
            if name in self.taken:
                name = ""
        self.taken.add(name)
        row: Dict[str, Any] = {"name": name, "op": op}
        if inputs:
            row["inputs"] = list(inputs)
        if attributes:
            row["attributes"] = attributes
        self.nodes.append(row)
        C, H, W = (int(s) for s in to)
        return Map(name, (C, H, W), (axis("N", BATCH), axis("C", C), axis("H", H), axis("W", W)))

    def once(self, key: Any, make: Callable[[], Map]) -> Map:
        if key not in self.known:
            self.known[key] = make()
        return self.known[key]

    def resolved(self, x: Value) -> Map:
        """The map whose steps are all nodes."""
        if isinstance(x, ClassTokens):
            raise Refused("class tokens without learned positions that are added to them and to the patches")
        if isinstance(x, Tensor):
            raise Refused(f"{x.name} is used outside of a layer")
        if isinstance(x, Quarter):
            raise Refused("a slice with a step is no operation of graph files, but for the four of a patch merging")
        if isinstance(x, Table):
            raise Refused(f"numbers of {x.name} are picked other than for the pixels of windows")
        if isinstance(x, (Scores, Finite)):
            raise Refused("scores of an attention are used other than by softmax and a product with the values")
        if isinstance(x, Constant):
            raise Refused("it works on fixed numbers that are no parameters")
        if x.node == "input" and not x.taken:
            self._take_images(x)
            return dataclasses.replace(x, steps=(), taken=True)
        if not x.steps:
            return x
        op = ACTIVATIONS.get(x.steps)
        if op is None:
            said = ", then ".join(" ".join(map(str, step)).replace("mul", "times").replace("add", "plus") for step in x.steps)
            raise Refused(f"what is computed of a map ({said}) is no activation that graph files have")
        made = self.once((x.node, x.steps), lambda: self.add(op, [x.node], x.shape))
        return dataclasses.replace(x, node=made.node, steps=())

    def _take_images(self, x: Map) -> None:
        """Steps on the images are (x - mean) / std, the same wherever they are used."""
        mean, std = [0.0] * x.shape[0], [1.0] * x.shape[0]
        for step in x.steps:
            if step[0] not in ("add", "mul", "add each", "mul each") or step == ("mul", 0.0):
                raise Refused("images are changed by more than a mean and a deviation before the first layer")
            by = list(step[1]) if isinstance(step[1], tuple) else [step[1]] * x.shape[0]
            for c, b in enumerate(by):
                if step[0].startswith("add"):
                    mean[c] -= b * std[c]
                else:
                    std[c] /= b
        now = {"mean": [float(f"{v:.9g}") for v in mean], "std": [float(f"{v:.9g}") for v in std]} if x.steps else None
        if self.seen and now != self.normalize:
            raise Refused("images are used both as they come and normalised, or normalised in two ways")
        self.seen, self.normalize = True, now

    def whole(self, x: Value, moved: bool = False) -> Map:
        """All channels of a map, which may only be rolled where `moved` says so."""
        x = self.resolved(x)
        if x.rolled != (0, 0) and not moved:
            raise Refused("a map that was rolled is used other than in windows")
        if not x.whole:
            raise Refused("a part of the channels is used by itself")
        return x

    def as_map(self, x: Value, first: int = 2) -> Map:
        """A map with its channels in dimension 1 and its pixels behind them in their order."""
        x = self.whole(x)
        C, H, W = x.shape
        if x.dims[:2] != (axis("N", BATCH), axis("C", C)):
            raise Refused("the channels of its input are not in dimension 1")
        rest = x.dims[2:]
        if first == 2 and rest != (axis("H", H), axis("W", W)):
            raise Refused("its input is no map of pixels in their order")
        if _graph_layout.joined([a for dim in rest for a in dim]) != axis("H", H) + axis("W", W):
            raise Refused("its input is no map of pixels in their order")
        return x

    def as_features(self, x: Value, moved: bool = False) -> Map:
        """A tensor whose last dimension is that of all channels; flattened if need be."""
        x = self.whole(x, moved)
        C, H, W = x.shape
        every = axis("C", C) + axis("H", H) + axis("W", W)
        if x.dims[-1] == axis("C", C):
            return x
        if x.rolled == (0, 0) and x.dims[0] == axis("N", BATCH) and x.dims[-1] == every and not any(x.dims[1:-1]):
            flat = self.once((x.node, "flatten"), lambda: self.add("flatten", [x.node], (C * H * W, 1, 1)))
            return dataclasses.replace(flat, dims=(*x.dims[:-1], axis("C", C * H * W)))
        raise Refused("the features of its input are not the channels, nor the whole map in the order C, H, W")

    def as_channels(self, x: Map, y: Map, channels: int) -> Map:
        """The new node's map y as a tensor like x, whose last dimension are channels."""
        return dataclasses.replace(y, dims=(*x.dims[:-1], axis("C", channels)), rolled=x.rolled)

    def layer(self, weight: Value, bias: Optional[Value], ends: Tuple[str, str] = (".weight", ".bias")) -> str:
        """The name that the layer's tensors share."""
        for tensor in (weight, bias):
            if tensor is not None and not (isinstance(tensor, Tensor) and tensor.plain):
                raise Refused("its weight or bias is computed (weight_norm, parametrizations), or none of the model's own")
        assert isinstance(weight, Tensor)
        if not weight.name.endswith(ends[0]) or (isinstance(bias, Tensor) and bias.name != weight.name[: -len(ends[0])] + ends[1]):
            names = weight.name + (f" and {bias.name}" if isinstance(bias, Tensor) else "")
            raise Refused(f"its tensors are called {names}: must be <layer>{ends[0]} and <layer>{ends[1]}")
        return weight.name[: -len(ends[0])]

    # ---- functions of each number ----

    def elementwise(self, op: str, x: Value, **attributes: Any) -> Map:
        x = self.whole(x)
        return dataclasses.replace(self.add(op, [x.node], x.shape, **attributes), dims=x.dims)

    def gelu(self, a: Dict[str, Any]) -> Map:
        how = a.get("approximate", "none")
        return self.elementwise("gelu", a["self"], **({"approximate": how} if how != "none" else {}))

    def dropout(self, a: Dict[str, Any]) -> Value:
        x = a["input"]
        if a.get("train"):
            raise Refused("dropout stays on in eval mode")
        p = float(a["p"])
        if not isinstance(x, Map) or not x.whole or not 0 < p < 1:
            return x  # type: ignore[no-any-return]
        return self.elementwise("dropout", x, p=p)

    def step(self, x: Value, *step: Any) -> Value:
        if isinstance(x, Scores) and step[0] == "mul" and not x.soft:
            return dataclasses.replace(x, factor=x.factor * step[1])
        x = x if isinstance(x, Map) else self.resolved(x)
        step = tuple(rounded(v) if isinstance(v, float) else v for v in step)
        if step in (("add", 0.0), ("mul", 1.0), ("clamp", -math.inf, math.inf)):
            return x
        steps = x.steps
        if steps and steps[-1][0] == step[0] == "clamp":
            return dataclasses.replace(x, steps=(*steps[:-1], ("clamp", max(steps[-1][1], step[1]), min(steps[-1][2], step[2]))))
        if steps and steps[-1][0] == step[0] == "mul":  # a scale that is split between queries and keys
            return dataclasses.replace(x, steps=(*steps[:-1], ("mul", rounded(steps[-1][1] * step[1]))))
        if steps in ACTIVATIONS and not begins((*steps, step)):
            x = self.resolved(x)
        return dataclasses.replace(x, steps=(*x.steps, step))

    def clamp(self, a: Dict[str, Any]) -> Value:
        low = a.get("min", a.get("min_val"))
        high = a.get("max", a.get("max_val"))
        return self.step(a["self"], "clamp", float(-math.inf if low is None else low), float(math.inf if high is None else high))

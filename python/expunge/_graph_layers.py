"""Layers with parameters, and pooling."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Dict, Sequence

from . import _graph_layout
from ._graph_layout import axis
from ._graph_nodes import Nodes
from ._graph_values import BATCH, PADDED, Map, Refused, Tensor, Value, pair_of, plain_dims, rounded, short, square

STATISTICS = ("running_mean", "running_var")


class Layers(Nodes):

    # ---- layers ----

    def convolution(self, a: Dict[str, Any]) -> Map:
        if a.get("transposed"):
            raise Refused("a transposed convolution is no operation of graph files")
        x, weight, around = a["input"], a["weight"], [0, 0, 0, 0]
        if isinstance(x, Map) and any(step[0] == PADDED for step in x.steps):
            if len(x.steps) != 1:
                raise Refused("its input is padded and then changed, which graph files cannot say")
            around, x = list(x.steps[0][1:]), dataclasses.replace(x, steps=())
        x = self.as_map(x)
        name = self.layer(weight, a.get("bias"))
        if len(weight.shape) != 4:
            raise Refused("graph files have convolutions of two dimensions only")
        K, kernel = weight.shape[0], list(weight.shape[2:])
        stride, dilation = pair_of(a["stride"]), pair_of(a["dilation"])
        total = [d * (k - 1) if a["padding"] == "same" else 0 for d, k in zip(dilation, kernel)]
        padding = [t // 2 for t in total] if isinstance(a["padding"], str) else pair_of(a["padding"])
        extra = [t % 2 + after - before for t, before, after in zip(total, around[::2], around[1::2])]
        padding = [p + before for p, before in zip(padding, around[::2])]
        groups, attributes = int(a["groups"]), {"out_channels": K, "kernel_size": short(kernel)}
        for key, value, usual in (
            ("stride", square(stride, "stride"), 1),
            ("padding", short(padding), 0),
            ("extra_padding", short(extra), 0),
            ("dilation", square(dilation, "dilation"), 1),
            ("groups", groups, 1),
            ("bias", a.get("bias") is not None, True),
        ):
            if value != usual:
                attributes[key] = value
        return self.add("conv2d", [x.node], (K, *self.sizes[-2:]), name, **attributes)

    def linear(self, a: Dict[str, Any]) -> Map:
        weight, bias = a["weight"], a.get("bias")
        x = self.as_features(a["input"], moved=True)
        packed = isinstance(weight, Tensor) and weight.name.endswith("_weight")
        name = self.layer(weight, bias, ("_weight", "_bias") if packed else (".weight", ".bias"))
        K = weight.shape[0]
        attributes: Dict[str, Any] = {"out_features": K}
        if bias is None:
            attributes["bias"] = False
        if packed:
            attributes["packed"] = True
        return self.as_channels(x, self.add("linear", [x.node], (K, *x.shape[1:]), name, **attributes), K)

    def batch_norm(self, a: Dict[str, Any]) -> Map:
        if a.get("training"):
            raise Refused("it uses the statistics of each batch (track_running_stats=False)")
        x = self.as_map(a["input"], first=1)
        if not isinstance(a["weight"], Tensor) or not isinstance(a["bias"], Tensor):
            raise Refused("a batch norm without weight and bias is no operation of graph files")
        name = self.layer(a["weight"], a["bias"])
        if [getattr(a[end], "name", "") for end in STATISTICS] != [f"{name}.{end}" for end in STATISTICS]:
            raise Refused(f"its statistics are not called {name}.running_mean and {name}.running_var")
        attributes = {"eps": float(a["eps"])}
        if rounded(a["momentum"]) != 0.1:
            attributes["momentum"] = float(a["momentum"])
        return dataclasses.replace(self.add("batch_norm", [x.node], x.shape, name, **attributes), dims=x.dims)

    def layer_norm(self, a: Dict[str, Any]) -> Map:
        x = self.as_features(a["input"])
        if list(a["normalized_shape"]) != [x.shape[0]]:
            raise Refused("a layer norm over more than the channels is no operation of graph files")
        if not isinstance(a["weight"], Tensor) or not isinstance(a["bias"], Tensor):
            raise Refused("a layer norm without weight and bias is no operation of graph files")
        name = self.layer(a["weight"], a["bias"])
        return dataclasses.replace(self.add("layer_norm", [x.node], x.shape, name, eps=float(a["eps"])), dims=x.dims)

    def group_norm(self, a: Dict[str, Any]) -> Map:
        x = self.as_map(a["input"], first=1)
        if not isinstance(a["weight"], Tensor) or not isinstance(a["bias"], Tensor):
            raise Refused("a group norm without weight and bias is no operation of graph files")
        groups = int(a["num_groups"] if "num_groups" in a else a["group"])
        y = self.add("group_norm", [x.node], x.shape, self.layer(a["weight"], a["bias"]), num_groups=groups, eps=float(a["eps"]))
        return dataclasses.replace(y, dims=x.dims)

    def prelu(self, a: Dict[str, Any]) -> Map:
        x, weight = self.whole(a["self"]), a["weight"]
        if isinstance(weight, Tensor):  # seen as [1, C, 1, 1] in some versions
            weight = Tensor(weight.name, weight.shape, plain_dims(weight.shape))
        count = math.prod(weight.shape) if isinstance(weight, Tensor) else 0
        if count > 1:
            x = self.as_map(x, first=1)
        y = self.add("prelu", [x.node], x.shape, self.layer(weight, None), num_parameters=count)
        return dataclasses.replace(y, dims=x.dims)

    # ---- pooling ----

    def padded(self, a: Dict[str, Any]) -> Value:
        """Zeros around a map: for the convolution behind, or below and on the right of a map with its channels last."""
        sides = [int(p) for p in a["pad"]]
        if not any(sides):
            return a["self"]  # type: ignore[no-any-return]
        if a.get("mode", "constant") != "constant" or a["value"]:
            raise Refused("padding other than by zeros is no operation of graph files")
        x = self.whole(a["self"])
        C, H, W = x.shape
        last = x.dims == (axis("N", BATCH), axis("H", H), axis("W", W), axis("C", C))
        if not last:
            x = self.as_map(x)
        elif not any(sides[:2]):
            sides = sides[2:]
        left, right, top, bottom = (*sides, 0, 0, 0, 0)[:4]
        if any(sides[4:]) or min(sides) < 0 or (last and (top or left)):
            raise Refused(f"padding {sides} is no operation of graph files")
        if not last:
            return dataclasses.replace(x, steps=((PADDED, top, bottom, left, right),))
        to = H + bottom, W + right
        made = self.add("pad", [x.node], (C, *to), output_size=short(to))
        return dataclasses.replace(made, dims=(axis("N", BATCH), axis("H", to[0]), axis("W", to[1]), axis("C", C)))

    def max_pool(self, a: Dict[str, Any]) -> Map:
        x = self.as_map(a["self"])
        kernel = square(pair_of(a["kernel_size"]), "kernel_size")
        stride = square(pair_of(a["stride"] or a["kernel_size"]), "stride")
        padding = square(pair_of(a["padding"]), "padding")
        if pair_of(a["dilation"]) != [1, 1]:
            raise Refused("a max pool with dilation is no operation of graph files")
        self._floor(x, kernel, stride, padding, a)
        sizes: Dict[str, Any] = {"kernel_size": kernel, "stride": stride, **({"padding": padding} if padding else {})}
        return self.add("max_pool2d", [x.node], (x.shape[0], *self.sizes[-2:]), **sizes)

    def _floor(self, x: Map, kernel: int, stride: int, padding: int, a: Dict[str, Any]) -> None:
        floor = [(side + 2 * padding - kernel) // stride + 1 for side in x.shape[1:]]
        if a.get("ceil_mode") and list(self.sizes[-2:]) != floor:
            raise Refused(f"ceil_mode=True on a map of {x.shape[1]}x{x.shape[2]} is no operation of graph files")

    def avg_pool(self, a: Dict[str, Any]) -> Map:
        x = self.as_map(a["self"])
        pair = pair_of(a["kernel_size"])
        if any(pair_of(a["padding"])) or a.get("divisor_override"):
            raise Refused("an average pool with padding or a divisor is no operation of graph files")
        if pair == list(x.shape[1:]):
            return self._pooled(x)
        kernel, stride = square(pair, "kernel_size"), square(pair_of(a["stride"] or pair), "stride")
        self._floor(x, kernel, stride, 0, a)
        return self.add("avg_pool2d", [x.node], (x.shape[0], *self.sizes[-2:]), kernel_size=kernel, stride=stride)

    def adaptive(self, a: Dict[str, Any]) -> Map:
        x = self.as_map(a["self"])
        return self._pooled(x, list(self.sizes[-2:]))

    def _pooled(self, x: Map, to: Sequence[int] = (1, 1)) -> Map:
        make = lambda: self.add("adaptive_avg_pool2d", [x.node], (x.shape[0], *to), output_size=short(to))
        return self.once((x.node, "pool", tuple(to)), make)

    def mean(self, a: Dict[str, Any]) -> Map:
        x = self.whole(a["self"])
        dims = [d % len(x.dims) for d in (a.get("dim") or range(len(x.dims)))]
        gone = [atom for d in sorted(dims) for atom in x.dims[d]]
        C, H, W = x.shape
        if sorted(_graph_layout.joined(gone)) != sorted(axis("H", H) + axis("W", W)):
            raise Refused("a mean over other than all pixels or tokens is no operation of graph files")
        kept = tuple(() if d in dims else dim for d, dim in enumerate(x.dims) if a.get("keepdim") or d not in dims)
        return dataclasses.replace(self._pooled(x), dims=kept)

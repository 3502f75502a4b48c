"""torch's graph of a model (torch.export) as a graph file of the program (docs/graph.md).

A tensor of the graph is a node of the file and where that node's axes are in it (_graph_layout.py): permutations and views then need no node
of their own. Numbers that are added to, or multiplied with, a whole map wait as steps until they are known for an activation.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from typing import Any, Callable, Dict, Optional, Tuple, Union

import torch

from ._graph_layers import Layers
from ._graph_layout import axis
from ._graph_values import (
    BATCH, HARD_SIGMOID, ClassTokens, Constant, Finite, Map, Quarter, Refused, Scores, Table, Tensor, Value, begins, flat, number_of, plain_dims,
)
from ._graph_views import Views


class Translator(Layers, Views):
    """One pass over torch's graph, in its order."""

    alone = False  # whether nobody else sees the first input of the operation at hand

    # ---- two tensors ----

    def product(self, a: Dict[str, Any]) -> Value:
        """matmul, mm, bmm: a linear layer, or one of the two of an attention."""
        left: Value = a["self"] if "self" in a else a["input"]
        right: Value = a["mat2"] if "mat2" in a else a["other"]
        if isinstance(right, Tensor):
            copies = all(atom[0] in ("N", "copies") for dim in right.dims[:-2] for atom in dim)
            if right.dims[-2:] == (axis("1", right.shape[-1]), axis("0", right.shape[0])) and len(right.shape) == 2 and copies:
                return self.linear({"input": left, "weight": Tensor(right.name, right.shape, plain_dims(right.shape))})
            raise Refused(f"{right.name} is multiplied as it is, not transposed as the weight of a linear layer")
        if isinstance(left, Scores):
            return self.attended(left, right)
        if isinstance(left, Map) and isinstance(right, Map):
            return self.scores(left, right)
        raise Refused("a product of two maps is part of an attention only")

    def addmm(self, a: Dict[str, Any]) -> Value:
        if number_of(a.get("alpha", 1)) != 1 or number_of(a.get("beta", 1)) != 1:
            raise Refused("sums with factors are no operation of graph files")
        right = a["mat2"]
        if not isinstance(right, Tensor) or right.dims != (axis("1", right.shape[-1]), axis("0", right.shape[0])):
            raise Refused("its weight is multiplied as it is, not transposed as that of a linear layer")
        plain = Tensor(right.name, right.shape, plain_dims(right.shape))
        return self.linear({"input": a["mat1"], "weight": plain, "bias": a["self"]})

    def plus(self, a: Dict[str, Any], sign: int = 1) -> Value:
        x, y = a["self"], a["other"]
        by = sign * number_of(a.get("alpha", 1))
        if not isinstance(x, Map) and isinstance(y, Map) and by == 1:
            x, y = y, x
        number = number_of(y)
        if not math.isnan(number):
            return self.step(x, "add", by * number)
        if isinstance(x, Map) and x.node == "input" and isinstance(y, (Tensor, Constant)):
            return self._each(x, "add each", y, lambda v: by * v)
        if isinstance(y, Constant) and isinstance(y.value, torch.Tensor) and not y.value.any():
            return x  # type: ignore[no-any-return]
        if isinstance(y, Scores):
            x, y = y, x
        if isinstance(x, Scores) and x.window and by == 1:
            return self.biased(x, y)
        if by != 1:
            raise Refused("a difference, or a sum with a factor, is no operation of graph files")
        if isinstance(y, Tensor) and isinstance(x, (Map, ClassTokens)):
            return self._with_tensor(x, y)
        x, y = self.whole(x), self.whole(y)
        if x.shape != y.shape or x.dims != y.dims:
            raise Refused("a sum of maps that differ in shape or in the order of their axes")
        return dataclasses.replace(self.add("add", [x.node, y.node], x.shape), dims=x.dims)

    def _with_tensor(self, x: Union[Map, ClassTokens], y: Tensor) -> Map:
        """A bias that was left out of its layer, or positions."""
        if isinstance(x, Map):
            x = self.whole(x)
            last = self.nodes[-1] if self.nodes else {}
            attributes = last.get("attributes", {})
            if last.get("name") == x.node and self.alone and attributes.get("bias") is False and y.plain and y.shape == (x.shape[0],):
                where = x.dims[-1] if last["op"] == "linear" else ()
                end = "_bias" if attributes.get("packed") else ".bias"
                if where == axis("C", x.shape[0]) and y.name == last["name"] + end:
                    del attributes["bias"]
                    return x
        inner = x if isinstance(x, Map) else x.map
        first = [] if isinstance(x, Map) else [x.token]
        C, H, W = inner.shape
        count = H * W + (0 if isinstance(x, Map) else x.count)
        pixels = axis("H", H) + axis("W", W) if isinstance(x, Map) else axis("H", count)
        if not y.plain or y.shape != (1, count, C) or x.dims != (axis("N", BATCH), pixels, axis("C", C)):
            raise Refused(f"{y.name} of shape {list(y.shape)} is added outside of a layer, and is no positions [1, tokens, features]")
        made = self.add("tokens", [inner.node, *first], (C, count, 1), y.name)
        return dataclasses.replace(made, dims=(axis("N", BATCH), axis("H", count), axis("C", C)))

    def times(self, a: Dict[str, Any]) -> Value:
        x, y = a["self"], a["other"]
        if not isinstance(x, (Map, Scores)):
            x, y = y, x
        number = number_of(y)
        if not math.isnan(number):
            return self.step(x, "mul", number)
        if isinstance(x, Map) and x.node == "input" and isinstance(y, (Tensor, Constant)):
            return self._each(x, "mul each", y, lambda v: v)
        if isinstance(y, Tensor) and isinstance(x, Map):
            x = self.whole(x)
            if y.vector is None or len(x.dims) < -y.vector or x.dims[y.vector] != axis("C", x.shape[0]):
                raise Refused(f"{y.name} is multiplied outside of a layer, and not as one number per channel")
            channels = x.shape[0]
            vector = self.add("parameter", [], (channels, 1, 1), y.name, **self.parameter_of(y, channels))
            return dataclasses.replace(self.add("mul", [x.node, vector.node], x.shape), dims=x.dims)
        if not isinstance(x, Map) or not isinstance(y, Map):
            raise Refused("a product that is neither a gate nor a layer is no operation of graph files")
        x, y = (self.resolved(z) if (z.node, z.steps) in self.known else z for z in (x, y))
        for one, other in ((x, y), (y, x)):  # x sigmoid(x)
            if one.node == other.node and not one.steps and one.whole and one.dims == other.dims and begins((*other.steps, ("self",))):
                return dataclasses.replace(other, steps=(*other.steps, ("self",)))
        return self._gated(self.whole(x), self.whole(y))

    @staticmethod
    def parameter_of(y: Tensor, channels: int) -> Dict[str, Any]:
        return {"channels": channels, **({} if y.shape == (channels, 1, 1) else {"shape": list(y.shape)})}

    def _gated(self, x: Map, y: Map) -> Map:
        if x.shape[1:] == (1, 1) and y.shape[1:] != (1, 1):
            x, y = y, x
        C = x.shape[0]
        padded = ((),) * (len(x.dims) - len(y.dims)) + y.dims
        if y.shape != (C, 1, 1) or len(padded) != len(x.dims):
            raise Refused("a product of two maps is no operation of graph files: only one number per channel can be a gate")
        for ours, theirs in zip(x.dims, padded):
            if (axis("C", C) in (ours, theirs) or axis("N", BATCH) in (ours, theirs)) and ours != theirs:
                raise Refused("a gate whose channels are not where those of the map are")
        return dataclasses.replace(self.add("mul", [x.node, y.node], x.shape), dims=x.dims)

    def divided(self, a: Dict[str, Any]) -> Value:
        x, y = a["self"], a["other"]
        if a.get("rounding_mode") is not None:
            raise Refused("a division that rounds is no operation of graph files")
        number = number_of(y)
        if number:  # NaN too
            if not math.isnan(number):
                return self.step(x, "mul", 1 / number)
            if isinstance(x, Map) and x.node == "input" and isinstance(y, (Tensor, Constant)):
                return self._each(x, "mul each", y, lambda v: 1 / v)
        raise Refused("a division by a tensor is no operation of graph files")

    def _each(self, x: Map, what: str, y: Union[Tensor, Constant], of: Callable[[float], float]) -> Map:
        """The images with a number per channel: a normalisation that is part of the model."""
        value = self.numbers(y.name) if isinstance(y, Tensor) else y.value
        dims = y.dims if isinstance(y, Tensor) else plain_dims(tuple(value.shape))
        where = [i - len(dims) for i, dim in enumerate(dims) if dim]
        C = x.shape[0]
        if value.numel() not in (1, C) or any(len(x.dims) < -w or x.dims[w] != axis("C", C) for w in where):
            raise Refused("images are changed by other than one number per channel")
        values = tuple(of(float(v)) for v in value.flatten().tolist()) * (C if value.numel() == 1 else 1)
        return dataclasses.replace(x, steps=(*x.steps, (what, values)))

    # ---- torch's nodes ----

    def run(self, node: torch.fx.Node, env: Dict[torch.fx.Node, Any]) -> Any:
        """What a node of torch's graph gives."""
        if node.target is operator.getitem:
            return env[node.args[0]][node.args[1]]  # type: ignore[index]
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            raise Refused(f"{node.target} is no operation of graph files")
        a = {arg.name: arg.default_value for arg in schema.arguments if arg.has_default_value()}
        a.update(zip((arg.name for arg in schema.arguments), node.args))
        a.update(node.kwargs)
        a = torch.fx.node.map_arg(a, lambda n: env[n])
        if not any(isinstance(v, (Map, Tensor, Scores, ClassTokens, Quarter, Table, Finite)) for v in flat(list(a.values()))):
            plain = torch.utils._pytree.tree_map(lambda v: v.value if isinstance(v, Constant) else v, a)
            out = node.target(**plain)  # type: ignore[operator]
            return [Constant(v) for v in out] if isinstance(out, (list, tuple)) else Constant(out)
        value = node.meta.get("val")
        value = value[0] if isinstance(value, (tuple, list)) else value
        self.sizes = tuple(int(s) for s in value.shape) if isinstance(value, torch.Tensor) else ()
        name = schema.name.partition("::")[2]
        self.alone = _alone(node, env)
        handler = HANDLERS.get(name)
        if handler is None:
            raise Refused(f"{schema.name.replace('::', '.')} is no operation of graph files")
        return handler(self, a, node)

def _alone(node: torch.fx.Node, env: Dict[torch.fx.Node, Any]) -> bool:
    """Whether nothing but this node sees its first input, nor what that is a view of."""
    while True:
        before = node.all_input_nodes[0]
        if len(before.users) != 1:
            return False
        same = before.all_input_nodes and isinstance(env[before], Map) and isinstance(env.get(before.all_input_nodes[0]), Map)
        if not same or env[before].node != env[before.all_input_nodes[0]].node:
            return True
        node = before


Handler = Callable[[Translator, Dict[str, Any], torch.fx.Node], Any]
HANDLERS: Dict[str, Handler] = {}


def _row(names: str, handler: Handler) -> None:
    for name in names.split():
        HANDLERS[name] = handler


_row("conv2d convolution conv1d conv3d", lambda t, a, n: t.convolution(a))
_row("conv_transpose1d conv_transpose2d conv_transpose3d", lambda t, a, n: t.convolution({"transposed": True}))
_row("linear", lambda t, a, n: t.linear(a))
_row("addmm", lambda t, a, n: t.addmm(a))
_row("matmul mm bmm", lambda t, a, n: t.product(a))
_row("batch_norm", lambda t, a, n: t.batch_norm(a))
_row("_native_batch_norm_legit_no_training", lambda t, a, n: [t.batch_norm(a)])
_row("layer_norm", lambda t, a, n: t.layer_norm(a))
_row("native_layer_norm", lambda t, a, n: [t.layer_norm(a)])
_row("group_norm", lambda t, a, n: t.group_norm(a))
_row("native_group_norm", lambda t, a, n: [t.group_norm(a)])
_row("prelu _prelu_kernel", lambda t, a, n: t.prelu(a))
_row("relu", lambda t, a, n: t.elementwise("relu", a["self"]))
_row("tanh", lambda t, a, n: t.elementwise("tanh", a["self"]))
_row("silu", lambda t, a, n: t.elementwise("silu", a["self"]))
_row("hardswish", lambda t, a, n: t.elementwise("hardswish", a["self"]))
_row("relu6", lambda t, a, n: t.step(a["self"], "clamp", 0.0, 6.0))
_row("gelu", lambda t, a, n: t.gelu(a))
_row("leaky_relu", lambda t, a, n: t.elementwise("leaky_relu", a["self"], negative_slope=float(a["negative_slope"])))
_row("sigmoid", lambda t, a, n: t.step(a["self"], "sigmoid"))
_row("hardsigmoid", lambda t, a, n: dataclasses.replace(t.whole(a["self"]), steps=HARD_SIGMOID))
_row("clamp clamp_min clamp_max hardtanh", lambda t, a, n: t.clamp(a))
_row("dropout feature_dropout", lambda t, a, n: t.dropout(a))
_row("add", lambda t, a, n: t.plus(a))
_row("sub", lambda t, a, n: t.plus(a, -1))
_row("mul", lambda t, a, n: t.times(a))
_row("div", lambda t, a, n: t.divided(a))
_row("scaled_dot_product_attention _scaled_dot_product_flash_attention", lambda t, a, n: t.attention(a))
_row("_scaled_dot_product_flash_attention_for_cpu", lambda t, a, n: [t.attention(a)])
_row("softmax _softmax _safe_softmax", lambda t, a, n: t.softmax(a))
_row("eq logical_not any", lambda t, a, n: t.finite(a))
_row("full_like zeros_like", lambda t, a, n: Constant(None))
_row("where", lambda t, a, n: t.safe(a))
_row("max_pool2d", lambda t, a, n: t.max_pool(a))
_row("max_pool2d_with_indices", lambda t, a, n: [t.max_pool(a)])
_row("avg_pool2d", lambda t, a, n: t.avg_pool(a))
_row("adaptive_avg_pool2d _adaptive_avg_pool2d", lambda t, a, n: t.adaptive(a))
_row("constant_pad_nd pad", lambda t, a, n: t.padded(a))
_row("roll", lambda t, a, n: t.roll(a))
_row("index", lambda t, a, n: t.gathered(a))
_row("new_zeros", lambda t, a, n: Constant(torch.zeros([int(s) for s in a["size"]])))
_row("mean", lambda t, a, n: t.mean(a))
_row("view reshape _unsafe_view flatten unflatten squeeze unsqueeze", lambda t, a, n: t.view(a["self"]))
_row("contiguous clone alias detach lift_fresh_copy lift_fresh dropout_", lambda t, a, n: a["self"])
_row("_to_copy to type_as", lambda t, a, n: t.converted(a["self"], n))
_row("permute", lambda t, a, n: t.permute(a["self"], a["dims"]))
_row("transpose", lambda t, a, n: t.transpose(a["self"], a["dim0"], a["dim1"]))
_row("t", lambda t, a, n: t.transpose(a["self"], 0, -1))
_row("expand", lambda t, a, n: t.expand(a["self"]))
_row("expand_as", lambda t, a, n: t.expand(a["self"]))
_row("select", lambda t, a, n: t.select(a["self"], a["dim"], a["index"]))
_row("slice", lambda t, a, n: t.slice(a))
_row("chunk split split_with_sizes tensor_split", lambda t, a, n: t.parts(a["self"], a.get("dim", 0), n))
_row("unbind", lambda t, a, n: [t.select(a["self"], a["dim"], i) for i in range(len(n.meta["val"]))])
_row("cat", lambda t, a, n: t.cat(a))

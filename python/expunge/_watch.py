"""What a network multiplies its inputs with: every product with a layer's weight, as torch makes it.

Layers are found by the parameter that a product is made with, not by their modules' inputs. So an input that a layer pads itself
counts as it is multiplied, a weight that two modules share is one layer, and what torch computes without a module of its own (the
projections inside attention) is seen too.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ._patches import Shape

CONVOLUTIONS: Dict[Any, int] = {F.conv1d: 1, F.conv2d: 2, F.conv3d: 3}
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
OTHER_PRODUCTS = {
    getattr(torch, name)
    for name in "matmul mm bmm mv addmm addmv baddbmm addbmm einsum tensordot dot".split()
    + "conv_transpose1d conv_transpose2d conv_transpose3d bilinear".split()
} | {getattr(torch.Tensor, n) for n in "matmul __matmul__ __rmatmul__ mm bmm mv addmm baddbmm".split()}
ATTENTION = inspect.signature(F.multi_head_attention_forward)

# rows first .. end - 1 of a parameter: one weight matrix
Key = Tuple[int, int, int]


@dataclass
class Weight:
    """A parameter that a layer may be edited in."""

    name: str  # of the layer
    parameter: nn.Parameter


def find_weights(model: nn.Module) -> Tuple[Dict[int, Weight], Dict[str, str]]:
    """The weights of layers by the id of their parameter, and why other layers have none."""
    weights: Dict[int, Weight] = {}
    left: Dict[str, str] = {}
    for path, module in model.named_modules():
        names: List[Tuple[str, str]] = []
        if isinstance(module, TRANSPOSED):
            left[path] = f"{type(module).__name__}: transposed convolutions are not supported"
        elif isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)):
            names = [("weight", path)]
        elif isinstance(module, nn.MultiheadAttention):
            dot = path + "." if path else ""
            names = [(n, dot + n[: -len("_weight")]) for n in ATTENTION_WEIGHTS if getattr(module, n, None) is not None]
        for attribute, name in names:
            parameter = module._parameters.get(attribute)
            if parameter is None:
                left[name] = "its weight is computed from other parameters"
            elif not parameter.is_floating_point():
                left[name] = f"its weight is of type {parameter.dtype}"
            else:
                weights.setdefault(id(parameter), Weight(name or "model", parameter))
    return weights, left


UNSEEN = "no product with this parameter itself was seen (something is computed from it, or no image reaches it)"


def is_norm(module: nn.Module) -> bool:
    """Whether the parameters of a module only scale and shift."""
    return "Norm" in type(module).__name__ or isinstance(module, (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm))


ATTENTION_WEIGHTS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")

# take(key, name, shape, x): x [maps, channels, *size] or [vectors, channels]
Take = Callable[[Key, str, Shape, torch.Tensor], None]


class Watch(TorchFunctionMode):
    """While it is entered, every product with one of `weights` is handed to `take`, and other products with parameters of
    the model are named in `other`."""

    def __init__(self, model: nn.Module, weights: Dict[int, Weight], take: Take) -> None:
        super().__init__()
        self.weights = weights
        self.take = take
        self.images = 1  # of the batch that is running
        self.other: Dict[str, str] = {}
        self.stored: Dict[int, str] = {}
        for name, parameter in model.named_parameters():
            if parameter.ndim >= 2 and parameter.device.type != "meta":
                self.stored.setdefault(parameter.untyped_storage().data_ptr(), name)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is F.linear:
            self.linear(*_named(("input", "weight", "bias"), args, kwargs)[:2])
        elif func in CONVOLUTIONS:
            names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
            self.convolution(CONVOLUTIONS[func], *_named(names, args, kwargs))
        elif func is F.multi_head_attention_forward:
            return self.attention(func, args, kwargs)
        elif func in OTHER_PRODUCTS:
            self.name_other(func, args, kwargs)
        return func(*args, **kwargs)

    def name_other(self, func: Any, args: Any, kwargs: Any) -> None:
        flat = [a for b in (*args, *kwargs.values()) for a in (b if isinstance(b, (tuple, list)) else (b,))]
        for a in flat:
            if not isinstance(a, torch.Tensor) or a.device.type == "meta":
                continue
            name = self.stored.get(a.untyped_storage().data_ptr())
            if name is not None:
                self.other[name] = f"multiplied by {func.__name__.strip('_')}, outside of a layer"

    def weight_of(self, func: Any, parameter: Any) -> Optional[Weight]:
        found = self.weights.get(id(parameter))
        if found is None and isinstance(parameter, torch.Tensor):
            self.name_other(func, (parameter,), {})
        return found

    def linear(self, x: torch.Tensor, parameter: Any, rows: Optional[Tuple[int, int]] = None, part: str = "") -> None:
        found = self.weight_of(F.linear, parameter)
        if found is None:
            return
        if found.parameter.ndim != 2:
            self.other[found.name] = "multiplied in another form than its layer's"
            return
        first, end = rows or (0, parameter.shape[0])
        x = x.reshape(-1, x.shape[-1])
        each, rest = divmod(x.shape[0], self.images)
        self.take((id(parameter), first, end), found.name + part, Shape(x.shape[1], each=0 if rest else each), x)

    def convolution(
        self, dims: int, x: torch.Tensor, parameter: Any, _: Any, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> None:
        found = self.weight_of(F.conv2d, parameter)
        if found is None:
            return
        if x.ndim == dims + 1:
            x = x.unsqueeze(0)
        kernel = tuple(parameter.shape[2:])
        stride, dilation = _each(stride, dims, 1), _each(dilation, dims, 1)
        groups = 1 if groups is None else int(groups)
        if padding == "same":
            spread = [d * (k - 1) for d, k in zip(dilation, kernel)]
            pad = tuple((s // 2, s - s // 2) for s in spread)
        else:
            pad = tuple((p, p) for p in _each(0 if padding == "valid" else padding, dims, 0))
        each, rest = divmod(x.shape[0], self.images)
        shape = Shape(
            *(parameter.shape[1], groups, kernel, stride, dilation, pad, tuple(x.shape[2:])), each=0 if rest else each
        )
        self.take((id(parameter), 0, parameter.shape[0]), found.name, shape, x)

    def attention(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Attention with its projections in sight: the heads come out of a call whose output projection is the identity."""
        bound = ATTENTION.bind(*args, **kwargs)
        bound.apply_defaults()
        a = bound.arguments
        q, k, v = (x if x.ndim == 3 else x.unsqueeze(1) for x in (a["query"], a["key"], a["value"]))
        if a["use_separate_proj_weight"]:
            for x, name in ((q, "q_proj_weight"), (k, "k_proj_weight"), (v, "v_proj_weight")):
                self.linear(x.transpose(0, 1), a[name])
        elif a["query"] is a["key"] and a["key"] is a["value"]:
            self.linear(q.transpose(0, 1), a["in_proj_weight"])
        else:
            e = a["in_proj_weight"].shape[0] // 3
            for i, (x, part) in enumerate(((q, " (query)"), (k, " (key)"), (v, " (value)"))):
                self.linear(x.transpose(0, 1), a["in_proj_weight"], (i * e, i * e + e), part)
        weight, bias = a["out_proj_weight"], a["out_proj_bias"]
        identity = torch.eye(weight.shape[1], dtype=weight.dtype, device=weight.device)
        a["out_proj_weight"], a["out_proj_bias"] = identity, None
        heads, scores = func(*bound.args, **bound.kwargs)
        self.linear((heads if heads.ndim == 3 else heads.unsqueeze(1)).transpose(0, 1), weight)
        return F.linear(heads, weight, bias), scores


def _named(names: Tuple[str, ...], args: Any, kwargs: Any) -> List[Any]:
    given = dict(zip(names, args))
    given.update(kwargs)
    return [given.get(name) for name in names]


def _each(value: Any, dims: int, default: int) -> Tuple[int, ...]:
    if value is None:
        value = default
    values = tuple(int(x) for x in value) if isinstance(value, (tuple, list, torch.Size)) else (int(value),)
    return values * dims if len(values) == 1 else values

"""Views of maps, which need no node, and attention, which is known by its views."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Dict, List, Sequence

import torch

from . import _graph_layout
from ._graph_layout import Dim, axis
from ._graph_values import BATCH, PADDED, ClassTokens, Finite, Map, Quarter, Refused, Scores, Tensor, Value, dims_of, laid, masks_nothing
from ._graph_windows import Windows


class Views(Windows):

    # ---- views ----

    def view(self, x: Value) -> Value:
        if isinstance(x, Finite):
            return x
        dims = _graph_layout.reshaped(dims_of(x), self.sizes)
        if dims is None:
            raise Refused(f"a view as {list(self.sizes)} cuts axes of its input")
        return laid(x, dims)

    def permute(self, x: Value, order: Sequence[int]) -> Value:
        dims = dims_of(x)
        return laid(x, _graph_layout.permuted(dims, [o % len(dims) for o in order])) if dims else x

    def transpose(self, x: Value, i: int, j: int) -> Value:
        order = list(range(len(dims_of(x))))
        if order:
            order[i], order[j] = order[j], order[i]
        return self.permute(x, order)

    def expand(self, x: Value) -> Value:
        if isinstance(x, Finite):
            return x
        more = len(self.sizes) - len(dims_of(x))
        dims: List[Dim] = [()] * more
        dims += dims_of(x)
        for i, (dim, new) in enumerate(zip(dims, self.sizes)):
            if _graph_layout.size_of(dim) == new:
                continue
            if not isinstance(x, Tensor):
                return self._spread(x)
            dims[i] = axis("N", BATCH) if i == 0 and new == BATCH else (("copies", new, 1),)
        return laid(x, tuple(dims))

    def _spread(self, x: Value) -> Value:
        """A gate as large as its map: a product takes it as it is."""
        x = self.whole(x)
        if x.shape[1:] != (1, 1) or len(x.dims) != len(self.sizes) or x.dims[:2] != (axis("N", BATCH), axis("C", x.shape[0])):
            raise Refused("copies of a map are no operation of graph files")
        return x

    def select(self, x: Value, dim: int, index: int) -> Value:
        y = self.part(x, dim, index % _graph_layout.size_of(dims_of(x)[dim]), 1)
        return dataclasses.replace(y, dims=tuple(d for i, d in enumerate(y.dims) if i != dim % len(y.dims)))

    def part(self, of: Value, dim: int, start: int, length: int) -> Map:
        """`length` entries of a dimension from `start` on: parts of channels, or the first token."""
        x = of if isinstance(of, Map) and all(step[0] != PADDED for step in of.steps) else self.resolved(of)
        dims = list(x.dims)
        if _graph_layout.size_of(dims[dim]) == length:
            return x
        C, T, W = x.shape
        if dims[dim] == axis("H", T) and W == 1 and length == 1:
            x = self.whole(x)
            dims[dim] = ()
            index: Dict[str, Any] = {"index": start} if start else {}
            made = self.once((x.node, "token", start), lambda: self.add("first_token", [x.node], (C, 1, 1), **index))
            return dataclasses.replace(made, dims=tuple(dims))
        channels = C if x.whole else x.channels
        if len(dims[dim]) == 1 and dims[dim][0][0] == "C":
            _, size, step = dims[dim][0]
            if size * step == channels:
                dims[dim] = (("C", length, step),) if length > 1 else ()
                dims = [_graph_layout.joined(d) for d in dims]
                x = self.resolved(x)
                return dataclasses.replace(x, dims=tuple(dims), first=x.first + start * step, channels=length * step)
        if start == 0 and dims[dim] in (axis("H", T), axis("W", W)):
            return self.cropped(self.whole(x), dim, length)
        raise Refused("a part of a map is no operation of graph files, except for one token")

    def slice(self, a: Dict[str, Any]) -> Value:
        """x[start:end:step], where torch allows any start and counts negative ones from the end."""
        x, dim = a["self"], int(a.get("dim", 0))
        if int(a.get("step", 1)) != 1:
            return self.quarter(x, dim, int(a.get("start") or 0), int(a["step"]))
        size, start = _graph_layout.size_of(dims_of(x)[dim]), int(a.get("start") or 0)
        return self.part(x, dim, min(max(start + size if start < 0 else start, 0), size), self.sizes[dim])

    def converted(self, x: Value, node: torch.fx.Node) -> Value:
        """Other types of numbers are for the program to choose, but whole numbers and truth values are other numbers."""
        if not node.meta["val"].dtype.is_floating_point and not isinstance(x, Finite):
            raise Refused(f"a conversion to {node.meta['val'].dtype} is no operation of graph files")
        return x

    def parts(self, x: Value, dim: int, node: torch.fx.Node) -> List[Value]:
        out: List[Value] = []
        start = 0
        for piece in node.meta["val"]:
            length = int(piece.shape[dim])
            out.append(self.part(x, dim, start, length))
            start += length
        return out

    def cat(self, a: Dict[str, Any]) -> Value:
        pieces = list(a["tensors"])
        if isinstance(pieces[0], Quarter):
            return self.merged(pieces, int(a["dim"]))
        if isinstance(pieces[0], Tensor) and len(pieces) > 1:
            x = self.whole(pieces[-1])
            C, H, W = x.shape
            fits = x.dims == (axis("N", BATCH), axis("H", H) + axis("W", W), axis("C", C)) and int(a["dim"]) % 3 == 1
            tokens = [p for p in pieces[:-1] if isinstance(p, Tensor) and len(p.shape) == 3 and p.shape[::2] == (1, C)]
            if fits and len(tokens) == len(pieces) - 1:
                before: List[str] = []
                for token in tokens:
                    attributes = {"embed_dim": C, **({"num_tokens": token.shape[1]} if token.shape[1] > 1 else {})}
                    self.add("class_token", before, (C, token.shape[1], 1), token.name, **attributes)
                    before = [token.name]
                count = sum(token.shape[1] for token in tokens)
                return ClassTokens(before[0], count, x, (axis("N", BATCH), axis("H", count + H * W), axis("C", C)))
        if any(not isinstance(p, Map) for p in pieces):
            raise Refused("tokens that are put in front of a map must be parameters [1, count, features]")
        maps = [self.whole(p) for p in pieces]
        dim = int(a["dim"]) % len(maps[0].dims)
        for x in maps:
            rest = [d for i, d in enumerate(x.dims) if i != dim]
            theirs = [d for i, d in enumerate(maps[0].dims) if i != dim]
            if x.dims[dim] != axis("C", x.shape[0]) or rest != theirs or x.shape[1:] != maps[0].shape[1:]:
                raise Refused("only channels can be put one after the other, of maps of one size")
        C = sum(x.shape[0] for x in maps)
        made = maps[0] if len(maps) == 1 else self.add("concat", [x.node for x in maps], (C, *maps[0].shape[1:]))
        return dataclasses.replace(made, dims=tuple(axis("C", C) if i == dim else d for i, d in enumerate(maps[0].dims)))

    # ---- attention ----

    def attention(self, a: Dict[str, Any]) -> Map:
        mask = a.get("attn_mask")
        if a.get("is_causal") or not (mask is None or masks_nothing(mask)):
            raise Refused("an attention with a mask or a bias is no operation of graph files")
        if a.get("dropout_p"):
            raise Refused("dropout stays on in eval mode")
        if a.get("enable_gqa"):
            raise Refused("an attention with fewer keys than queries is no operation of graph files")
        q, k, v = a["query"], a["key"], a["value"]
        if not all(isinstance(x, Map) for x in (q, k, v)):
            raise Refused("an attention whose queries, keys or values are no maps")
        swapped = dataclasses.replace(k, dims=(*k.dims[:-2], k.dims[-1], k.dims[-2]))
        scores = self.scores(q, swapped)
        scale = a.get("scale")
        factor = float(scale) if scale is not None else 1 / math.sqrt(_graph_layout.size_of(q.dims[-1]))
        return self.attended(dataclasses.replace(scores, factor=scores.factor * factor, soft=True), v)

    def scores(self, q: Map, k: Map) -> Scores:
        factor, sides, window = 1.0, [], self.window_of(q)
        for x in (q, k):
            if x.steps and x.steps[-1][0] == "mul":
                factor *= x.steps[-1][1]
                x = dataclasses.replace(x, steps=x.steps[:-1])
            if x.steps or x.shape[2] != 1:
                x = self.resolved(x) if window else self._as_tokens(self.resolved(x))
            sides.append(x)
        q, k = sides
        if window:
            return self.window_scores(q, k, window, factor)
        tokens = axis("H", q.shape[1])
        if q.dims[-2] != tokens or k.dims[-1] != axis("H", k.shape[1]) or q.dims[-1] != k.dims[-2] or q.dims[:-2] != k.dims[:-2]:
            raise Refused("a product of two maps is no attention between tokens: queries [.., T, d] and keys [.., d, T]")
        if q.shape[1] != k.shape[1]:
            raise Refused("an attention to another number of tokens is no operation of graph files")
        return Scores(q, k, (*q.dims[:-1], axis("K", k.shape[1])), factor)

    def _as_tokens(self, x: Map) -> Map:
        if x.shape[2] != 1:
            raise Refused("an attention between the pixels of a map, which are no tokens (no positions are added)")
        return x

    def softmax(self, a: Dict[str, Any]) -> Value:
        x = a["self"]
        if not isinstance(x, Scores) or x.soft or int(a["dim"]) % len(x.dims) != len(x.dims) - 1:
            raise Refused("a softmax outside of an attention is no operation of graph files; models for export give logits")
        return dataclasses.replace(x, soft=True)

    def finite(self, a: Dict[str, Any]) -> Value:
        if isinstance(a["self"], (Scores, Finite)):
            return Finite()
        raise Refused("a comparison is no operation of graph files")

    def safe(self, a: Dict[str, Any]) -> Value:
        """where(no score is finite, 0, softmax): scores of maps are finite."""
        if isinstance(a["condition"], Finite) and isinstance(a["other"], Scores):
            return a["other"]
        raise Refused("a choice between maps is no operation of graph files")

    def attended(self, scores: Scores, v: Value) -> Map:
        q, k = scores.query, scores.key
        if scores.window:
            return self.window_attended(scores, self.resolved(v))
        v = self._as_tokens(self.resolved(v))
        if not scores.soft or scores.dims[-1] != axis("K", k.shape[1]) or scores.dims[-2] != axis("H", q.shape[1]):
            raise Refused("scores of an attention are used other than by softmax and a product with the values")
        depth = _graph_layout.size_of(q.dims[-1])
        E = q.channels if not q.whole else q.shape[0]
        batch, heads = q.dims[:-2], E // depth
        if v.dims[-2] != axis("H", v.shape[1]) or v.dims[-1] != q.dims[-1] or v.dims[:-2] != batch or v.shape[1] != k.shape[1]:
            raise Refused("the values of an attention are not laid out like its queries")
        everything = sorted(atom for dim in batch + (q.dims[-1],) for atom in dim)
        ours = axis("N", BATCH) + ((("C", heads, depth),) if heads > 1 else ()) + ((("C", depth, 1),) if depth > 1 else ())
        if everything != sorted(ours) or (q.dims[-1] and q.dims[-1] != (("C", depth, 1),)):
            raise Refused("the heads of an attention are not slices of its features one after the other")
        if abs(scores.factor * math.sqrt(depth) - 1) > 1e-5:
            raise Refused(f"an attention with the scale {scores.factor:.6g} in place of 1/sqrt({depth})")
        shape = (E, q.shape[1], 1)
        if q.node == k.node == v.node and q.shape[0] == 3 * E and (q.first, k.first, v.first) == (0, E, 2 * E):
            inputs = [q.node]
        elif q.whole and k.whole and v.whole:
            inputs = [q.node, k.node, v.node]
        else:
            raise Refused("queries, keys and values are not three equal parts of one layer in this order, nor three layers")
        made = self.add("scaled_dot_product_attention", inputs, shape, num_heads=heads)
        return dataclasses.replace(made, dims=q.dims)

"""Windows of a map, as Swin has them (arXiv 2103.14030): rolled maps, attention inside windows, patches merged."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Dict, List, Sequence

import torch

from . import _graph_layout
from ._graph_layout import axis
from ._graph_nodes import Nodes
from ._graph_values import BATCH, Constant, Map, Quarter, Refused, Scores, Table, Tensor, Value, plain_dims, short

APART = -50.0  # what is added between pixels that must not see each other is at most this; Swin's own is -100


class Windows(Nodes):

    # ---- every other pixel ----

    def quarter(self, of: Value, dim: int, start: int, step: int) -> Quarter:
        """Rows or columns 0, 2, .. or 1, 3, .."""
        x = of if isinstance(of, Quarter) else Quarter(self.whole(of), (-1, -1), self.whole(of).dims)
        dims, at = list(x.dims), list(x.at)
        for i, name in enumerate("HW"):
            side = x.map.shape[1 + i]
            if step == 2 and start in (0, 1) and at[i] < 0 and side % 2 == 0 and dims[dim] == axis(name, side):
                if self.sizes[dim] != side // 2:
                    break
                dims[dim], at[i] = axis(name, side // 2), start
                return Quarter(x.map, (at[0], at[1]), tuple(dims))
        raise Refused("a slice with a step is no operation of graph files, but for the four of a patch merging")

    def merged(self, pieces: Sequence[Value], dim: int) -> Map:
        """Four pixels as one."""
        first = pieces[0]
        assert isinstance(first, Quarter)
        C, H, W = first.map.shape
        dims = list(first.dims)
        order = [p.at for p in pieces if isinstance(p, Quarter) and p.map == first.map and p.dims == first.dims]
        if order != [(0, 0), (1, 0), (0, 1), (1, 1)] or dims[dim] != axis("C", C):
            raise Refused("pixels are put one after the other other than in a patch merging, whose order is (0, 0), (1, 0), (0, 1), (1, 1)")
        made = self.add("patch_merging", [first.map.node], (4 * C, H // 2, W // 2))
        dims[dim] = axis("C", 4 * C)
        return dataclasses.replace(made, dims=tuple(dims))

    # ---- what is around an attention ----

    def roll(self, a: Dict[str, Any]) -> Map:
        x = self.whole(a["self"], moved=True)
        sides, rolled = x.shape[1:], list(x.rolled)
        for shift, dim in zip(_list(a["shifts"]), _list(a["dims"])):
            i = [name for name in range(2) if sides[name] > 1 and x.dims[dim] == axis("HW"[name], sides[name])]
            if not i:
                raise Refused("a roll of other than all rows or columns of a map is no operation of graph files")
            rolled[i[0]] = (rolled[i[0]] + shift) % sides[i[0]]
        return dataclasses.replace(x, rolled=(rolled[0], rolled[1]))

    def cropped(self, x: Map, dim: int, length: int) -> Map:
        """The first rows or columns, which an attention in windows can leave away by itself; between are layers of each pixel."""
        rows = {row["name"]: row for row in self.nodes}
        C, H, W = x.shape
        high = x.dims[dim] == axis("H", H)
        at = rows[x.node]
        while at["op"] == "linear" and sum(at["inputs"][0] in row.get("inputs", []) for row in self.nodes) == 1:
            at = rows[at["inputs"][0]]
        if at["op"] != "window_attention" or any(x.node in row.get("inputs", []) for row in self.nodes):
            raise Refused("a part of a map is no operation of graph files, except behind windows that are larger, or for one token")
        to = (length, W) if high else (H, length)
        at["attributes"]["output_size"] = short(to)
        dims = list(x.dims)
        dims[dim] = axis("H" if high else "W", length)
        return dataclasses.replace(x, shape=(C, *to), dims=tuple(dims))

    # ---- attention between the pixels of a window ----

    def window_of(self, x: Map) -> int:
        """Side of the windows whose pixels are dimension -2; 0: these are no windows."""
        dim = x.dims[-2] if len(x.dims) > 2 else ()
        if len(dim) != 2 or x.shape[2] == 1:
            return 0
        (high, n, one), (wide, m, other) = dim
        return n if (high, wide, m, one, other) == ("H", "W", n, 1, 1) else 0

    def window_scores(self, q: Map, k: Map, n: int, factor: float) -> Scores:
        if k.dims[-1] != q.dims[-2] or q.dims[-1] != k.dims[-2] or q.dims[:-2] != k.dims[:-2] or q.rolled != k.rolled:
            raise Refused("a product of two maps is no attention between pixels of windows: queries [.., T, d] and keys [.., d, T]")
        return Scores(q, k, (*q.dims[:-1], axis("K", n * n)), factor, window=n)

    def gathered(self, a: Dict[str, Any]) -> Table:
        """A learned number for each head and each offset between two pixels of a window."""
        table, index = a["self"], a["indices"][0]
        if not isinstance(table, Tensor) or not table.plain or len(table.shape) != 2 or len(a["indices"]) != 1:
            raise Refused("numbers that an index picks are no operation of graph files, but for the relative positions of a window's pixels")
        if isinstance(index, Tensor):
            shape, value = [_graph_layout.size_of(dim) for dim in index.dims], self.numbers(index.name)
            plain = [atom for dim in index.dims for atom in dim] == [atom for dim in plain_dims(index.shape) for atom in dim]
        else:
            value = index.value if isinstance(index, Constant) and isinstance(index.value, torch.Tensor) else torch.zeros(0)
            shape, plain = list(value.shape), True
        n = (math.isqrt(table.shape[0]) + 1) // 2
        where = torch.arange(n)
        offset = where[:, None] - where + n - 1  # from one row, or column, to another
        wanted = offset[:, None, :, None] * (2 * n - 1) + offset[None, :, None, :]
        if (2 * n - 1) ** 2 != table.shape[0] or not plain or value.flatten().tolist() != wanted.flatten().tolist():
            raise Refused(f"{table.name} is no table of the relative positions in a window, row by row")
        dims = _graph_layout.reshaped((axis("Q", n * n) + axis("K", n * n), axis("heads", table.shape[1])), [*shape, table.shape[1]])
        if dims is None:
            raise Refused(f"{table.name}: positions that no pairs of pixels make")
        return Table(table.name, n, dims)

    def biased(self, x: Scores, y: Value) -> Scores:
        """Scores plus relative positions, or plus what keeps pixels apart that were apart before the map was rolled."""
        n = x.window
        if isinstance(y, Table) and not x.bias:
            heads = axis("heads", _graph_layout.size_of(x.dims[-3]))
            if y.window == n and y.dims[-3:] == (heads, axis("Q", n * n), axis("K", n * n)) and not any(y.dims[:-3]):
                return dataclasses.replace(x, bias=(y.name,))
        if isinstance(y, Constant) and isinstance(y.value, torch.Tensor) and not x.masked:
            sizes = [_graph_layout.size_of(dim) for dim in x.dims]
            if (y.value.float().expand(sizes) <= APART).equal(self._apart(x)) and not ((y.value != 0) & (y.value > APART)).any():
                return dataclasses.replace(x, masked=True)
        raise Refused("scores of windows plus other than relative positions and a mask of what was apart before the map was rolled")

    def _shift(self, x: Map) -> List[int]:
        return [-rolled % side for rolled, side in zip(x.rolled, x.shape[1:])]

    def _apart(self, x: Scores) -> torch.Tensor:
        """Which pairs must not see each other, laid out like the scores."""
        n, (_, H, W) = x.window, x.query.shape
        parts = []
        for side, shift in zip((H, W), self._shift(x.query)):
            at = torch.arange(side)
            parts.append((at >= side - n).long() + (at >= side - shift) if shift else torch.zeros(side).long())
        part = (3 * parts[0][:, None] + parts[1]).view(H // n, n, W // n, n).transpose(1, 2).reshape(-1, n * n)
        apart = part[:, :, None] != part[:, None, :]
        sizes = [_graph_layout.size_of(dim) for dim in x.dims]
        windows = [H // n * (W // n)] if x.dims[0] == axis("N", BATCH) and len(sizes) > 4 else [BATCH, H // n * (W // n)]
        if len(windows) == 2:
            return apart.expand(*windows, n * n, n * n).reshape(-1, 1, n * n, n * n).expand(sizes)
        return apart[None, :, None].expand(sizes)

    def window_attended(self, scores: Scores, v: Map) -> Map:
        q, k, n = scores.query, scores.key, scores.window
        _, H, W = q.shape
        E, depth = (q.shape[0] if q.whole else q.channels), _graph_layout.size_of(q.dims[-1])
        shift = self._shift(q)
        if not scores.soft or scores.dims[-1] != axis("K", n * n) or (v.dims, v.rolled) != (q.dims, q.rolled):
            raise Refused("scores of windows are used other than by softmax and a product with the values")
        everything = sorted(atom for dim in q.dims[:-2] for atom in dim)
        ours = [*axis("N", BATCH), *((("C", E // depth, depth),) if E > depth else ())]
        for name, side in (("H", H), ("W", W)):
            ours += [(name, side // n, n)] if side > n else []
        if everything != sorted(ours) or H % n or W % n or q.dims[-1] not in ((("C", depth, 1),), ()):
            raise Refused("windows that do not fill their map, or heads that are no slices of its features one after the other")
        if abs(scores.factor * math.sqrt(depth) - 1) > 1e-5:
            raise Refused(f"an attention with the scale {scores.factor:.6g} in place of 1/sqrt({depth})")
        if not scores.bias or scores.masked != any(shift):
            raise Refused("windows without relative positions, or rolled ones without a mask, are no operation of graph files")
        if q.node == k.node == v.node and q.shape[0] == 3 * E and (q.first, k.first, v.first) == (0, E, 2 * E):
            joined = q.node
        elif q.whole and k.whole and v.whole:
            joined = self.add("concat", [q.node, k.node, v.node], (3 * E, H, W)).node
        else:
            raise Refused("queries, keys and values are not three equal parts of one layer in this order, nor three layers")
        table = self.add("relative_position_bias", [], (E // depth, 2 * n - 1, 2 * n - 1), scores.bias[0], window_size=n, num_heads=E // depth)
        moved = {"shift_size": short(shift)} if any(shift) else {}
        made = self.add("window_attention", [joined, table.node], (E, H, W), output_size=short([H, W]), **moved)
        return dataclasses.replace(made, dims=q.dims, rolled=q.rolled)


def _list(value: Any) -> List[int]:
    return [int(v) for v in value] if isinstance(value, (list, tuple)) else [int(value)]

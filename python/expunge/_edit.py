"""Gram matrices of a layer's inputs, and edits of its weights: a thin coat over the library's spaces."""

from __future__ import annotations

import ctypes
import math
from typing import Any, Dict, Optional, Sequence, Tuple

from . import _arrays, _library
from ._arrays import real, whole
from ._library import ArgumentError

FEW = 512  # rows that the library multiplies at once


class Gram(_library.Busy):
    """What the inputs of one layer span, gathered piece by piece.

    Args:
        f: length of a row: the number of inputs of a linear layer, channels x kernel of a convolution.
        rows: how many rows will be added in all, where that is known; fewer than f take less time.
        route: how projections are computed: "auto", "closed", "eigen", "svd" or "reference"; the last two want `rows`.

    >>> import numpy as np
    >>> g = Gram(3)
    >>> g.add(np.ones((5, 3), np.float32)).add(np.eye(3, dtype=np.float32))
    Gram(f=3, rows=8)
    """

    def __init__(self, f: int, rows: int = 0, route: str = "auto") -> None:
        self._space = ctypes.c_void_p()
        self.route = str(route)
        self.f = whole(f, "features", 1, 2**31 - 1)
        self.rows = 0  #: rows added so far
        _library.call("expunge_space_create", self.f, whole(rows, "rows", 0, 2**63 - 1), self.route.encode(), ctypes.byref(self._space))
        self._free = _library.library().expunge_space_free

    def __del__(self) -> None:
        if getattr(self, "_space", None) and hasattr(self, "_free"):
            self._free(self._space)
            self._space = ctypes.c_void_p()

    def __repr__(self) -> str:
        return f"Gram(f={self.f}, rows={self.rows})"

    def add(self, x: Any) -> "Gram":
        """Adds the rows of x [n, f]: a NumPy array or torch tensor of float32, float64, float16 or bfloat16, on any
        device. Returns self."""
        x = _arrays.check_matrix(x, "x")
        if x.shape[1] != self.f:
            raise ArgumentError(f"x has rows of {x.shape[1]} values: this Gram matrix is of rows of {self.f}")
        self._add(x, "expunge_space_add")
        return self

    def _add_columns(self, x: Any, spans: Sequence[Tuple[int, int]]) -> None:
        """Adds rows that are 0 outside of these runs of columns (first, width) and hold only those."""
        first, width = ((ctypes.c_int64 * len(spans))(*(span[i] for span in spans)) for i in (0, 1))
        self._add(_arrays.check_matrix(x, "x"), "expunge_space_add_columns", first, width, len(spans))

    def _add(self, x: Any, function: str, *more: Any) -> None:
        self._ready()
        row = float(x.shape[1]) ** 2 / 2
        before = self.rows
        try:
            for piece in _arrays.pieces(x, row if FEW * row <= _library.QUICK else 1.0):
                held, at, stride, kind = _arrays.on_host(piece)
                arguments = (function, self._space, at, piece.shape[0], stride, kind, *more)
                _library.call_long(*arguments, keep=held, users=(self,), work=row * piece.shape[0])
                self.rows += piece.shape[0]
                del held
        except BaseException as error:
            self._broken = self.rows > before or not isinstance(error, _library.Error)
            raise

    def add_gram(self, gram: Any, rows: int) -> "Gram":
        """Adds `rows` rows at once by `gram` [f, f], their Gram matrix X^T X, float32 or float64. Returns self."""
        gram = _arrays.check_matrix(gram, "gram")
        if tuple(gram.shape) != (self.f, self.f):
            raise ArgumentError(f"gram has shape {tuple(gram.shape)}: must be ({self.f}, {self.f})")
        self._ready()
        rows = whole(rows, "rows", 1, 2**63 - 1)
        held, at, stride, kind = _arrays.on_host(gram)
        _library.call("expunge_space_add_gram", self._space, at, stride, kind, rows)
        self.rows += rows
        return self

    def finish(self) -> "Gram":
        """Ends the stream of rows; `edit` does that by itself. Returns self."""
        self._ready()
        if math.isnan(self.trace):
            _library.call_long("expunge_space_finish", self._space, users=(self,), work=self._work(float(self.f) ** 2))
        return self

    def _work(self, closed: float) -> float:
        """`closed` multiplications if that is the route; others take more than is worth telling."""
        return closed if self.route in ("auto", "closed") else math.inf

    @property
    def trace(self) -> float:
        """The sum of squares of all inputs, once finished; before that NaN."""
        self._ready()
        return float(_library.library().expunge_space_trace(self._space))

    @property
    def rank(self) -> float:
        """The effective rank 1 / sum s_i^2 of the inputs, once finished; before that NaN."""
        self._ready()
        return float(_library.library().expunge_space_rank(self._space))


def _gathered(x: Any, f: int, route: str, name: str) -> Gram:
    if isinstance(x, Gram):
        if x.f != f:
            raise ArgumentError(f"{name} has rows of {x.f} values: the weight has rows of {f}")
        return x.finish()
    x = _arrays.check_matrix(x, name)
    if x.shape[1] != f:
        raise ArgumentError(f"{name} has rows of {x.shape[1]} values: the weight has rows of {f}")
    if x.shape[0] == 0:
        raise ArgumentError(f"{name} has no rows")
    return Gram(f, x.shape[0], route).add(x).finish()


def edit_with_info(
    weight: Any, x_retain: Any, x_forget: Any, alpha_r: float, alpha_f: float, route: str, info: bool
) -> Tuple[Any, Optional[Dict[str, float]]]:
    """`edit`, and with `info` what it did: retain_share, forget_share, changed (expunge_edit_info of expunge.h)."""
    weight = _arrays.check_matrix(weight, "weight")
    alpha_r, alpha_f = real(alpha_r, "alpha_r"), real(alpha_f, "alpha_f")
    outputs, f = weight.shape
    retain = _gathered(x_retain, f, route, "x_retain")
    forget = _gathered(x_forget, f, route, "x_forget")
    result = _arrays.like(weight)
    held, at, stride, kind = _arrays.on_host(weight)
    kept, to, to_stride, _ = _arrays.on_host(result)
    if outputs == 1:
        stride = to_stride = f
    out = _library.EditInfo() if info else None
    try:
        _library.call_long(
            "expunge_edit",
            *(retain._space, forget._space, at, outputs, stride, kind, alpha_r, alpha_f, to, to_stride),
            ctypes.byref(out) if out is not None else None,
            keep=(held, kept, out),
            users=(retain, forget),
            work=sum(space._work(float(f) ** 2 * (f / 3 + 2 * outputs)) for space in (retain, forget)),
        )
    except _library.Error as error:
        if "not positive definite" not in str(error):
            raise
        new = ArgumentError("a Gram matrix has negative eigenvalues, and is not of the form X^T X")
        new.status = error.status
        raise new from error
    if _arrays.is_tensor(weight):
        result = result.to(weight.device)
    return result, {f[0]: getattr(out, f[0]) for f in out._fields_} if out is not None else None


def edit(
    weight: Any, x_retain: Any, x_forget: Any, alpha_r: float = 100, alpha_f: float = 3, route: str = "auto"
) -> Any:
    """Removes from a layer's weights what serves the forgotten inputs and not the retained ones (Kodge, Saha and Roy,
    "Deep Unlearning", TMLR 2024): W' = W - W (I - P_r) P_f.

    Args:
        weight: W [outputs, f], a NumPy array or torch tensor of float32, float64, float16 or bfloat16; not changed.
        x_retain: the layer's inputs for retained images, X_r [n, f], or a `Gram`.
        x_forget: the same for forgotten images, X_f [m, f], or a `Gram`.
        alpha_r: scaling of the retain space: larger protects more.
        alpha_f: scaling of the forget space: larger removes more.
        route: how projections are computed ("auto", "closed", "eigen", "svd", "reference"); a `Gram` has its own.

    Returns:
        W' [outputs, f], of the kind, type and device of `weight`.

    >>> import numpy as np
    >>> weight = np.eye(2, dtype=np.float32)
    >>> retain, forget = np.array([[1, 0]], np.float32), np.array([[0, 1]], np.float32)
    >>> edit(weight, retain, forget).round(3) + 0
    array([[1., 0.],
           [0., 0.]], dtype=float32)
    """
    return edit_with_info(weight, x_retain, x_forget, alpha_r, alpha_f, route, False)[0]

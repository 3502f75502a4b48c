"""NumPy arrays and torch tensors as rows that the library reads, and back as the kind that they were."""

from __future__ import annotations

import operator
import sys
from typing import Any, Iterator, Tuple

from ._library import ArgumentError

F32, F64, F16, BF16 = 0, 1, 2, 3  # expunge_type of expunge.h
TYPES = {"float32": F32, "float64": F64, "float16": F16, "bfloat16": BF16}
PIECE = 64 << 20  # bytes that come from a device at a time


def whole(value: Any, name: str, low: int, high: int) -> int:
    """value as an integer from low to high."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ArgumentError(f"{name} = {value!r}: must be an integer") from None
    if isinstance(value, bool) or not low <= number <= high:
        raise ArgumentError(f"{name} = {value!r}: must be {low} to {high}")
    return number


def seed_of(value: Any) -> int:
    """A seed of the library."""
    return whole(value, "seed", 0, 2**64 - 1)


def real(value: Any, name: str) -> float:
    """value as a float; its range is the library's to check."""
    try:
        if isinstance(value, (str, bytes, bool)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise ArgumentError(f"{name} = {value!r}: must be a number") from None


def is_tensor(x: Any) -> bool:
    """Whether x is a torch tensor; torch is not imported for that."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def check_matrix(x: Any, name: str) -> Any:
    """x as a 2-D array of a type that the library takes: a tensor as it is, all else as NumPy sees it."""
    if is_tensor(x):
        x = x.detach()
        kind = str(x.dtype).replace("torch.", "")
    else:
        import numpy as np  # here, so that importing the package takes no time

        x = np.asarray(x)
        kind = x.dtype.name
    if x.ndim != 2:
        raise ArgumentError(f"{name} has shape {tuple(x.shape)}: must be a matrix, with two dimensions")
    if kind not in TYPES:
        raise ArgumentError(f"{name} is of type {kind}: must be {', '.join(TYPES)}")
    return x


def on_host(x: Any) -> Tuple[Any, int, int, int]:
    """(what keeps the memory alive, address, stride of rows in values, expunge_type) of a matrix. Copied only where it lies
    on a device, or the values of a row are not side by side."""
    if is_tensor(x):
        if x.device.type != "cpu":
            x = x.cpu()
        if x.is_conj() or x.is_neg():
            x = x.resolve_conj().resolve_neg()
        if x.shape[1] > 1 and x.stride(1) != 1:
            x = x.contiguous()
        return x, x.data_ptr(), x.stride(0), TYPES[str(x.dtype).replace("torch.", "")]
    import numpy as np

    size = x.dtype.itemsize
    apart = x.shape[1] > 1 and x.strides[1] != size
    if apart or x.strides[0] % size or not x.flags.aligned or not x.dtype.isnative:
        x = np.ascontiguousarray(x, dtype=x.dtype.newbyteorder("="))
    return x, x.ctypes.data, x.strides[0] // size, TYPES[x.dtype.name]


def pieces(x: Any, cost: float) -> Iterator[Any]:
    """Rows of a matrix, as many at a time as take well under a second where a row costs so many multiplications, and
    not much memory where they are moved. Fewer than some hundreds are slow to multiply."""
    size = x.element_size() if is_tensor(x) else x.dtype.itemsize
    most = max(1, int(min(1e10 / max(cost, 1), PIECE // max(1, x.shape[1] * size))))
    most = most // 512 * 512 or most
    for at in range(0, x.shape[0], most):
        yield x[at : at + most]


def like(x: Any) -> Any:
    """An empty matrix on the host of the kind, shape and type of x, without gaps."""
    if is_tensor(x):
        return x.new_empty(x.shape, device="cpu")
    import numpy as np

    return np.empty(x.shape, dtype=x.dtype.newbyteorder("="))

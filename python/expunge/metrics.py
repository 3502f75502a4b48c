"""Numbers of an audit with their intervals, for `sklearn.metrics.make_scorer` and everything else that calls f(y_true, y_score).

Each function returns an `Estimate`: a float that knows the ends of its interval. All of them are computed by the library.

>>> import numpy as np
>>> from expunge import metrics
>>> role = np.arange(400) % 2                              # 1 trained on, 0 not
>>> metrics.auc(role, 2 * role + np.arange(400) % 7)
Estimate(0.743, lo=0.694, hi=0.7865)
"""

from __future__ import annotations

import ctypes
from typing import Any, Iterable, Tuple, Union

from . import _arrays, _library
from ._arrays import real, whole
from ._library import ArgumentError
from ._signals import _host, _pointer

__all__ = [
    "Bound",
    "Estimate",
    "acc_forget",
    "acc_retain",
    "accuracy",
    "auc",
    "epsilon",
    "epsilon_one_run",
    "roc",
    "tpr_at_fpr",
]

AUDITED = 2  # the role of points that are neither members nor non-members


class Estimate(float):
    """A float with `lo` and `hi`, the ends of its interval; NaN where it is not defined for these points.

    >>> x = Estimate(0.5, 0.4, 0.6)
    >>> x, x.lo, x.hi, x + 1
    (Estimate(0.5, lo=0.4, hi=0.6), 0.4, 0.6, 1.5)
    """

    lo: float  #: the interval's lower end
    hi: float  #: its upper end

    def __new__(cls, value: float, lo: float, hi: float) -> "Estimate":
        self = super().__new__(cls, value)
        self.lo, self.hi = lo, hi
        return self

    def __getnewargs__(self) -> Tuple[float, float, float]:  # type: ignore[override]
        return float(self), self.lo, self.hi

    def __repr__(self) -> str:
        return f"{type(self).__name__}({float(self):.4g}, lo={self.lo:.4g}, hi={self.hi:.4g})"


class Bound(float):
    """A lower bound on epsilon, as a float. `largest` is what a faultless attack would prove with as many points, `threshold` the
    score from which points were called members (NaN where the bound is 0, and for one run).

    >>> x = Bound(1.5, 4.0, 0.7)
    >>> x, x.largest, x.threshold
    (Bound(1.5, largest=4), 4.0, 0.7)
    """

    largest: float  #: what a faultless attack would prove
    threshold: float  #: of the scores

    def __new__(cls, value: float, largest: float, threshold: float) -> "Bound":
        self = super().__new__(cls, value)
        self.largest, self.threshold = largest, threshold
        return self

    def __getnewargs__(self) -> Tuple[float, float, float]:  # type: ignore[override]
        return float(self), self.largest, self.threshold

    def __repr__(self) -> str:
        return f"Bound({float(self):.4g}, largest={self.largest:.4g})"


class _Estimate(ctypes.Structure):
    """expunge_estimate of expunge.h."""

    _fields_ = [("value", ctypes.c_double), ("lo", ctypes.c_double), ("hi", ctypes.c_double)]

    def plain(self) -> Estimate:
        return Estimate(self.value, self.lo, self.hi)


class _Bound(ctypes.Structure):
    """expunge_epsilon_bound of expunge.h."""

    _fields_ = [("epsilon", ctypes.c_double), ("largest", ctypes.c_double), ("threshold", ctypes.c_double)]

    def plain(self) -> Bound:
        return Bound(self.epsilon, self.largest, self.threshold)


def auc(y_true: Any, y_score: Any, level: float = 0.95) -> Estimate:
    """The area under the ROC curve, with DeLong's interval (exact at 0 and 1): the chance that a point that was trained on has a
    higher score than one that was not.

    Args:
        y_true: role of each point [n]: 1 trained on, 0 not trained on; points of role 2 (audited) take no part.
        y_score: scores [n], higher more member-like, such as `attack(...)["scores"]["loss"]`.
        level: of the interval.

    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9])
    Estimate(0.75, lo=0.06932, hi=0.9918)
    """
    found = _Estimate()
    _library.call("expunge_auc", *_points(y_true, y_score), real(level, "level"), ctypes.byref(found))
    return found.plain()


def tpr_at_fpr(y_true: Any, y_score: Any, fpr: float = 0.01) -> Estimate:
    """The share of trained-on points that an attack finds while it wrongly names a share `fpr` of the others, with a 95% interval.

    Args:
        y_true: role of each point [n]: 1 trained on, 0 not trained on; points of role 2 (audited) take no part.
        y_score: scores [n], higher more member-like.
        fpr: the false-positive rate, above 0 and below 1. With fewer than 1 / fpr - 1 points that were not trained on, which cannot
            resolve it, the result is NaN.

    >>> import numpy as np
    >>> tpr_at_fpr(np.arange(400) % 2, np.arange(400) % 8, fpr=0.1)
    Estimate(0.25, lo=0.1916, hi=0.316)
    """
    found = _Estimate()
    _library.call("expunge_tpr_at_fpr", *_points(y_true, y_score), real(fpr, "fpr"), ctypes.byref(found))
    return found.plain()


def roc(y_true: Any, y_score: Any) -> Tuple[Any, Any, Any]:
    """The ROC curve from (0, 0) to (1, 1), one point for each of d distinct scores.

    Args:
        y_true: role of each point [n]: 1 trained on, 0 not trained on; points of role 2 (audited) take no part.
        y_score: scores [n], higher more member-like.

    Returns:
        fpr, tpr, threshold, float64 [d + 1] each: a point is called a member from the threshold on; the first one is infinite.

    >>> for column in roc([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9]): print(column)
    [0.  0.  0.5 0.5 1. ]
    [0.  0.5 0.5 1.  1. ]
    [inf 0.9 0.4 0.3 0.1]
    """
    import numpy as np

    points = _points(y_true, y_score)
    room = points[2] + 1
    columns = [np.empty(room) for _ in range(3)]
    count = ctypes.c_int64()
    _library.call("expunge_roc", *points, *map(_pointer, columns), room, ctypes.byref(count))
    fpr, tpr, threshold = (c[: count.value] for c in columns)
    return fpr, tpr, threshold


def epsilon(
    y_true: Any, y_score: Any, method: str = "simultaneous", delta: float = 1e-5, alpha: float = 0.05, seed: int = 0
) -> Bound:
    """A lower bound on the epsilon of (epsilon, delta)-differential privacy, at confidence 1 - alpha whatever the scores are. 0 means
    "no evidence", never "private".

    Args:
        y_true: role of each point [n]: 1 trained on, 0 not trained on; points of role 2 (audited) take no part.
        y_score: scores [n], higher more member-like.
        method: "simultaneous" (ranks fixed beforehand), "split" (a threshold chosen on a quarter of the points), or "gaussian" (stronger,
            and true of Gaussian mechanisms only).
        delta: 0 or more, below 1.
        alpha: the chance that the bound is too high.
        seed: of split's draw.

    >>> import numpy as np
    >>> role = np.arange(2000) % 2
    >>> epsilon(role, role + np.arange(2000) % 3)
    Bound(3.859, largest=5.084)
    """
    found = _Bound()
    settings = (real(delta, "delta"), real(alpha, "alpha"), _arrays.seed_of(seed))
    _library.call("expunge_epsilon", str(method).encode(), *_points(y_true, y_score), *settings, ctypes.byref(found))
    return found.plain()


def epsilon_one_run(
    y_true: Any,
    y_score: Any,
    guesses_in: int,
    guesses_out: int,
    independent_coins: bool = False,
    delta: float = 1e-5,
    alpha: float = 0.05,
    seed: int = 0,
) -> Bound:
    """The same from one training, in which each point was put in or left out by its own fair coin (Steinke, Nasr and Jagielski,
    arXiv 2305.08846).

    Args:
        y_true: what each point's coin said [n]: 1 in, 0 out; points of role 2 take no part.
        y_score: scores [n], higher more member-like.
        guesses_in: so many of the highest scores are guessed to be in; chosen before the scores are seen.
        guesses_out: so many of the lowest are guessed to be out.
        independent_coins: your word that there were such coins. False is refused: a forget set that somebody chose is none.
        delta: 0 or more, below 1.
        alpha: the chance that the bound is too high.
        seed: of the order of equal scores.

    >>> import numpy as np
    >>> coin = np.random.default_rng(0).integers(0, 2, 1000)
    >>> epsilon_one_run(coin, coin + np.arange(1000) % 2 / 2, 200, 200, independent_coins=True)
    Bound(4.864, largest=4.864)
    """
    found = _Bound()
    points = _points(y_true, y_score)
    guesses = (whole(n, name, 0, 2**63 - 1) for n, name in ((guesses_in, "guesses_in"), (guesses_out, "guesses_out")))
    settings = (*guesses, bool(independent_coins), real(delta, "delta"), real(alpha, "alpha"), _arrays.seed_of(seed))
    _library.call("expunge_epsilon_one_run", *points, *settings, ctypes.byref(found))
    return found.plain()


def accuracy(y_true: Any, y_pred: Any, level: float = 0.95) -> Estimate:
    """The share of points whose class is predicted correctly, from 0 to 1, with Clopper and Pearson's exact interval.

    Args:
        y_true: true classes [n].
        y_pred: predicted classes [n], or logits or probabilities [n, K], of which the largest counts.
        level: of the interval.

    >>> accuracy([0, 1, 2, 2], [0, 1, 2, 1])
    Estimate(0.75, lo=0.1941, hi=0.9937)
    """
    truth, right = _answers(y_true, y_pred)
    return _share(right, level)


def acc_forget(y_true: Any, y_pred: Any, forget: Union[int, Iterable[int]], level: float = 0.95) -> Estimate:
    """ACC_f: the accuracy over the points of the forgotten classes, or the forgotten points, from 0 to 1; NaN where there are none.
    Retraining gives what is to be reached.

    Args:
        y_true: true classes [n].
        y_pred: predicted classes [n], or logits or probabilities [n, K], of which the largest counts.
        forget: the forgotten class, or classes; where single points were forgotten, True or False for each point [n].
        level: of the interval.

    >>> acc_forget([0, 1, 2, 2], [0, 1, 2, 1], forget=2)
    Estimate(0.5, lo=0.01258, hi=0.9874)
    >>> acc_forget([0, 1, 2, 2], [0, 1, 2, 1], forget=[True, False, False, True])
    Estimate(0.5, lo=0.01258, hi=0.9874)
    """
    truth, right = _answers(y_true, y_pred)
    return _share(right[_among(truth, y_pred, forget)], level)


def acc_retain(y_true: Any, y_pred: Any, forget: Union[int, Iterable[int]], level: float = 0.95) -> Estimate:
    """ACC_r: the accuracy over all other points together, from 0 to 1; NaN where there are none.

    Args:
        y_true: true classes [n].
        y_pred: predicted classes [n], or logits or probabilities [n, K], of which the largest counts.
        forget: the forgotten class, or classes, or points, as for `acc_forget`.
        level: of the interval.

    >>> acc_retain([0, 1, 2, 2], [0, 1, 2, 1], forget=2)
    Estimate(1, lo=0.1581, hi=1)
    """
    truth, right = _answers(y_true, y_pred)
    return _share(right[~_among(truth, y_pred, forget)], level)


def _points(y_true: Any, y_score: Any) -> Tuple[Any, Any, int]:
    """(float64 score, uint8 member, n) as the library takes them, of the points of role 0 and 1."""
    import numpy as np

    role, score = _column(y_true, "y_true"), _column(y_score, "y_score")
    if role.shape != score.shape:
        raise ArgumentError(f"y_true has {len(role)} points, y_score {len(score)}: must be as many")
    wrong = ~np.isin(role, (0, 1, AUDITED))
    if wrong.any():
        raise ArgumentError(f"y_true has the value {role[wrong][0]}: must be 1 (trained on), 0 (not trained on) or 2 (audited)")
    compared = role != AUDITED
    score = np.ascontiguousarray(score[compared], np.float64)
    member = np.ascontiguousarray(role[compared], np.uint8)
    return _pointer(score), member.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)), len(score)


def _column(values: Any, name: str) -> Any:
    values = _host(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ArgumentError(f"{name} has shape {values.shape}: must have one dimension")
    if values.dtype.kind not in "biuf":
        raise ArgumentError(f"{name} is of type {values.dtype}: must be numbers")
    return values


def _answers(y_true: Any, y_pred: Any) -> Tuple[Any, Any]:
    """True classes [n], and where they are predicted [n]."""
    import numpy as np

    truth, answer = _host(y_true), _host(y_pred)
    classes = 0
    if answer.ndim == 2 and answer.dtype.kind == "f":
        classes = answer.shape[1]
        if not np.isfinite(answer).all():
            raise ArgumentError("y_pred has values that are not finite")
        answer = answer.argmax(1)
    if truth.ndim != 1 or truth.shape != answer.shape:
        raise ArgumentError(f"y_true has shape {truth.shape}, y_pred {answer.shape}: must be classes of as many points")
    for values, name in ((truth, "y_true"), (answer, "y_pred")):
        _check_classes(values, name, classes)
    return truth, truth == answer


def _check_classes(values: Any, name: str, classes: int) -> None:
    """Names may be classes, too; numbers are from 0, and below `classes` where that is known."""
    if values.dtype.kind not in "biuf":
        return
    wrong = (values < 0) | (values >= (classes or float("inf")))
    if wrong.any():
        said = f"0 to {classes - 1}" if classes else "0 or more"
        raise ArgumentError(f"{name} has class {values[wrong][0]}: must be {said}")


def _among(truth: Any, y_pred: Any, forget: Union[int, Iterable[int]]) -> Any:
    import numpy as np

    given = _host(list(forget) if isinstance(forget, (set, frozenset, range)) else forget)
    if given.dtype.kind == "b" and given.ndim == 1 and truth.dtype.kind != "b":
        if given.shape != truth.shape:
            raise ArgumentError(f"forget has {len(given)} truth values, y_true {len(truth)} points: must be one for each")
        return given
    wanted = np.atleast_1d(given)
    if len(truth) and (truth.dtype.kind in "biuf") != (wanted.dtype.kind in "biuf"):
        raise ArgumentError(f"forget = {forget!r}: y_true has classes of type {truth.dtype}")
    answer = _host(y_pred)
    _check_classes(wanted, "forget", answer.shape[1] if answer.ndim == 2 else 0)
    return np.isin(truth, wanted)


def _share(right: Any, level: float) -> Estimate:
    found = _Estimate()
    _library.call("expunge_share", int(right.sum()), len(right), real(level, "level"), ctypes.byref(found))
    return found.plain()

"""Attacks and audits on arrays, by the library: what logits give away, whatever made them."""

from __future__ import annotations

import ctypes
import json
import os
from typing import Any, Dict, List, Optional, Sequence, Union

from . import _arrays, _library
from ._library import ArgumentError

I32, I64, U8 = 4, 5, 6  # expunge_type of expunge.h
INTEGERS = {"int32": I32, "int64": I64, "uint8": U8}
Path = Union[str, "os.PathLike[str]"]


def _texts(values: Sequence[str]) -> Any:
    return (ctypes.c_char_p * max(1, len(values)))(*(v.encode() for v in values))


class _Signals:
    """expunge_signals with the arrays that it borrows."""

    def __init__(self, path: Optional[Path] = None) -> None:
        self.handle = ctypes.c_void_p()
        self.held: List[Any] = []
        self.free = _library.library().expunge_signals_free
        if path is None:
            _library.call("expunge_signals_create", ctypes.byref(self.handle))
        else:
            _library.call("expunge_signals_open", os.fsencode(path), ctypes.byref(self.handle))

    def __del__(self) -> None:
        if getattr(self, "handle", None):
            self.free(self.handle)
            self.handle = ctypes.c_void_p()

    def set(self, name: str, values: Any) -> None:
        """An array, or a list of arrays of one shape, under the name that it has in a file."""
        import numpy as np

        if isinstance(values, (list, tuple)):
            values = np.stack([_host(v) for v in values]) if len(values) else np.empty(0, np.float32)
        values = _host(values)
        if values.dtype.name not in _arrays.TYPES and values.dtype.name not in INTEGERS:
            if not np.issubdtype(values.dtype, np.integer) and values.dtype != np.bool_:
                raise ArgumentError(f"{name} is of type {values.dtype}: must be numbers")
            values = values.astype(np.uint8 if values.dtype == np.bool_ else np.int64)
        if values.ndim == 0:
            raise ArgumentError(f"{name} is a single number: must be an array")
        if not values.size:
            raise ArgumentError(f"{name} is empty")
        values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
        kind = {**_arrays.TYPES, **INTEGERS}[values.dtype.name]
        self.held.append(values)
        shape = (ctypes.c_int64 * values.ndim)(*values.shape)
        _library.call(
            "expunge_signals_set", self.handle, name.encode(), values.ctypes.data, kind, values.ndim, shape, None
        )

    def set_texts(self, name: str, texts: Sequence[str]) -> None:
        _library.call("expunge_signals_set_texts", self.handle, name.encode(), _texts(texts), len(texts))


def _host(values: Any) -> Any:
    """A NumPy array; bfloat16, which NumPy lacks, as float32."""
    import numpy as np

    if _arrays.is_tensor(values):
        values = values.detach()
        if str(values.dtype) == "torch.bfloat16":
            values = values.float()
        values = values.cpu().numpy()
    return np.asarray(values)


def attack(
    names: Union[str, Sequence[str]],
    logits: Any = None,
    labels: Any = None,
    role: Any = None,
    *,
    shadow_logits: Any = None,
    shadow_keep: Any = None,
    population_logits: Any = None,
    population_labels: Any = None,
    shadow_population_logits: Any = None,
    unlearned_logits: Any = None,
    unlearned_keep: Any = None,
    retrained_logits: Any = None,
    seed: int = 0,
    **parameters: Any,
) -> Dict[str, Any]:
    """Membership-inference attacks, as `expunge attack --json` (docs/signals.md has every array and key).

    Args:
        names: "loss", "loss,svc", ["loss", "svc"], or "all": every attack that there are arrays for.
        logits: the model's outputs before softmax [N, K], of NumPy or torch.
        labels: true classes [N], from 0.
        role: of each point [N]: 0 not trained on, 1 trained on, 2 audited (such as forgotten images).
        shadow_logits: [S, N, K] of S shadow models, and shadow_keep [S, N]: 1 where the point was in that model's training set.
        population_logits: [Z, K] of points that no model has seen, with population_labels [Z] and shadow_population_logits [S, Z, K].
        unlearned_logits: [U, N, K] of unlearned models, with unlearned_keep [U, N]: 1 where the point was in that model's training set.
        retrained_logits: [R, N, K] of models retrained without what was forgotten.
        seed: of all draws.
        parameters: of attacks: **{"svc.kernel": "rbf"}; the name may be left out where there is one attack.

    Returns:
        The JSON as a dict, with "scores": {attack: float64 [N]}, higher more member-like.

    >>> import numpy as np
    >>> labels = np.arange(400) % 4
    >>> role = np.arange(400) // 200
    >>> found = attack("loss", 3 * np.eye(4)[labels] * (1 + role[:, None]), labels, role)
    >>> found["attacks"][0]["auc"], found["scores"]["loss"].shape
    (1, (400,))
    """
    import numpy as np

    signals = _Signals()
    arrays = {
        "target/logits": logits,
        "target/labels": labels,
        "target/role": role,
        "shadow/logits": shadow_logits,
        "shadow/keep": shadow_keep,
        "population/logits": population_logits,
        "population/labels": population_labels,
        "shadow/population_logits": shadow_population_logits,
        "unlearned/logits": unlearned_logits,
        "unlearned/keep": unlearned_keep,
        "retrained/logits": retrained_logits,
    }
    for name, values in arrays.items():
        if values is not None:
            signals.set(name, values)
    if labels is None:
        raise ArgumentError("labels are missing: the true classes [N]")
    if not isinstance(names, str):
        names = ",".join(names)
    for name in parameters:
        if "." not in name and "," in names:
            raise ArgumentError(f"{name} is of which attack? Name it: **{{'{names.split(',')[0]}.{name}': ...}}")
    seed = _arrays.seed_of(seed)
    texts = [f"{k if '.' in k else names + '.' + k}={_setting(v)}" for k, v in parameters.items()]
    c = _library.library()
    made = ctypes.c_void_p()
    _library.call_long(
        "expunge_attack",
        *(signals.handle, names.encode(), _texts(texts), len(texts), seed),
        ctypes.byref(made),
        keep=signals,
    )
    try:
        out: Dict[str, Any] = json.loads(c.expunge_attacks_json(made).decode())
        out["scores"] = {}
        for one in out["attacks"]:
            scores = np.empty(len(labels))
            _library.call(
                "expunge_attacks_scores", made, one["name"].encode(), _pointer(scores), len(scores)
            )
            out["scores"][one["name"]] = scores
    finally:
        c.expunge_attacks_free(made)
    return out


def _pointer(values: Any) -> Any:
    return values.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def _setting(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def audit(
    out: Path,
    labels: Any = None,
    group: Any = None,
    unlearned: Any = None,
    original: Any = None,
    retrained: Any = None,
    *,
    cluster: Any = None,
    subgroup: Any = None,
    position: Any = None,
    test: Any = None,
    class_names: Optional[Sequence[str]] = None,
    signals: Optional[Path] = None,
    attacks: str = "auto",
    forget: Any = None,
    seed: int = 0,
    meta: Optional[Dict[str, Any]] = None,
    **settings: Any,
) -> Dict[str, Any]:
    """The audit of a model that was to forget, as `expunge audit --signals`: writes the folder `out` with report.html, report.json and
    all that they rest on (docs/audit.md).

    Args:
        out: folder that is made, or an earlier audit's, which is replaced.
        labels: true classes [N].
        group: of each point [N]: 0 forgotten and trained on, 1 forgotten and held out, 2 kept and trained on, 3 kept and held out.
        unlearned: logits of the unlearned model [N, K].
        original: the same of the model before.
        retrained: the same of models trained without what was forgotten: [R, N, K], or a list of arrays [N, K].
        cluster: points that are copies of each other, or show one person, have one number [N].
        subgroup: parts that are compared, such as hospitals, as numbers [N].
        position: of each point in its data set [N].
        test: 1 for points of the test split [N].
        class_names: of the K classes.
        signals: a file of such arrays (docs/audit.md, `signals.h5`), in place of all of them.
        attacks: names with commas, "auto" or "all".
        forget: the forgotten classes, to be checked.
        seed: of all draws.
        meta: facts for the report's pages, such as {"auditor": "A. Smith"}.
        settings: keys of `expunge audit --set`, such as alpha=0.05, **{"svc.kernel": "rbf"}.

    Returns:
        report.json as a dict. Its "verdict" is "invalid" where a control failed.

    >>> import tempfile
    >>> import numpy as np
    >>> group = np.repeat([0, 1, 2, 3], 100)
    >>> labels = np.where(group < 2, 0, 1 + np.arange(400) % 2)
    >>> logits = np.random.default_rng(0).normal(size=(400, 3)) + 2 * np.eye(3)[labels]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = audit(folder + "/audit", labels, group, logits, attacks="loss", draws=100)
    >>> report["verdict"], sorted(report["results"]["games"])
    ('underpowered', ['forget', 'models', 'retain'])
    """
    arrays = {
        "points/labels": labels,
        "points/group": group,
        "unlearned/logits": unlearned,
        "original/logits": original,
        "retrained/logits": retrained,
        "points/cluster": cluster,
        "points/subgroup": subgroup,
        "points/position": position,
        "points/test": test,
    }
    given = {name: values for name, values in arrays.items() if values is not None}
    if signals is not None and given:
        raise ArgumentError(f"signals is a file, which has its own {next(iter(given))}: give one or the other")
    opened = _Signals(signals)
    for name, values in given.items():
        opened.set(name, values)
    if class_names is not None:
        opened.set_texts("class_names", [str(n) for n in class_names])
    seed = _arrays.seed_of(seed)
    options = [f"attacks={attacks}", f"seed={seed}"]
    if forget is not None:
        single = isinstance(forget, str) or not hasattr(forget, "__iter__") or getattr(forget, "ndim", 1) == 0
        options.append("forget=" + ",".join(str(getattr(k, "item", lambda k=k: k)()) for k in ([forget] if single else forget)))
    options += [f"meta.{k}={v}" for k, v in (meta or {}).items()]
    options += [f"{k}={_setting(v)}" for k, v in settings.items()]
    text = ctypes.c_void_p()
    _library.call_long(
        "expunge_audit",
        *(opened.handle, os.fsencode(out), _texts(options), len(options)),
        ctypes.byref(text),
        keep=opened,
    )
    try:
        report: Dict[str, Any] = json.loads(ctypes.string_at(text.value or 0).decode())
    finally:
        _library.library().expunge_free(text)
    return report

"""The program: the console script `expunge`, and experiments from Python."""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, List, Optional, Union

from . import _library

Path = Union[str, "os.PathLike[str]"]


def program() -> str:
    """Where the program lies."""
    return os.path.normpath(_library.places(os.path.join("bin", "expunge"), "expunge", "/usr/bin/expunge"))


def main() -> None:
    """Becomes the program: same arguments, same exit status."""
    path = program()
    try:
        os.execv(path, ["expunge", *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"expunge: {path} cannot be started: {error.strerror}")


def _text(value: Any) -> str:
    """A value as `--set` reads it."""
    import json

    return value if isinstance(value, str) else json.dumps(value)


def run(config: Path, results: Path = "results", **sets: Any) -> None:
    """Runs an experiment, as `expunge run CONFIG --results RESULTS --set key=value`; what is complete is skipped.

    Args:
        config: the YAML file, or the name of a shipped config, such as "demo".
        results: folder below which the experiment has one of its own, named by the config.
        sets: keys of the config that are set otherwise, such as seeds=[0, 1].

    Raises:
        Error: the program's sentence, where it fails. It shows its progress on stderr.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with open(folder + "/small.yaml", "w") as file:
    ...     _ = file.write("{name: small, data: gaussians, arch: mlp, train: {epochs: 1}, probe: false, forget: [[1]], methods: [svd]}")
    >>> run(folder + "/small.yaml", folder, seeds=[0, 1], relearn=False)
    >>> [name for name in os.listdir(folder + "/small") if name == "report.html"]
    ['report.html']
    """
    import subprocess

    command: List[str] = [program(), "run", os.fspath(config), "--results", os.fspath(results)]
    for key, value in sets.items():
        command += ["--set", f"{key}={_text(value)}"]
    last = ""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                last = line.strip() or last
                sys.stderr.write(line)
            status = process.wait()
        except BaseException:
            process.terminate()
            raise
    if status:
        raise _library.Error(last[len("expunge: ") :] if last.startswith("expunge: ") else last or f"status {status}")


def results(folder: Path) -> Any:
    """The runs of an experiment as a pandas.DataFrame, one row per run file of `folder` (such as "results/demo"). Needs pandas and
    h5py.

    Columns: label, method, forget, forget_names, kind, status, reason and id are texts, seed and unlearn_seed (the number of the
    unlearning of one trained network, from 0) are integers. All others are float64, NaN
    where a run has no such number: of each metric on each split its value, "acc_retain_test", with the ends of its 95% interval,
    "acc_retain_test_lo" and "_hi"; of each attack, by its label, "svc/auc", "svc/efficacy", "svc/tpr_0.01", ... (docs/results.md), likewise.
    `df.attrs["units"]` has the unit of each of these ("%", "s", "nats"; "1" of a share or a pure number).

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with open(folder + "/small.yaml", "w") as file:
    ...     _ = file.write("{name: small, data: gaussians, arch: mlp, train: {epochs: 1}, probe: false, forget: [[1]], methods: [svd]}")
    >>> run(folder + "/small.yaml", folder, seeds=[0, 1], relearn=False)
    >>> table = results(folder + "/small")
    >>> table[table.kind == "unlearn"][["label", "seed", "status"]].sort_values("seed").values.tolist()
    [['svd', 0, 'ok'], ['svd', 1, 'ok']]
    >>> table.attrs["units"]["acc_retain_test"]
    '%'
    """
    try:
        import h5py
        import pandas
    except ImportError as error:
        raise ImportError(f"expunge.results needs pandas and h5py ({error}): pip install pandas h5py") from None
    folder = os.fspath(folder)
    if not os.path.isdir(folder):
        raise ValueError(f"{folder}: no such folder")
    units: Dict[str, str] = {}
    rows = [_row(h5py, os.path.join(folder, n), units) for n in sorted(os.listdir(folder)) if n.endswith(".h5")]
    if not rows:
        raise ValueError(f"{folder} has no run files (*.h5): give the folder of an experiment, such as results/demo")
    table = pandas.DataFrame(rows)
    table = table.astype({name: "int64" if name.endswith("seed") else "string" for name in ATTRIBUTES})
    table = table.astype({name: "float64" for name in units})
    table.attrs["units"] = units
    return table


ATTRIBUTES = ("label", "method", "forget", "forget_names", "seed", "unlearn_seed", "kind", "status", "reason", "id")
# of an attack; each with its interval's ends where it has one
NUMBERS = ("auc", "efficacy", "member_share", "balanced_accuracy_holdout", "tpr_0.001", "tpr_0.01", "tpr_0.1", "epsilon_lower")


def _row(h5py: Any, path: str, units: Dict[str, str]) -> Dict[str, Any]:
    with h5py.File(path, "r") as run:
        row = {name: _plain(run.attrs.get(name, 0 if name == "unlearn_seed" else None)) for name in ATTRIBUTES}
        if "metrics" in run:
            m = run["metrics"]
            names, splits, scale = (m[k].asstr()[:] for k in ("names", "splits", "units"))
            for i, (name, split) in enumerate(zip(names, splits)):
                for end, column in (("", "value"), ("_lo", "lo"), ("_hi", "hi")):
                    row[f"{name}_{split}{end}"] = float(m[column][i])
                    units[f"{name}_{split}{end}"] = str(scale[i]) or "1"
        for label, attack in run.get("attacks", {}).items():
            for name in (number + end for number in NUMBERS for end in ("", "_lo", "_hi")):
                if name in attack.attrs:
                    row[f"{label}/{name}"] = float(attack.attrs[name])
                    units[f"{label}/{name}"] = "1"
        return row


def _plain(value: Any) -> Optional[Any]:
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if hasattr(value, "item") else value

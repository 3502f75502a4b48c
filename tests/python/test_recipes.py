"""The recipes of docs/python.md: each runs on an experiment, and what it leaves is looked at; skipped where its package is missing."""

import contextlib
import glob
import importlib.util
import io
import os
import re
import tempfile
import unittest
from unittest import mock

import numpy as np

import expunge

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CONFIG = """{name: demo, data: gaussians, arch: mlp, train: {epochs: 1}, probe: false, relearn: false, forget: [[1]],
seeds: [0], methods: [svd], attacks: [{name: loss, wiring: forget}]}"""
# nothing leaves this machine, and no server is asked
APART = {
    **{"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_X_DISABLE_STATS": "true", "WANDB_X_DISABLE_META": "true", "WANDB_DISABLE_GIT": "true"},
    **{"MLFLOW_TRACKING_URI": "file:mlruns", "MLFLOW_ALLOW_FILE_STORE": "true"},
}


def recipes():
    with open(os.path.join(ROOT, "docs/python.md")) as f:
        section = f.read().split("\n## Recipes\n")[1].split("\n## ")[0]
    return re.findall(r"\*\*([^*]+)\*\*[^`]*(?:`[^`\n]+`[^`]*)*?```python\n(.*?)```", section, re.S)


@unittest.skipUnless(all(importlib.util.find_spec(name) for name in ("pandas", "h5py")), "pandas or h5py is missing")
class Recipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(os.chdir, os.getcwd())
        os.chdir(cls.folder.name)
        with open("demo.yaml", "w") as f:
            f.write(CONFIG)
        with contextlib.redirect_stderr(io.StringIO()):
            expunge.run("demo.yaml")
        cls.table = expunge.results("results/demo")
        cls.recipes = dict(recipes())

    def follow(self, title, *packages):
        """The recipe's output."""
        code = compile(self.recipes[title], title, "exec")
        missing = [name for name in packages if not importlib.util.find_spec(name)]
        if missing:
            self.skipTest(f"{missing[0]} is missing")
        rng = np.random.default_rng(0)
        labels = np.arange(90) % 3
        here = {"labels": labels, "features": rng.normal(size=(90, 3)) + 4 * np.eye(3)[labels]}
        out = io.StringIO()
        with mock.patch.dict(os.environ, {**APART, "HOME": self.folder.name}), contextlib.redirect_stdout(out):
            exec(code, here)
        return out.getvalue()

    def test_all_are_here(self):
        self.assertEqual(list(self.recipes), ["pandas", "scikit-learn", "Weights & Biases", "MLflow", "TensorBoard"])

    def test_pandas(self):
        import pandas

        self.assertIn("%", self.follow("pandas"))
        back = pandas.read_csv("demo.csv")
        np.testing.assert_allclose(back["acc_forget_test"], self.table["acc_forget_test"])
        self.assertEqual(list(back.columns), list(self.table.columns))

    def test_sklearn(self):
        said = self.follow("scikit-learn", "sklearn")
        self.assertTrue(all(0.9 < float(x) <= 1 for x in said.strip("[]\n").split()), said)

    def test_wandb(self):
        self.follow("Weights & Biases", "wandb")
        import wandb

        wandb.teardown()  # all is written
        self.assertEqual(len(glob.glob("wandb/offline-run-*/*.wandb")), len(self.table))
        written = b"".join(open(path, "rb").read() for path in glob.glob("wandb/offline-run-*/*.wandb"))
        for name in ("acc_forget_test", "loss forget/auc", *self.table["id"]):
            self.assertTrue(name.encode() in written, name)

    def test_mlflow(self):
        self.follow("MLflow", "mlflow")
        found = {}
        for path in glob.glob("mlruns/*/*/metrics/acc_forget_test"):
            run = os.path.dirname(os.path.dirname(path))
            with open(path) as number, open(os.path.join(run, "params", "id")) as key:
                found[key.read()] = float(number.read().split()[1])
            self.assertTrue(os.path.exists(os.path.join(run, "metrics", "loss forget", "auc")))
        self.assertEqual(found, dict(self.table[self.table.kind == "unlearn"][["id", "acc_forget_test"]].values))

    def test_tensorboard(self):
        self.follow("TensorBoard", "tensorboard", "torch")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        for row in self.table[self.table.kind == "unlearn"].to_dict("records"):
            events = EventAccumulator(f"runs/{row['label']}, {row['forget']}, seed {row['seed']}").Reload()
            for name in ("acc_forget_test", "loss forget/auc"):
                (scalar,) = events.Scalars(name.replace(" ", "_"))
                self.assertEqual(np.float32(scalar.value), np.float32(row[name]))


if __name__ == "__main__":
    unittest.main()

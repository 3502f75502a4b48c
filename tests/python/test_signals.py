"""expunge.attack, audit, results and run: the numbers of the program on the same arrays, and refusals."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
import warnings
from unittest import mock

import h5py
import numpy as np
import torch

import expunge
from expunge import _library

PROGRAM = os.environ["EXPUNGE"]
try:
    import pandas
except ImportError:
    pandas = None


def program(*command):
    done = subprocess.run([PROGRAM, *command], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout


def without(value, *keys):
    """JSON less what differs from run to run."""
    if isinstance(value, dict):
        return {k: without(v, *keys) for k, v in value.items() if k not in keys}
    return [without(v, *keys) for v in value] if isinstance(value, list) else value


class Attack(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(2)
        self.labels = rng.integers(0, 5, 300)
        self.role = np.repeat([1, 0, 2], 100)
        gain = np.where(self.role == 1, 2, 1)[:, None]
        self.logits = (rng.normal(size=(300, 5)) + gain * np.eye(5)[self.labels]).astype(np.float32)
        self.shadows = rng.normal(size=(8, 300, 5)).astype(np.float32)
        self.keep = rng.permuted(np.arange(8)[:, None] < np.full(300, 4), axis=0)

    def test_same_as_program(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "s.h5")
            with h5py.File(file, "w") as f:
                f["target/logits"], f["target/labels"], f["target/role"] = self.logits, self.labels, self.role
                f["shadow/logits"], f["shadow/keep"] = self.shadows, self.keep.astype(np.uint8)
            out = os.path.join(folder, "o.h5")
            command = ["attack", "--name", "loss,svc,lira_online", "--set", "svc.C=2", "--seed", "4", "--json"]
            want = json.loads(program(*command, "--signals", file, "-o", out))
            with h5py.File(out) as f:
                scores = {name: f[name]["score"][:] for name in ("loss", "svc", "lira_online")}
        got = expunge.attack(
            ["loss", "svc", "lira_online"],
            torch.from_numpy(self.logits),
            self.labels.tolist(),
            self.role.astype(np.int8),
            shadow_logits=list(self.shadows),
            shadow_keep=self.keep,
            seed=4,
            **{"svc.C": 2},
        )
        for name, mine in got.pop("scores").items():
            np.testing.assert_array_equal(mine, scores.pop(name), name)
        self.assertEqual(scores, {})
        drop = ("seconds", "signals", "signals_sha256")
        self.assertEqual(without(got, *drop), without(want, *drop))

    def test_one_name(self):
        got = expunge.attack("svc", self.logits, self.labels, self.role, C=2)
        self.assertEqual(got["attacks"][0]["params"]["C"], "2")

    def test_refusals(self):
        for text, call in (
            ("did you mean 'loss'", lambda: expunge.attack("lsos", self.logits, self.labels, self.role)),
            ("target/labels", lambda: expunge.attack("loss", self.logits, self.labels[1:], self.role)),
            ("target/role", lambda: expunge.attack("loss", self.logits, self.labels)),
            ("finite", lambda: expunge.attack("loss", self.logits * np.nan, self.labels, self.role)),
            ("label of point 0 is", lambda: expunge.attack("loss", self.logits, self.labels + 9, self.role)),
            ("must be numbers", lambda: expunge.attack("loss", self.logits.astype(str), self.labels, self.role)),
            ("must be an array", lambda: expunge.attack("loss", 3.0, self.labels, self.role)),
        ):
            with self.subTest(text), self.assertRaisesRegex((expunge.Error, ValueError), text):
                call()


class Interrupted(unittest.TestCase):
    """Ctrl-C while the library makes the first of several attacks."""

    NAMES = "logistic,quantile,loss,confidence,entropy,modified_entropy,correctness,svc"

    def setUp(self):
        rng = np.random.default_rng(3)
        labels, role = rng.integers(0, 10, 20000), np.repeat([1, 0], 10000)
        self.arrays = (rng.normal(size=(20000, 10)) + 2 * np.eye(10)[labels]).astype(np.float32), labels, role
        self.real, self.begun, self.said = _library._called, [], []
        self.first, self.ended = threading.Event(), threading.Semaphore(0)
        old = signal.signal(signal.SIGALRM, self.strike)
        self.addCleanup(signal.signal, signal.SIGALRM, old)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)

    def strike(self, *_):
        raise KeyboardInterrupt

    def call(self, name, *arguments):
        """As _library._called; the second of two calls, or the only one, is struck once it has begun."""
        if name != "expunge_attack":
            return self.real(name, *arguments)
        self.begun.append(threading.get_ident())
        if len(self.begun) == self.calls:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
        self.first.set()
        try:
            notices = self.real(name, *arguments)
            self.said.append("OK")
            return notices
        except expunge.Error as error:
            self.said.append(error.status)
            raise
        finally:
            self.ended.release()

    def interrupt(self, calls):
        self.calls = calls
        with mock.patch.object(_library, "_called", self.call):
            if calls == 2:
                other = threading.Thread(target=lambda: self.found.update(expunge.attack(self.NAMES, *self.arrays)))
                other.start()
                self.first.wait()
            with self.assertRaises(KeyboardInterrupt):
                expunge.attack(self.NAMES, *self.arrays)
            for _ in range(calls):
                self.assertTrue(self.ended.acquire(timeout=100))
            if calls == 2:
                other.join()

    def test_alone(self):
        self.interrupt(1)
        self.assertEqual(self.said, ["ECANCEL"])
        self.assertEqual(len(expunge.attack("loss", *self.arrays)["attacks"]), 1)

    def test_beside_another(self):
        """The other thread's attacks are not cancelled with those that were interrupted."""
        self.found = {}
        self.interrupt(2)
        self.assertEqual(self.said, ["OK", "OK"])
        self.assertEqual(len(self.found["attacks"]), 8)

    def test_warnings(self):
        """A warning of a long call points at the line that called the package."""
        library = mock.Mock(wraps=_library.library())
        library.expunge_notices.return_value = b"beware"
        with mock.patch.object(_library, "library", return_value=library), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            expunge.Gram(2).add(np.eye(2)).finish()
        self.assertEqual({(w.filename, str(w.message)) for w in caught}, {(__file__, "beware")})


class Audit(unittest.TestCase):
    def test_same_as_program(self):
        rng = np.random.default_rng(3)
        group = np.repeat([0, 1, 2, 3], 150)
        labels = np.where(group < 2, 0, 1 + np.arange(600) % 3)

        def model(gain):
            return (rng.normal(size=(600, 4)) + gain * np.eye(4)[labels]).astype(np.float32)

        unlearned, original, retrained = model(1), model(3), [model(1) for _ in range(3)]
        with tempfile.TemporaryDirectory() as folder:
            at = lambda name: os.path.join(folder, name)
            got = expunge.audit(
                at("a"),
                labels,
                group,
                torch.from_numpy(unlearned),
                original,
                retrained,
                class_names=["w", "x", "y", "z"],
                meta={"auditor": "A. Smith"},
                seed=2,
                alpha=0.1,
            )
            with open(at("a/report.json")) as f:
                self.assertEqual(got, json.load(f))
            self.assertIn("A. Smith", json.dumps(got["meta"]))
            with h5py.File(at("s.h5"), "w") as f:
                f["points/labels"], f["points/group"] = labels, group
                f["unlearned/logits"], f["original/logits"], f["retrained/logits"] = unlearned, original, np.stack(retrained)
            program("audit", "--signals", at("s.h5"), "--seed", "2", "--set", "alpha=0.1", "-o", at("b"))
            with open(at("b/report.json")) as f:
                want = json.load(f)
            self.assertEqual(got["verdict"], want["verdict"])
            drop = ("seconds",)
            self.assertEqual(without(got["results"]["games"], *drop), without(want["results"]["games"], *drop))
            again = expunge.audit(at("c"), signals=at("s.h5"), seed=2, alpha=0.1)
            self.assertEqual(without(again["results"]["games"], *drop), without(want["results"]["games"], *drop))
            program("audit", "--verify", at("a"))
            with self.assertRaisesRegex(ValueError, "one or the other"):
                expunge.audit(at("d"), labels, signals=at("s.h5"))
            with self.assertRaisesRegex(ValueError, "points/group"):
                expunge.audit(at("d"), labels, unlearned=unlearned)
            self.assertFalse(os.path.exists(at("d")))


@unittest.skipIf(pandas is None, "pandas is missing")
class Run(unittest.TestCase):
    CONFIG = """
name: t
data: gaussians
arch: mlp
relearn: false
probe: false
train: {epochs: 2, batch_size: 1024, augment: false}
forget: [[1]]
methods: [{name: none, label: none}, {name: svd, label: svd}]
attacks: [{name: loss, wiring: forget}]
"""

    def test_run(self):
        with tempfile.TemporaryDirectory() as folder:
            config, out = os.path.join(folder, "c.yaml"), os.path.join(folder, "r")
            with open(config, "w") as f:
                f.write(self.CONFIG)
            with self.assertRaisesRegex(expunge.Error, "did you mean 'seeds'"):
                expunge.run(config, out, seds=[3])
            expunge.run(config, results=out, seeds=[3])
            table = expunge.results(os.path.join(out, "t"))
            rows = table.set_index("label")
            self.assertEqual(sorted(rows.index), ["none", "original", "svd"])
            self.assertEqual(set(rows["seed"]), {3})
            self.assertEqual(set(rows["status"]), {"ok"})
            self.check(table, os.path.join(out, "t"))
            self.assertEqual(table.attrs["units"]["acc_retain_test"], "%")
            self.assertEqual(table.attrs["units"]["wall_seconds_test"], "s")
            self.assertLess(rows.loc["none", "loss forget/auc_lo"], rows.loc["none", "loss forget/auc"])
            self.assertTrue(np.isnan(rows.loc["original", "loss forget/auc"]))
            # a run that failed, and one without any number
            lost = os.path.join(out, "t", "lost.h5")
            shutil.copy(os.path.join(out, "t", [n for n in os.listdir(os.path.join(out, "t")) if n.endswith(".h5")][0]), lost)
            with h5py.File(lost, "a") as f:
                f.attrs["status"], f.attrs["label"], f.attrs["reason"] = "failed", "lost", "too warm"
                for part in ("metrics", "attacks"):
                    if part in f:
                        del f[part]
            table = expunge.results(os.path.join(out, "t"))
            self.check(table, os.path.join(out, "t"))
            row = table.set_index("label").loc["lost"]
            self.assertEqual((row["status"], row["reason"]), ("failed", "too warm"))
            self.assertTrue(row[list(table.attrs["units"])].isna().all())
            os.mkdir(os.path.join(out, "alone"))
            shutil.move(lost, os.path.join(out, "alone", "lost.h5"))
            table = expunge.results(os.path.join(out, "alone"))
            self.check(table, os.path.join(out, "alone"))
            self.assertEqual((table.shape, table.attrs["units"]), ((1, 10), {}))
            with self.assertRaisesRegex(ValueError, "no run files"):
                expunge.results(folder)
            with self.assertRaisesRegex(ValueError, "no such folder"):
                expunge.results(os.path.join(folder, "x"))


    def check(self, table, folder):
        """Every column has its type, every number its unit, and the values are those of the run files."""
        texts = {"label", "method", "forget", "forget_names", "kind", "status", "reason", "id"}
        for name, dtype in table.dtypes.items():
            if name in texts:
                self.assertIsInstance(dtype, pandas.StringDtype, name)
            else:
                self.assertEqual(dtype, np.int64 if name in ("seed", "unlearn_seed") else np.float64, name)
        self.assertEqual(set(table.attrs["units"]), set(table.columns) - texts - {"seed", "unlearn_seed"})
        self.assertNotIn("", table.attrs["units"].values())
        files = sorted(n for n in os.listdir(folder) if n.endswith(".h5"))
        self.assertEqual(len(table), len(files))
        for i, name in enumerate(files):
            with h5py.File(os.path.join(folder, name)) as f:
                row, numbers = table.iloc[i], {}
                self.assertEqual([row["label"], row["seed"], row["status"]], [f.attrs[k] for k in ("label", "seed", "status")])
                if "metrics" in f:
                    m = f["metrics"]
                    for j, key in enumerate(zip(m["names"].asstr(), m["splits"].asstr())):
                        numbers["_".join(key)] = m["value"][j]
                        numbers["_".join(key) + "_hi"] = m["hi"][j]
                        self.assertEqual(table.attrs["units"]["_".join(key)], m["units"].asstr()[j])
                if "attacks" in f:
                    numbers["loss forget/auc"], numbers["loss forget/auc_lo"] = (f["attacks/loss forget"].attrs[k] for k in ("auc", "auc_lo"))
                    self.assertIn("loss forget/efficacy", row)
                for key, value in numbers.items():
                    np.testing.assert_array_equal(row[key], value, key)


if __name__ == "__main__":
    unittest.main()

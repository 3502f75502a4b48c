"""Wrong arguments of the package, each refused with one sentence that says what to do; and what it does not see, named."""

import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import expunge
import expunge.torch
from expunge import metrics
from expunge.torch import unlearn

torch.manual_seed(0)
RETAIN, FORGET = torch.randn(40, 3, 8, 8), torch.randn(12, 3, 8, 8) + 1
LABELS, ROLE = np.arange(60) % 3, np.arange(60) % 2
LOGITS = np.random.default_rng(0).normal(size=(60, 3))


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 3))


def flat(layer):
    return nn.Sequential(nn.Flatten(), layer)


class Standardised(nn.Conv2d):
    def forward(self, x):
        return F.conv2d(x, self.weight - self.weight.mean(), self.bias)


class Scaled(nn.Module):
    """A product that is not one of torch's products."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3, 2))
        self.lstm, self.seen = nn.LSTM(8, 4), nn.Linear(2, 3)

    def forward(self, x):
        return self.seen((x.mean((2, 3)).unsqueeze(-1) * self.w).sum(1) + self.lstm(x[:, 0])[0].sum())


class Arguments(unittest.TestCase):
    def refused(self, cases):
        for text, call in cases:
            with self.subTest(text), self.assertRaisesRegex(ValueError, text) as caught:
                call()
            self.assertIsInstance(caught.exception, expunge.Error)
            self.assertEqual(caught.exception.status, "EARG")
            self.assertNotIn("\n", str(caught.exception))

    def test_unlearn(self):
        def go(retain=RETAIN, forget=FORGET, **settings):
            return unlearn(network(), retain, forget, **settings)

        y = torch.zeros(40, dtype=torch.int64)
        self.refused(
            (
                ("alpha_r = '100': must be a number", lambda: go(alpha_r="100")),
                ("alpha_r = None: must be a number", lambda: go(alpha_r=None)),
                ("layers = 1: must be", lambda: go(layers=1)),
                ("search = None: must be", lambda: go(search=None)),
                ("search = .1, 2.: must be", lambda: go(search=[1, 2])),
                ("search = 'yes': must be", lambda: go(search="yes")),
                ("search: alpha_r = '10': must be a number", lambda: go((RETAIN, y), (FORGET, y[:12]), search={"alpha_r": "10"})),
                ("a label is 7: the model has classes 0 to 2", lambda: go((RETAIN, y + 7), (FORGET, y[:12]), search=True)),
                ("seed = 1.5: must be an integer", lambda: go(seed=1.5)),
                ("40 images and 5 labels", lambda: go((RETAIN, y[:5]))),
                ("fails on the first retain images, of shape .2, 3, 4, 4.", lambda: go(RETAIN[:, :, :4, :4])),
                ("fails on the first retain images.*uint8", lambda: go((RETAIN * 9).to(torch.uint8))),
                ("fails on the first retain images", lambda: go([x for x in RETAIN])),
            )
        )
        self.refused((("forget: 6x6 after 8x8; use patches='all'", lambda: unlearn(nn.Conv2d(3, 2, 3), RETAIN, FORGET[..., :6, :6])),))

    def test_numbers(self):
        w, x = np.eye(3, dtype=np.float32), np.ones((4, 3), np.float32)
        self.refused(
            (
                ("features = 1180591620717411303424: must be 1 to 2147483647", lambda: expunge.Gram(2**70)),
                ("features = 3.7: must be an integer", lambda: expunge.Gram(3.7)),
                ("alpha_r = 'a': must be a number", lambda: expunge.edit(w, x, x, alpha_r="a")),
                ("x has rows of 3", lambda: expunge.Gram(4).add(x)),
                ("seed = -1: must be 0 to", lambda: metrics.epsilon(ROLE, LOGITS[:, 0], seed=-1)),
                ("seed = 18446744073709551621: must be 0 to", lambda: metrics.epsilon(ROLE, LOGITS[:, 0], seed=2**64 + 5)),
                ("level = '1': must be a number", lambda: metrics.auc(ROLE, LOGITS[:, 0], level="1")),
                ("forget = 'Dress': y_true has classes of type int64", lambda: metrics.acc_forget(LABELS, LOGITS, "Dress")),
                ("forget has class 7: must be 0 to 2", lambda: metrics.acc_forget(LABELS, LOGITS, 7)),
                ("y_true has class 2: must be 0 to 1", lambda: metrics.accuracy(LABELS, LOGITS[:, :2])),
                ("y_true has class -1: must be 0 or more", lambda: metrics.accuracy([-1, 0], [0, 0])),
            )
        )

    def test_indefinite_gram(self):
        with self.assertRaisesRegex(ValueError, "more than the diagonal allows"):
            expunge.Gram(2).add_gram(np.array([[1.0, 2], [2, 1]]), 5)
        gram = expunge.Gram(3).add_gram(np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]), 5)  # pairs of columns could be
        with self.assertRaisesRegex(ValueError, "negative eigenvalues"):
            expunge.edit(np.eye(3), gram, np.eye(3))

    def test_signals(self):
        self.refused(
            (
                ("seed = 1.5: must be an integer", lambda: expunge.attack("loss", LOGITS, LABELS, ROLE, seed=1.5)),
                ("seed = -1: must be 0 to", lambda: expunge.attack("loss", LOGITS, LABELS, ROLE, seed=-1)),
                ("retrained/logits is empty", lambda: expunge.attack("loss", LOGITS, LABELS, ROLE, retrained_logits=[])),
                ("'loss.kernel'", lambda: expunge.attack(["loss", "entropy"], LOGITS, LABELS, ROLE, kernel="rbf")),
                ("labels are missing", lambda: expunge.attack("loss", LOGITS)),
            )
        )

    def test_forget_of_audit(self):
        group = np.repeat([0, 1, 2, 3], 60)
        labels = np.where(group < 2, 0, 1 + np.arange(240) % 2)
        logits = np.random.default_rng(0).normal(size=(240, 3)) + 2 * np.eye(3)[labels]
        with tempfile.TemporaryDirectory() as folder:
            for forget in (0, "0", [0], np.array([0]), np.int64(0), range(1), {0}):
                report = expunge.audit(folder + "/a", labels, group, logits, attacks="loss", forget=forget, draws=100)
                self.assertIn("verdict", report)

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_fork(self):
        code = "import os, numpy as np, expunge\ng = expunge.Gram(3)\nif os.fork() == 0:\n    try:\n        expunge.Gram(3)\n"
        code += "    except expunge.Error as error:\n        print(error, flush=True)\n    os._exit(0)\nos.wait()\nprint(expunge.Gram(3))"
        said = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "2"}, capture_output=True, text=True, check=True, timeout=60
        )
        self.assertEqual(said.stdout.count("\n"), 2)
        self.assertIn("forked after a call", said.stdout)


class Seen(unittest.TestCase):
    def test_two_batches(self):
        """A tuple of two batches is two batches, whatever they are of."""
        for pair in ((RETAIN[:10], RETAIN[10:]), (RETAIN[:10].numpy(), RETAIN[10:].numpy())):
            self.assertEqual(unlearn(network(), pair, FORGET)[1]["images_retain"], 40)
        pair = RETAIN.numpy(), np.zeros(40)
        self.assertEqual(unlearn(network(), pair, FORGET)[1]["images_retain"], 40)

    def test_nothing_to_edit(self):
        computed = flat(nn.utils.parametrizations.weight_norm(nn.Linear(192, 3)))
        spectral = flat(nn.utils.parametrizations.spectral_norm(nn.Linear(192, 3)))
        for model, text in ((computed, "1: its weight is computed"), (spectral, "1: its weight is computed")):
            for layers in ("all", "last", ["1"]):
                with self.assertRaisesRegex(expunge.Error, "(no layer can be edited: |layer )" + text.replace(": ", ".*")):
                    unlearn(model, RETAIN, FORGET, layers=layers)
        scripted = torch.jit.trace(network(), RETAIN)
        with self.assertRaisesRegex(expunge.Error, "scripted or quantised"):
            unlearn(scripted, RETAIN, FORGET)

    def test_not_edited(self):
        report = unlearn(Scaled(), RETAIN, FORGET)[1]
        self.assertEqual(set(report["not_edited"]), {"w", "lstm.weight_ih_l0", "lstm.weight_hh_l0"})
        report = unlearn(nn.Sequential(Standardised(3, 4, 3), nn.Flatten(), nn.Linear(144, 3)), RETAIN, FORGET)[1]
        self.assertEqual(list(report["not_edited"]), ["0"])
        self.assertIn("computed from it", report["not_edited"]["0"])
        up = nn.Sequential(nn.ConvTranspose2d(3, 3, 3), nn.Flatten(), nn.Linear(300, 3))
        self.assertEqual(list(unlearn(up, RETAIN, FORGET, layers=["2"])[1]["not_edited"]), ["0"])
        for norm in (nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm):
            model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), norm(nn.Linear(144, 3)))
            self.assertEqual(list(unlearn(model, RETAIN, FORGET)[1]["not_edited"]), ["2"])


if __name__ == "__main__":
    unittest.main()

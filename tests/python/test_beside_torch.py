"""The library in one process with torch: two users of OpenMP, threads, forks, interruptions, Lightning."""

import importlib
import os
import signal
import subprocess
import sys
import time
import unittest
from unittest import mock

import torch
from torch import nn

import expunge.torch
from expunge import _library

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

# Where two thread pools got into each other's way this would hang.
FORKS = """
import numpy as np, torch, expunge, expunge.torch
from torch.utils.data import DataLoader, Dataset

class Products(Dataset):
    def __len__(self):
        return 40
    def __getitem__(self, i):
        x = torch.full((150, 150), 1.0 + i)
        return (x @ x).flatten()[:8] + torch.randn(8, generator=torch.Generator().manual_seed(i))

model = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
x = torch.randn(300, 8)
for threads in (2, 1, 2):
    torch.set_num_threads(threads)
    expunge.torch.unlearn(model, x, x[:50])
    torch.mm(torch.ones(400, 400), torch.ones(400, 400))
    loader = DataLoader(Products(), batch_size=5, num_workers=2, multiprocessing_context="fork")
    first = expunge.torch.unlearn(model, loader, x[:50])[0].state_dict()
    again = expunge.torch.unlearn(model, loader, x[:50])[0].state_dict()
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert torch.get_num_threads() == threads
print("through")
"""


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3))


class Beside(unittest.TestCase):
    def test_workers_after_a_call(self):
        env = dict(os.environ, OMP_NUM_THREADS="2", PYTHONPATH=os.path.join(ROOT, "python"))
        done = subprocess.run([sys.executable, "-c", FORKS], env=env, capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stdout), (0, "through\n"), done.stderr)

    def test_interrupted_unlearn(self):
        """Ctrl-C during a long call of the library ends unlearn within a second, and the model is as it was."""
        real = _library._called

        def slow(name, *arguments):
            if name == "expunge_edit":
                time.sleep(3)
            return real(name, *arguments)

        def strike(*_):
            struck.append(time.monotonic())
            raise KeyboardInterrupt

        struck = []
        model, x = network(), torch.randn(60, 8)
        expunge.torch.unlearn(model, x, x[:20])  # what is loaded once
        before = {k: v.clone() for k, v in model.state_dict().items()}
        model.train()
        old = signal.signal(signal.SIGALRM, strike)
        try:
            with mock.patch.object(_library, "_called", slow):
                signal.setitimer(signal.ITIMER_REAL, 1)
                with self.assertRaises(KeyboardInterrupt):
                    expunge.torch.unlearn(model, x, x[:20], inplace=True)
                self.assertLess(time.monotonic() - struck[0], 1)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)
        self.assertTrue(model.training)
        for name, w in model.state_dict().items():
            self.assertTrue(torch.equal(w, before[name]), name)

    def test_lightning(self):
        try:
            lightning = importlib.import_module("lightning")
        except ImportError as error:
            self.skipTest(f"not here: {error}")

        class Module(lightning.LightningModule):
            def __init__(self):
                super().__init__()
                self.net = network()

            def forward(self, x):
                return self.net(x)

        x = torch.randn(60, 8)
        want = expunge.torch.unlearn(network(), x, x[:20])[0].state_dict()
        fabric = lightning.Fabric(accelerator="cpu", devices=1)
        for model, prefix in ((Module(), "net."), (fabric.setup(network()), "")):
            got, report = expunge.torch.unlearn(model, x, x[:20])
            self.assertIs(type(got), type(model))
            self.assertEqual(len(report["layers"]), 2)
            state = got.state_dict()
            self.assertEqual(list(state), [prefix + name for name in want])
            for name, w in want.items():
                self.assertTrue(torch.equal(state[prefix + name], w), name)

    def test_fabric_is_looked_through(self):
        """The wrapper of Lightning Fabric, by its name, where Lightning is not installed."""
        kind = type("_FabricModule", (nn.Module,), {"__init__": lambda self, m: (nn.Module.__init__(self), setattr(self, "module", m))[0]})
        model = network()
        self.assertIs(expunge.torch.unwrapped(nn.DataParallel(kind(model))), model)


if __name__ == "__main__":
    unittest.main()

"""The examples in docstrings, those of docs/python.md and README.md, and a docstring for every public name."""

import contextlib
import doctest
import importlib
import inspect
import io
import os
import re
import tempfile
import unittest

import numpy as np
import torch

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MODULES = ("expunge", "expunge.torch", "expunge._edit", "expunge._signals")


def load_tests(loader, tests, ignore):
    for name in MODULES:
        tests.addTests(doctest.DocTestSuite(importlib.import_module(name)))
    return tests


class Documented(unittest.TestCase):
    def test_documented(self):
        seen = 0
        for module in map(importlib.import_module, MODULES[:2]):
            for name in module.__all__:
                thing = getattr(module, name)
                members = [m for n, m in vars(thing).items() if not n.startswith("_")] if inspect.isclass(thing) else []
                for one in (thing, *members):
                    if callable(one) or isinstance(one, property):
                        self.assertTrue(inspect.getdoc(one), (name, one))
                        seen += 1
        self.assertGreater(seen, 10)

    def run_blocks(self, page, count):
        with open(os.path.join(ROOT, page)) as f:
            blocks = re.findall(r"```python\n(.*?)```", f.read(), re.S)
        self.assertEqual(len(blocks), count, page)
        torch.manual_seed(0)
        make = lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
        here = {
            "model": make(),
            "retrained": [make() for _ in range(3)],
            **{name: torch.randn(150, 3, 4, 4) for name in ("retain", "forget", "retained_test", "forgotten_test")},
            "labels": np.concatenate([np.zeros(300, int), 1 + np.arange(300) % 3]),
        }
        before = os.getcwd()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            os.chdir(folder)
            try:
                for block in blocks:
                    exec(compile(block, page, "exec"), here)
                saved = torch.load("forgot.pt")
                self.assertEqual(list(saved), list(here["model"].state_dict()))
                self.assertFalse(torch.equal(saved["1.weight"], here["model"][1].weight))
                self.assertEqual(os.path.exists("audit/report.html"), page != "README.md")
            finally:
                os.chdir(before)

    def test_page(self):
        self.run_blocks("docs/python.md", 4)

    def test_readme(self):
        self.run_blocks("README.md", 1)


if __name__ == "__main__":
    unittest.main()

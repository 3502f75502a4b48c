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
from unittest import mock

import numpy as np
import torch

try:
    import pandas
except ImportError:
    pandas = None

NO_ARRAYS = {"forget", "loader"}  # of type Any for other reasons
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PUBLIC = ("expunge", "expunge.torch", "expunge.metrics")
HIDDEN = ("expunge._edit", "expunge._export", "expunge._library", "expunge._program", "expunge._signals")  # where public names are defined


class Documented(unittest.TestCase):
    def test_examples(self):
        seen = {}
        for name in PUBLIC + HIDDEN:
            if name == "expunge._program" and pandas is None:
                continue
            with self.subTest(name), tempfile.TemporaryDirectory() as folder, mock.patch.object(tempfile, "tempdir", folder):
                done = doctest.testmod(importlib.import_module(name))
                self.assertEqual(done.failed, 0)
                seen[name] = done.attempted
        self.assertGreater(min(seen.values()), 0, seen)

    def test_documented(self):
        """Every public name says what it is, with an example; every array its shape."""
        seen = 0
        for module in map(importlib.import_module, PUBLIC):
            for name in module.__all__:
                thing = getattr(module, name)
                text = inspect.getdoc(thing) or ""
                if inspect.ismodule(thing):
                    continue  # one of PUBLIC
                with self.subTest(f"{module.__name__}.{name}"):
                    self.assertTrue(">>>" in text or f".{name}(" in (module.__doc__ or ""), "no example")
                    if inspect.isfunction(thing):
                        self.check_arguments(thing, text)
                    else:
                        for member, value in vars(thing).items():
                            if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                                self.assertTrue(inspect.getdoc(value), member)
                                if callable(value):
                                    self.check_arrays(value, inspect.getdoc(value))
                seen += 1
        self.assertGreater(seen, 15)

    def check_arguments(self, function, text):
        parameters = inspect.signature(function).parameters
        if len(parameters) > 2:  # fewer need no list
            for name in parameters:
                self.assertRegex(text, rf"(?m)^ +(\w+, )*{name}(, \w+)*:|\b{name} \[", f"{name} is not explained")
        self.check_arrays(function, text)

    def check_arrays(self, function, text):
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.annotation == "Any" and name not in NO_ARRAYS and parameter.kind != parameter.VAR_KEYWORD:
                self.assertRegex(text, rf"\b{name}\b[^][]{{0,300}}\[\S[^]\n]*\]", f"{name} has no shape")

    def run_blocks(self, page, count):
        with open(os.path.join(ROOT, page)) as f:
            blocks = re.findall(r"```python\n(.*?)```", f.read().split("\n## Recipes\n")[0], re.S)
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

    def test_lines(self):
        """The lines of Python that README.md begins with."""
        with open(os.path.join(ROOT, "README.md")) as f:
            (lines,) = re.findall(r"```pycon\n(.*?)```", f.read(), re.S)
        test = doctest.DocTestParser().get_doctest(lines, {}, "README.md", "README.md", 0)
        self.assertEqual(len(test.examples), 5)
        self.assertEqual(doctest.DocTestRunner().run(test).failed, 0)

    def test_page(self):
        self.run_blocks("docs/python.md", 6)

    def test_readme(self):
        self.run_blocks("README.md", 1)


if __name__ == "__main__":
    unittest.main()

"""expunge.edit and expunge.Gram: against the formula in float64, for every kind of array; refusals; interruptions."""

import signal
import subprocess
import sys
import threading
import time
import unittest
from unittest import mock

import numpy as np
import torch

import expunge
from expunge import _library

F, OUT = 20, 7


def projection(x, alpha):
    """P of the paper, section 4."""
    u, s, _ = np.linalg.svd(x.T.astype(np.float64), full_matrices=False)
    s = s**2 / np.sum(s**2)
    return (u * (alpha * s / ((alpha - 1) * s + 1))) @ u.T


def formula(weight, retain, forget, alpha_r=100, alpha_f=3):
    return weight - weight @ (np.eye(weight.shape[1]) - projection(retain, alpha_r)) @ projection(forget, alpha_f)


def arrays():
    rng = np.random.default_rng(1)
    return rng.normal(size=(OUT, F)), rng.normal(size=(50, F)), rng.normal(size=(9, F))


# Inputs are rounded to float32, by at most 2^-24 of their size, and systems of condition alpha_r = 100 and F terms are solved
# with them: 100 F 2^-24 of the weights, which are below 4.
TOLERANCE = 100 * F * 2**-24 * 4


class Edit(unittest.TestCase):
    def test_formula(self):
        w, r, f = arrays()
        for alphas in ((100, 3), (1, 1), (0.5, 30)):
            got = expunge.edit(w, r, f, *alphas)
            self.assertEqual(got.dtype, np.float64)
            np.testing.assert_allclose(got, formula(w, r, f, *alphas), atol=TOLERANCE, rtol=0)
        for route in ("closed", "eigen", "svd", "reference"):
            np.testing.assert_allclose(expunge.edit(w, r, f, route=route), formula(w, r, f), atol=TOLERANCE, rtol=0)

    def test_kinds(self):
        w, r, f = arrays()
        for dtype, digits in ((np.float64, 53), (np.float32, 24), (np.float16, 11)):
            a, b, c = w.astype(dtype), r.astype(dtype), f.astype(dtype)
            want = formula(*(x.astype(np.float64) for x in (a, b, c)))
            bound = TOLERANCE + 2.0**-digits * 4
            for got in (
                expunge.edit(a, b, c),
                expunge.edit(np.asfortranarray(a), b[::-1], np.repeat(c, 2, axis=1)[:, ::2]),
                expunge.edit(a.astype(a.dtype.newbyteorder(">")), b, c),
            ):
                self.assertEqual(got.dtype, dtype)
                np.testing.assert_allclose(got.astype(np.float64), want, atol=bound, rtol=0)
            kept = a.copy()
            got = expunge.edit(torch.from_numpy(a).T.contiguous().T, torch.from_numpy(b), c)
            self.assertEqual(got.dtype, torch.from_numpy(a).dtype)
            np.testing.assert_allclose(got.double().numpy(), want, atol=bound, rtol=0)
            np.testing.assert_array_equal(a, kept)
        a, b, c = (torch.from_numpy(x).bfloat16() for x in (w, r, f))
        got = expunge.edit(torch.nn.Parameter(a), b, c)
        self.assertEqual(got.dtype, torch.bfloat16)
        want = formula(*(x.double().numpy() for x in (a, b, c)))
        np.testing.assert_allclose(got.double().numpy(), want, atol=TOLERANCE + 2**-8 * 4, rtol=0)

    def test_gram(self):
        w, r, f = arrays()
        g = expunge.Gram(F)
        for part in np.array_split(r, 4):
            g.add(part)
        self.assertEqual(g.rows, 50)
        h = expunge.Gram(F).add_gram(f.T @ f, 9)
        np.testing.assert_allclose(expunge.edit(w, g, h), formula(w, r, f), atol=TOLERANCE, rtol=0)
        self.assertAlmostEqual(g.trace / np.sum(r**2), 1, places=6)
        s = np.linalg.svd(r, compute_uv=False) ** 2
        self.assertAlmostEqual(g.rank / (s.sum() ** 2 / np.sum(s**2)), 1, places=5)
        with self.assertRaisesRegex(ValueError, "finished"):
            g.add(r)

    def test_threads(self):
        w, r, f = arrays()
        want, got = expunge.edit(w, r, f), [None] * 4

        def work(i):
            for _ in range(20):
                got[i] = expunge.edit(w, r, f)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        for one in got:
            np.testing.assert_array_equal(one, want)

    def test_refusals(self):
        w, r, f = arrays()
        bad = w.copy()
        bad[1, 2] = np.nan
        for text, call in (
            ("x_retain has rows of 19 values: the weight has rows of 20", lambda: expunge.edit(w, r[:, 1:], f)),
            ("x_forget has rows of 19", lambda: expunge.edit(w, r, expunge.Gram(19))),
            ("weight has shape .*must be a matrix", lambda: expunge.edit(w[0], r, f)),
            ("weight is of type int64", lambda: expunge.edit(w.astype(int), r, f)),
            ("x_forget has no rows", lambda: expunge.edit(w, r, f[:0])),
            ("not finite", lambda: expunge.edit(bad, r, f)),
            ("not finite", lambda: expunge.edit(w, r * np.inf, f)),
            ("alpha = -1: must be above 0", lambda: expunge.edit(w, r, f, alpha_r=-1)),
            ("did you mean 'closed'", lambda: expunge.edit(w, r, f, route="clsoed")),
            ("x has rows of 3 values", lambda: expunge.Gram(4).add(np.ones((2, 3), np.float32))),
            ("features = 0", lambda: expunge.Gram(0)),
            ("1 rows more than the 2 announced", lambda: expunge.Gram(4, 2).add(np.ones((3, 4), np.float32))),
            ("gram has shape", lambda: expunge.Gram(4).add_gram(np.eye(3), 1)),
        ):
            with self.assertRaisesRegex(ValueError, text):
                call()
        try:
            expunge.edit(w, r, f, alpha_r=-1)
        except expunge.Error as error:
            self.assertEqual(error.status, "EARG")

    def test_interrupt(self):
        def strike(*_):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, strike)
        try:
            with mock.patch.object(_library, "_called", lambda *_: time.sleep(3)):
                signal.setitimer(signal.ITIMER_REAL, 0.2)
                started = time.monotonic()
                with self.assertRaises(KeyboardInterrupt):
                    _library.call_long("expunge_edit")
                self.assertLess(time.monotonic() - started, 1.2)
        finally:
            signal.signal(signal.SIGALRM, before)
        w, r, f = arrays()
        np.testing.assert_allclose(expunge.edit(w, r, f), formula(w, r, f), atol=TOLERANCE, rtol=0)

    def test_used_again(self):
        """What was interrupted goes on alone: the next use of its Gram waits."""
        n = 1000
        x, w = np.random.default_rng(3).normal(size=(400, n)).astype(np.float32), np.ones((2, n), np.float32)
        gram = expunge.Gram(n, route="eigen").add(x)
        self.interrupted(gram.finish)
        gram.finish()
        self.assertAlmostEqual(gram.trace / float((x.astype(np.float64) ** 2).sum()), 1, places=5)
        np.testing.assert_allclose(expunge.edit(w, gram, gram), expunge.edit(w, expunge.Gram(n).add(x), x), atol=1e-4)

    def test_interrupted_rows(self):
        gram = expunge.Gram(F)
        with mock.patch.object(expunge._edit._arrays, "pieces", side_effect=KeyboardInterrupt):
            with self.assertRaises(KeyboardInterrupt):
                gram.add(arrays()[1])
        for use in (lambda: gram.add(arrays()[1]), gram.finish):
            with self.assertRaisesRegex(expunge.Error, "interrupted"):
                use()

    def interrupted(self, call):
        """As Ctrl-C soon after the call has begun."""

        def alarm(*_):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, alarm)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.03)
            with self.assertRaises(KeyboardInterrupt):
                call()
        finally:
            signal.signal(signal.SIGALRM, before)


class Import(unittest.TestCase):
    # children that still run stand in /proc, those that ended in rusage
    CODE = """
import glob, resource, sys, time
starts = []
sys.addaudithook(lambda event, _: starts.append(event) if event in ("subprocess.Popen", "os.fork", "os.posix_spawn", "os.system", "os.exec") else None)
def children():
    running = "".join(open(path).read() for path in glob.glob("/proc/self/task/*/children"))
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return bool(running.strip()) + bool(ended.ru_maxrss or ended.ru_minflt or ended.ru_nvcsw)
%s
before = time.perf_counter()
import expunge
print(time.perf_counter() - before, children(), *starts, *(m for m in ("torch", "pandas", "numpy", "subprocess") if m in sys.modules))
expunge.version()
print(children(), *starts)
"""

    def imported(self, first=""):
        done = subprocess.run([sys.executable, "-c", self.CODE % first], capture_output=True, text=True, check=True)
        return [line.split() for line in done.stdout.splitlines()]

    def test_import(self):
        seconds = []
        for _ in range(5):
            first, second = self.imported()
            self.assertEqual(first[1:], ["0"])
            self.assertEqual(second, ["0"])
            seconds.append(float(first[0]))
        self.assertLess(min(seconds), 0.2)

    def test_would_show(self):
        for start in ("import subprocess; subprocess.run('true')", "import os; os.spawnlp(os.P_NOWAIT, 'sleep', 'sleep', '1')"):
            first, second = self.imported(start)
            self.assertEqual(first[1], "1")
            self.assertIn(first[2], ("subprocess.Popen", "os.fork"))
            self.assertEqual(second[0], "1")


if __name__ == "__main__":
    unittest.main()

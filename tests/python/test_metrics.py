"""expunge.metrics: by definition, the numbers of expunge.attack, as scorers of scikit-learn, refusals."""

import copy
import math
import pickle
import unittest

import numpy as np
import torch

import expunge
from expunge import metrics

try:
    import sklearn.linear_model
    import sklearn.metrics
    import sklearn.model_selection
except ImportError:
    sklearn = None


def points(n=600):
    rng = np.random.default_rng(4)
    role = rng.permuted(np.repeat([0, 1, 2], n // 3))
    return role, np.floor(20 * (rng.normal(size=n) + (role == 1))) / 20


class Scores(unittest.TestCase):
    def test_definition(self):
        role, score = points()
        pairs = np.subtract.outer(score[role == 1], score[role == 0])
        found = metrics.auc(role, score)
        self.assertAlmostEqual(found, np.mean((pairs > 0) + 0.5 * (pairs == 0)), places=12)
        self.assertTrue(found.lo < found < found.hi)
        self.assertLess(metrics.auc(role, score, level=0.99).lo, found.lo)
        fpr, tpr, threshold = metrics.roc(role, score)
        self.assertEqual((fpr[0], tpr[0], threshold[0]), (0, 0, np.inf))
        for f, t, at in zip(fpr, tpr, threshold):
            self.assertAlmostEqual(f, np.mean(score[role == 0] >= at), places=12)
            self.assertAlmostEqual(t, np.mean(score[role == 1] >= at), places=12)
        self.assertEqual(len(threshold), 1 + len(set(score[role != 2])))

    def test_same_as_attack(self):
        rng = np.random.default_rng(5)
        labels, role = rng.integers(0, 5, 900), np.repeat([1, 0, 2], 300)
        logits = rng.normal(size=(900, 5)) + np.where(role == 1, 3, 1)[:, None] * np.eye(5)[labels]
        out = expunge.attack("loss", logits, labels, role)
        score, said = out["scores"]["loss"], out["attacks"][0]
        for kind in (np.asarray, torch.tensor, list):
            found = metrics.auc(kind(role), kind(score))
            np.testing.assert_allclose([found, found.lo, found.hi], [said["auc"], *said["auc_ci"]], rtol=1e-9)
        for fpr in (0.01, 0.1):
            found, want = metrics.tpr_at_fpr(role, score, fpr), said["tpr_at_fpr"][f"{fpr:g}"]
            np.testing.assert_allclose([found, found.lo, found.hi], [want["value"], *want["ci"]], rtol=1e-9)
        self.assertTrue(math.isnan(metrics.tpr_at_fpr(role, score, 0.001)))
        for want in said["epsilon"]:
            found = metrics.epsilon(role, score, want["method"], want["delta"], want["alpha"])
            np.testing.assert_allclose([found, found.largest], [want["lower"], want["largest_provable"]], rtol=1e-9)
        self.assertGreater(metrics.epsilon(role, score), 0)
        self.assertEqual(metrics.epsilon(role, score, "split", seed=1), metrics.epsilon(role, score, "split", seed=1))

    def test_one_run(self):
        coin, score = np.arange(500) % 2, np.arange(500) % 2 + np.arange(500) / 1000
        found = metrics.epsilon_one_run(coin, score, 100, 100, independent_coins=True)
        self.assertEqual(found, found.largest)
        self.assertTrue(math.isnan(found.threshold))
        # math/epsilon.h: with delta = 0 all of r guesses are right with probability q^r <= alpha, q = 1 / (1 + e^-eps)
        q = 0.05 ** (1 / 200)
        pure = metrics.epsilon_one_run(coin, score, 100, 100, independent_coins=True, delta=0)
        self.assertAlmostEqual(pure, math.log(q / (1 - q)), places=6)
        with self.assertRaisesRegex(ValueError, "coin"):
            metrics.epsilon_one_run(coin, score, 100, 100)

    def test_numbers(self):
        for x, ends in ((metrics.Estimate(0.5, 0.25, 0.75), ("lo", "hi")), (metrics.Bound(0.5, 0.25, 0.75), ("largest", "threshold"))):
            for y in (x, pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
                self.assertIs(type(y), type(x))
                self.assertEqual([y, *(getattr(y, e) for e in ends)], [0.5, 0.25, 0.75])
            self.assertEqual(x + 1, 1.5)

    def test_refusals(self):
        role, score = points()
        for text, call in (
            ("y_true has 600 points, y_score 599", lambda: metrics.auc(role, score[1:])),
            ("y_true has the value 3", lambda: metrics.auc(role + 1, score)),
            ("y_true has the value 0.5", lambda: metrics.auc(role / 2, score)),
            ("y_score has shape", lambda: metrics.auc(role, np.stack([score, score], 1))),
            ("y_score is of type <U", lambda: metrics.auc(role, score.astype(str))),
            ("NaN", lambda: metrics.auc(role, score * np.nan)),
            ("member", lambda: metrics.auc(np.ones(600), score)),
            ("n = 0", lambda: metrics.auc([], [])),
            ("level = 2", lambda: metrics.auc(role, score, level=2)),
            ("fpr = 0", lambda: metrics.tpr_at_fpr(role, score, 0)),
            ("did you mean 'split'", lambda: metrics.epsilon(role, score, "splt")),
            ("delta", lambda: metrics.epsilon(role, score, delta=1)),
            ("must be classes of as many points", lambda: metrics.accuracy([1, 2], [1, 2, 3])),
            ("not finite", lambda: metrics.accuracy([1, 0], np.full((2, 2), np.nan))),
            ("level = 0", lambda: metrics.accuracy([1, 0], [1, 1], level=0)),
        ):
            with self.subTest(text), self.assertRaisesRegex(ValueError, text):
                call()


class Accuracy(unittest.TestCase):
    def test_parts(self):
        rng = np.random.default_rng(6)
        truth, logits = rng.integers(0, 4, 500), rng.normal(size=(500, 4)).astype(np.float32)
        logits[np.arange(500), truth] += 1
        answer = logits.argmax(1)
        for forget in (2, [1, 2], {1, 2}, np.array([2]), torch.tensor([2, 3])):
            gone = np.isin(truth, sorted(np.atleast_1d(list(forget) if isinstance(forget, set) else np.asarray(forget))))
            for part, function in ((gone, metrics.acc_forget), (~gone, metrics.acc_retain)):
                for given in (answer, logits, torch.from_numpy(logits), answer.tolist()):
                    found = function(truth, given, forget)
                    self.assertAlmostEqual(found, np.mean(truth[part] == answer[part]), places=15)
                    self.assertTrue(found.lo < found < found.hi)
        listed = rng.random(500) < 0.3  # points of any class
        for forget in (listed, listed.tolist(), torch.from_numpy(listed)):
            self.assertAlmostEqual(metrics.acc_forget(truth, logits, forget), np.mean((truth == answer)[listed]), places=15)
            self.assertAlmostEqual(metrics.acc_retain(truth, answer, forget), np.mean((truth == answer)[~listed]), places=15)
        with self.assertRaisesRegex(ValueError, "forget has 2 truth values, y_true 500 points"):
            metrics.acc_forget(truth, answer, [True, False])
        self.assertAlmostEqual(metrics.accuracy(truth, logits), np.mean(truth == answer), places=15)
        self.assertEqual(metrics.accuracy(["a", "b"], ["a", "b"]), 1)
        # Clopper and Pearson 1934: of n successes the lower end is (beyond)^(1/n)
        self.assertAlmostEqual(metrics.accuracy([1] * 20, [1] * 20).lo, 0.025 ** (1 / 20), places=9)
        nothing = metrics.acc_forget([0, 1], [0, 1], 7)
        self.assertTrue(math.isnan(nothing) and math.isnan(nothing.lo))


@unittest.skipIf(sklearn is None, "scikit-learn is missing")
class Scorers(unittest.TestCase):
    def test_scorers(self):
        rng = np.random.default_rng(7)
        y = np.arange(300) % 3
        x = rng.normal(size=(300, 4)) + np.eye(4)[y]
        model = sklearn.linear_model.LogisticRegression()
        scorers = {
            "retain": sklearn.metrics.make_scorer(metrics.acc_retain, forget=1),
            "forget": sklearn.metrics.make_scorer(metrics.acc_forget, forget=1, greater_is_better=False),
        }
        fitted = model.fit(x, y)
        found = scorers["retain"](fitted, x, y)
        self.assertEqual(found, metrics.acc_retain(y, fitted.predict(x), 1))
        got = sklearn.model_selection.cross_validate(model, x, y, scoring=scorers, cv=3, error_score="raise")
        folds = list(sklearn.model_selection.StratifiedKFold(3).split(x, y))
        for i, (train, test) in enumerate(folds):
            answer = model.fit(x[train], y[train]).predict(x[test])
            self.assertEqual(got["test_retain"][i], metrics.acc_retain(y[test], answer, 1))
            self.assertEqual(got["test_forget"][i], -metrics.acc_forget(y[test], answer, 1))
        member = (y == 1).astype(int)
        for response in ("decision_function", "predict_proba"):
            for metric in (metrics.auc, metrics.tpr_at_fpr, metrics.epsilon):
                scorer = sklearn.metrics.make_scorer(metric, response_method=response)
                got = sklearn.model_selection.cross_val_score(model, x, member, scoring=scorer, cv=3, error_score="raise")
                self.assertEqual(got.shape, (3,))
        best = sklearn.model_selection.GridSearchCV(
            model, {"C": [1e-4, 1]}, scoring=sklearn.metrics.make_scorer(metrics.auc, response_method="decision_function"), cv=3
        )
        self.assertGreater(best.fit(x, member).best_score_, 0.5)

    def test_same_numbers(self):
        role, score = points()
        kept = role != 2
        self.assertAlmostEqual(metrics.auc(role, score), sklearn.metrics.roc_auc_score(role[kept], score[kept]), places=12)
        for mine, theirs in zip(metrics.roc(role, score), sklearn.metrics.roc_curve(role[kept], score[kept], drop_intermediate=False)):
            np.testing.assert_allclose(mine, theirs, rtol=1e-12)


if __name__ == "__main__":
    unittest.main()

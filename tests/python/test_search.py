"""unlearn(search=...): the trials of an experiment's `search`, the draw of what is held back, refusals, exceptions."""

import glob
import json
import os
import subprocess
import tempfile
import unittest
from unittest import mock

import h5py
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import expunge.torch
from expunge import _search

PROGRAM = os.environ["EXPUNGE"]
CLASSES, FORGOTTEN, SIZE = 4, 2, 16
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
CONFIG = """
name: s
data: hdf5:{folder}/d.h5
arch: convnet
seeds: [7]
forget: [{forgotten}]
validation: {share}
train: {{epochs: 2, batch_size: 32, lr: 0.02}}
methods: [{{name: svd, set: {{retain_per_class: 0, forget_samples: 0}}, search: {search}}}]
"""


def images_of(n):
    """uint8 [n, 3, SIZE, SIZE] in which classes are hard to tell apart, and labels."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, CLASSES, n)
    coarse = rng.integers(0, 256, (CLASSES, 3, SIZE // 8, SIZE // 8)).repeat(8, 2).repeat(8, 3)
    x = 0.2 * coarse[y] + 0.8 * rng.integers(0, 256, (n, 3, SIZE, SIZE))
    return x.astype(np.uint8), y


def convnet():
    """The program's, of nn/arch/convnet.c."""
    layers, inputs = [], 3
    for i, channels in enumerate((32, 64, 64)):
        layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if i < 2 else []
        inputs = channels
    model = nn.Sequential()
    model.features, model.flatten = nn.Sequential(*layers), nn.Flatten()
    model.classifier = nn.Sequential(nn.Linear(64 * (SIZE // 4) ** 2, 128), nn.ReLU(), nn.Linear(128, CLASSES))
    return model


class Program(unittest.TestCase):
    def test_same_trials(self):
        grid = {"alpha_r": [1, 30, 1000], "alpha_f": [0.1, 3, 100]}
        x, y = images_of(400)
        with tempfile.TemporaryDirectory() as folder:
            with h5py.File(folder + "/d.h5", "w") as f:
                for split in ("train", "test"):
                    f[split + "/images"], f[split + "/labels"] = x, y
                f.attrs["mean"], f.attrs["std"] = MEAN, STD
            with open(folder + "/c.yaml", "w") as f:
                f.write(CONFIG.format(folder=folder, forgotten=FORGOTTEN, share=0.25, search=json.dumps(grid)))
            done = subprocess.run([PROGRAM, "run", folder + "/c.yaml", "--results", folder], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            (run,), (weights,) = glob.glob(folder + "/s/svd-*.h5"), glob.glob(folder + "/s/models/original-*.safetensors")
            with h5py.File(run) as f:
                theirs = {name: f["search/" + name][:] for name in ("alpha_r", "alpha_f", "acc_retain", "acc_forget", "score")}
                chosen, judged = int(f["search"].attrs["chosen"]), int(f["search"].attrs["n"])
            model = convnet()
            state = os.path.join(folder, "w.pt")
            command = [PROGRAM, "unlearn", "--arch", "convnet", "--weights", weights, "--data", f"hdf5:{folder}/d.h5"]
            command += ["--forget", str(FORGOTTEN), "--method", "none", "-o", state]
            done = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            model.load_state_dict(torch.load(state), strict=False)
        scaled = (torch.from_numpy(x).float() / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        labels = torch.from_numpy(y)
        retain, forget = ((scaled[m], labels[m]) for m in (labels != FORGOTTEN, labels == FORGOTTEN))
        loader = DataLoader(TensorDataset(*retain), batch_size=23)
        got, report = expunge.torch.unlearn(model, loader, forget, seed=7, search={**grid, "validation": 0.25})
        self.assertEqual(report["held_retain"] + report["held_forget"], judged)
        self.assertEqual(len(report["search"]), 9)
        self.assertGreater(max(theirs["score"]) - min(theirs["score"]), 0.5)  # or there would be nothing to choose
        # a logit's rounding may turn one image over, out of so many
        for name, n in (("acc_retain", report["held_retain"]), ("acc_forget", report["held_forget"])):
            np.testing.assert_allclose([t[name] for t in report["search"]], theirs[name], rtol=0, atol=100.001 / n)
        for name in ("alpha_r", "alpha_f"):
            np.testing.assert_array_equal([t[name] for t in report["search"]], theirs[name])
            self.assertEqual(report[name], theirs[name][chosen])


def toy(n, seed):
    """Points of three classes, and labels."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return torch.from_numpy(rng.normal(size=(n, 6)) + 3 * np.eye(3, 6)[y]).float(), torch.from_numpy(y)


def sides(n=120):
    x, y = toy(n, 1)
    return (x[y != 2], y[y != 2]), (x[y == 2], y[y == 2])


def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))


class Trials(unittest.TestCase):
    def test_edits_are_those_of_the_kept(self):
        """The chosen pair gives the weights that unlearning of the kept images alone gives, and the trials its accuracies."""
        model, (retain, forget) = linear(), sides()
        got, report = expunge.torch.unlearn(model, retain, forget, search={"alpha_r": [3, 100], "alpha_f": [1, 30]}, seed=5)
        held = {}
        for name, (x, y) in (("retain", retain), ("forget", forget)):
            held[name] = torch.from_numpy(_search.draw_held(y.numpy(), 0.1, 5))
            self.assertEqual(report["held_" + name], int(held[name].sum()))
        self.assertEqual([(t["alpha_r"], t["alpha_f"]) for t in report["search"]], [(3, 1), (3, 30), (100, 1), (100, 30)])
        for t in report["search"]:
            kept = [x[~held[n]] for n, (x, _) in (("retain", retain), ("forget", forget))]
            one = expunge.torch.unlearn(model, *kept, alpha_r=t["alpha_r"], alpha_f=t["alpha_f"], seed=5)[0]
            for name, (x, y) in (("retain", retain), ("forget", forget)):
                right = expunge.torch.logits(one, x[held[name]]).argmax(1) == y[held[name]].numpy()
                self.assertAlmostEqual(t["acc_" + name], 100 * right.mean())
            self.assertAlmostEqual(t["score"], t["acc_retain"] / 100 * (1 - t["acc_forget"] / 100))
            if (t["alpha_r"], t["alpha_f"]) == (report["alpha_r"], report["alpha_f"]):
                for name, w in one.state_dict().items():
                    torch.testing.assert_close(got.state_dict()[name], w, rtol=0, atol=1e-6)
        self.assertEqual(max(t["score"] for t in report["search"]), next(
            t["score"] for t in report["search"] if (t["alpha_r"], t["alpha_f"]) == (report["alpha_r"], report["alpha_f"])))

    def test_sources(self):
        model, (retain, forget) = linear(), sides()
        want = expunge.torch.unlearn(model, retain, forget, search=True)[1]
        self.assertEqual(len(want["search"]), 25)
        self.assertEqual(want["images_retain"] + want["held_retain"], len(retain[0]))
        for source in (
            DataLoader(TensorDataset(*retain), batch_size=7),
            [{"input": x, "labels": y} for x, y in zip(retain[0].split(9), retain[1].split(9))],
            TensorDataset(*retain),
        ):
            got = expunge.torch.unlearn(model, source, forget, search=True)[1]
            self.assertEqual(got["search"], want["search"])
        one = expunge.torch.unlearn(model, retain, forget, alpha_r=7, search={"alpha_f": [2, 5]})[1]
        self.assertEqual([(t["alpha_r"], t["alpha_f"]) for t in one["search"]], [(7, 2), (7, 5)])

    def test_first_of_the_best(self):
        trials = [{"score": s} for s in (float("nan"), 0.2, 0.5, 0.5, float("nan"))]
        self.assertEqual(_search.best(trials), 2)
        self.assertEqual(_search.best(trials[:1]), -1)

    def test_failure_leaves_the_model(self):
        model, (retain, forget) = linear(), sides()
        before = {k: v.clone() for k, v in model.state_dict().items()}
        for error in (RuntimeError, KeyboardInterrupt):
            with mock.patch.object(_search, "percent_right", side_effect=error), self.assertRaises(error):
                expunge.torch.unlearn(model, retain, forget, inplace=True, search=True)
            for name, w in model.state_dict().items():
                self.assertTrue(torch.equal(w, before[name]), name)

    def test_refusals(self):
        (x, y), forget = sides()
        shuffled = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
        for text, retain, search in (
            ("retain gives images without labels", x, True),
            ("retain gives labels of type float32", (x, y.float()), True),
            ("another order", shuffled, True),
            ("holds none back", (x[:3], y[:3]), True),
            ("'alpha' is not searched", (x, y), {"alpha": [1]}),
            ("search is empty", (x, y), {}),
            ("alpha_f: the list is empty", (x, y), {"alpha_f": []}),
            ("alpha_r = -1", (x, y), {"alpha_r": [1, -1]}),
            ("validation = 2", (x, y), {"alpha_r": [1], "validation": 2}),
            ("a grid of 40000 points", (x, y), {"alpha_r": range(1, 201), "alpha_f": range(1, 201)}),
        ):
            with self.subTest(text), self.assertRaisesRegex(ValueError, text):
                expunge.torch.unlearn(linear(), retain, forget, search=search)
        with mock.patch.object(_search, "percent_right", return_value=float("nan")):
            with self.assertRaisesRegex(ValueError, "no trial gave a finite network"):
                expunge.torch.unlearn(linear(), (x, y), forget, search=True)


if __name__ == "__main__":
    unittest.main()

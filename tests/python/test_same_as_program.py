"""The same weights from expunge.torch as from `expunge unlearn`: same images, windows and rows."""

import json
import os
import subprocess
import tempfile
import unittest

import h5py
import numpy as np
import torch

import expunge.torch
import networks

PROGRAM = os.environ["EXPUNGE"]
LONG = bool(os.environ.get("EXPUNGE_LONG"))
CLASSES, FORGOTTEN = 4, 2
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


class Own(torch.nn.Module):
    """Groups, GELU, a residual, a gate."""

    def __init__(self, classes):
        super().__init__()
        nn = torch.nn
        self.stem, self.norm = nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16)
        self.grouped, self.down, self.up = nn.Conv2d(16, 16, 3, padding=1, groups=4), nn.Conv2d(16, 6, 1), nn.Conv2d(6, 16, 1)
        self.head = nn.Linear(16, classes)

    def forward(self, x):
        gelu = torch.nn.functional.gelu
        x = gelu(self.norm(self.stem(x)))
        y = self.grouped(x)
        x = x + y * self.up(self.down(y.mean((2, 3), keepdim=True)).relu()).sigmoid()
        return self.head(gelu(x).mean((2, 3)))


MAKERS = {
    "vgg11_bn": networks.vgg11_bn,
    "resnet18": networks.resnet18,
    "resnet18_imagenet": lambda classes: networks.resnet18(classes, imagenet=True),
    "resnet50_imagenet": lambda classes: networks.resnet50(classes, imagenet=True),
    "vit_b_16": networks.VisionTransformer,
    "vit_patch8_32_w48_d3_h3_m96": lambda classes: networks.VisionTransformer(classes, 32, 8, 48, 3, 3, 96),
}

OWN = {"own": Own}  # by a graph file


def images_of(n, size=32):
    """uint8 [n, 3, size, size] with structure of their class, and labels."""
    rng = np.random.default_rng(5)
    y = np.arange(n) % CLASSES
    coarse = rng.integers(0, 256, (CLASSES, 3, size // 8, size // 8)).repeat(8, 2).repeat(8, 3)
    x = 0.6 * coarse[y] + 0.4 * rng.integers(0, 256, (n, 3, size, size))
    return x.astype(np.uint8), y


class SameAsProgram(unittest.TestCase):
    def compare(self, arch, images, patches, size=32, **settings):
        model = networks.fill((MAKERS | OWN)[arch](CLASSES), 3)
        x, y = images_of(images, size)
        with tempfile.TemporaryDirectory() as folder:
            at = lambda name: os.path.join(folder, name)
            with h5py.File(at("d.h5"), "w") as f:
                for split in ("train", "test"):
                    f[split + "/images"], f[split + "/labels"] = x, y
                f.attrs["mean"], f.attrs["std"] = MEAN, STD
            torch.save(model.state_dict(), at("w.pt"))
            if arch in OWN:
                expunge.torch.export_graph(model, torch.zeros(1, 3, size, size), at("g.json"))
            command = [PROGRAM, "unlearn", "--arch", "graph:" + at("g.json") if arch in OWN else arch, "--weights", at("w.pt"), "--data", "hdf5:" + at("d.h5")]
            command += ["--forget", str(FORGOTTEN), "--method", "svd", "--seed", "7", "--json", "-o", at("out.pt")]
            command += [f"--set={k}={v}" for k, v in dict(retain_per_class=0, forget_samples=0, patches=patches, **settings).items()]
            done = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            theirs, said = torch.load(at("out.pt")), json.loads(done.stdout)
        scaled = (torch.from_numpy(x).float() / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        retain, forget = (scaled[torch.from_numpy(m)] for m in (y != FORGOTTEN, y == FORGOTTEN))
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(retain), batch_size=23)
        ours, report = expunge.torch.unlearn(model, loader, forget, patches=patches, seed=7, **settings)
        ours, before = ours.state_dict(), model.state_dict()
        self.assertEqual(list(ours), list(before))
        edited = 0
        for name, w in before.items():
            if not w.is_floating_point() or torch.equal(theirs[name], w):
                self.assertTrue(torch.equal(ours[name], w), name)
                continue
            # both differ by roundings of float32 in forward passes, which an edit takes over at about their own size, and
            # weights that are rounded to either side of a half differ by one unit in the last place: 2^-23 of the largest
            bound = 1e-4 * float((theirs[name] - w).abs().max()) + 2**-23 * float(w.abs().max())
            self.assertLessEqual(float((ours[name] - theirs[name]).abs().max()), bound, name)
            edited += 1
        self.assertEqual(edited, len(report["layers"]))
        self.assertEqual([r["name"] for r in report["layers"]], [r["name"] for r in said["layers"]])
        for mine, row in zip(report["layers"], said["layers"]):
            # Python has no numbers that would be of one group only
            of_one = {"rank_retain", "rank_forget", "forget_removed", "retain_removed"} if row["name"] == "grouped" else set()
            self.assertEqual(set(mine), set(row) - of_one)
            for key in set(mine) - {"name"}:
                self.assertLessEqual(abs(mine[key] - row[key]), 1e-3 * abs(row[key]) + 1e-9, (row["name"], key))

    @unittest.skipUnless(hasattr(torch, "export"), "torch.export is in PyTorch 2.1 and later")
    def test_own(self):
        for patches in ("all", "paper"):
            with self.subTest(patches):
                self.compare("own", 60, patches)

    def test_vgg(self):
        self.compare("vgg11_bn", 60, "paper", max_patches=150)

    def test_resnet(self):
        self.compare("resnet18", 24, "paper", max_patches=120)

    def test_resnet_of_torchvision(self):
        self.compare("resnet18_imagenet", 24, "paper", size=64, max_patches=120)

    def test_vision_transformer(self):
        self.compare("vit_patch8_32_w48_d3_h3_m96", 40, "paper", max_patches=200)
        self.compare("vit_patch8_32_w48_d3_h3_m96", 40, "all")

    @unittest.skipUnless(LONG, "long: make check-long")
    def test_all_patches(self):
        self.compare("vgg11_bn", 60, "all")
        self.compare("resnet18", 400, "paper")

    @unittest.skipUnless(LONG, "long: make check-long")
    def test_images_of_224(self):
        for arch in ("resnet18_imagenet", "resnet50_imagenet", "vit_b_16"):
            with self.subTest(arch):
                self.compare(arch, 40, "paper", size=224)


if __name__ == "__main__":
    unittest.main()

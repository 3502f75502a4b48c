"""expunge.torch.unlearn on networks that the program does not know: timm, transformers, torchvision, with random features and a trained head."""

import importlib
import os
import unittest
import warnings

import numpy as np
import torch
from torch import nn

import expunge.torch

LONG = bool(os.environ.get("EXPUNGE_LONG"))
CLASSES, FORGOTTEN, EACH = 3, 1, 20


class Logits(nn.Module):
    """A model of transformers, which answers with an object."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(pixel_values=x).logits


def timm_model(name, **settings):
    timm = importlib.import_module("timm")
    return timm.create_model(name, pretrained=False, num_classes=CLASSES, **settings), 32


def torchvision_model(name, size=32):
    return getattr(importlib.import_module("torchvision.models"), name)(num_classes=CLASSES), size


def transformers_vit():
    t = importlib.import_module("transformers")
    size = dict(hidden_size=48, num_hidden_layers=3, num_attention_heads=3, intermediate_size=96)
    config = t.ViTConfig(image_size=32, patch_size=8, num_labels=CLASSES, **size)
    return Logits(t.ViTForImageClassification(config)), 32


def transformers_resnet():
    t = importlib.import_module("transformers")
    config = t.ResNetConfig(embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1], layer_type="basic", num_labels=CLASSES)
    return Logits(t.ResNetForImageClassification(config)), 32


QUICK = {"transformers vit": transformers_vit, "transformers resnet": transformers_resnet}
SLOW = {
    "timm convnext_tiny": lambda: timm_model("convnext_tiny"),
    "timm efficientnet_b0": lambda: timm_model("efficientnet_b0"),
    "timm swin_tiny": lambda: timm_model("swin_tiny_patch4_window7_224", img_size=32, window_size=2),
    "timm mobilenetv3": lambda: timm_model("mobilenetv3_small_100"),
    "timm vit_tiny": lambda: timm_model("vit_tiny_patch16_224", img_size=32),
    "torchvision mobilenet_v3_small": lambda: torchvision_model("mobilenet_v3_small"),
    "torchvision convnext_tiny": lambda: torchvision_model("convnext_tiny"),
}


def images_of(size, seed):
    """Images whose classes are coarse patterns of their own, and labels."""
    g = torch.Generator().manual_seed(0)
    coarse = torch.randn(CLASSES, 3, 4, 4, generator=g).repeat_interleave(size // 4, 2).repeat_interleave(size // 4, 3)
    y = torch.arange(CLASSES * EACH) % CLASSES
    noise = torch.randn(len(y), 3, size, size, generator=torch.Generator().manual_seed(seed))
    return coarse[y] + 0.1 * noise, y


def last_linear(model):
    return [m for m in model.modules() if isinstance(m, nn.Linear)][-1]


def settle(model, x):
    """Statistics of batch norm from these images: without them random features vanish or explode."""
    for m in model.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            m.momentum = None
            m.reset_running_stats()
    model.train()
    for m in model.modules():
        if isinstance(m, nn.Dropout):
            m.eval()
    with torch.no_grad():
        model(x)
    return model.eval()


def train_head(model, x, y):
    """The last layer alone, by least squares on frozen features made equally large."""
    seen = []
    head = last_linear(model)
    hook = head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        model(x)
        hook.remove()
        features = seen[0].flatten(1).double()
        mean = features.mean(0)
        centred = features - mean
        gram = centred.T @ centred
        ridge = 1e-3 * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
        target = torch.nn.functional.one_hot(y, CLASSES).double() - 1 / CLASSES
        weight = torch.linalg.solve(gram + ridge, centred.T @ target).T
        head.weight.copy_(weight)
        head.bias.copy_(-(weight @ mean))
    return model


class Foreign(unittest.TestCase):
    def check(self, make):
        torch.manual_seed(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                model, size = make()
            except ImportError as error:
                self.skipTest(f"not here: {error}")
        x, y = images_of(size, 1)
        model = train_head(settle(model, x), x, y)
        tests, labels = images_of(size, 2)
        labels = labels.numpy()
        gone = labels == FORGOTTEN
        right = expunge.torch.logits(model, tests).argmax(1) == labels
        self.assertGreater(right[gone].mean(), 0.7)
        self.assertGreater(right[~gone].mean(), 0.7)
        before = {k: v.clone() for k, v in model.state_dict().items()}
        search = {"alpha_r": [100, 1000], "alpha_f": [10, 1000], "validation": 0.25}
        sides = [(x[m], y[m]) for m in (y != FORGOTTEN, y == FORGOTTEN)]
        forgot, report = expunge.torch.unlearn(model, *sides, search=search)
        self.assertGreater(len(report["layers"]), 3)
        logits = expunge.torch.logits(forgot, tests)
        self.assertTrue(np.isfinite(logits).all())
        right = logits.argmax(1) == labels
        self.assertEqual(right[gone].mean(), 0, report["search"])
        self.assertGreater(right[~gone].mean(), 0.6, report["search"])  # one answer for all would be right in half
        after = forgot.state_dict()
        self.assertEqual([(k, v.dtype, v.shape) for k, v in after.items()], [(k, v.dtype, v.shape) for k, v in before.items()])
        for name, w in model.state_dict().items():
            self.assertTrue(torch.equal(w, before[name]), name)


def case_of(name, make, slow):
    def run(self):
        self.check(make)

    run.__doc__ = name
    return unittest.skipUnless(LONG, "long: make check-long")(run) if slow else run


for models, slow in ((QUICK, False), (SLOW, True)):
    for name, make in models.items():
        setattr(Foreign, "test_" + name.replace(" ", "_"), case_of(name, make, slow))


if __name__ == "__main__":
    unittest.main()

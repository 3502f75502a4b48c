"""expunge.torch.export_graph: what is written computes what the model does, here and in the program."""

import json
import os
import random
import subprocess
import tempfile
import unittest
from unittest import mock

import h5py
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import expunge.torch
import graphs
import networks

try:
    import transformers
except ImportError:
    transformers = None

PROGRAM = os.environ["EXPUNGE"]
LONG = bool(os.environ.get("EXPUNGE_LONG"))
CLASSES = 4


class Gate(nn.Module):
    """Squeeze and excitation."""

    def __init__(self, width, squeezed, last):
        super().__init__()
        self.down, self.up, self.last = nn.Conv2d(width, squeezed, 1), nn.Conv2d(squeezed, width, 1), last

    def forward(self, x):
        return self.last(self.up(F.relu(self.down(F.adaptive_avg_pool2d(x, 1))))) * x


class Own(nn.Module):
    """GELU, groups, a residual, a gate, channels put together."""

    def __init__(self, gate=nn.Sigmoid()):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding="same", bias=False), nn.BatchNorm2d(16, eps=1e-3, momentum=0.01), nn.GELU())
        self.wide = nn.Conv2d(16, 16, (1, 3), padding=(0, 1), groups=4)
        self.tall = nn.Conv2d(16, 16, 3, padding=2, dilation=2, groups=16)
        self.gate = Gate(16, 6, gate)
        self.norm = nn.GroupNorm(4, 32)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(32, 20), nn.Tanh(), nn.Linear(20, CLASSES, bias=False))

    def forward(self, x):
        x = self.stem(x)
        x = x + self.gate(self.tall(F.silu(self.wide(x))))
        x = self.norm(torch.cat([x, F.max_pool2d(x, 3, 1, 1)], 1))
        return self.head(x.mean((2, 3)))


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.relu = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3), nn.ReLU(inplace=True)
        self.fc = nn.Linear(8 * 25, CLASSES)
        self.pad = nn.ZeroPad2d(1)

    def forward(self, x):
        y = self.a(x)
        z = self.b(self.pad(y))[:, :, :, :]
        z = F.avg_pool2d(z, 2)
        y = F.adaptive_avg_pool2d(y, z.shape[-2:])
        y += z
        self.relu(y)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(y, (5, 5)), 1))


class Lopsided(nn.Module):
    """TensorFlow's padding, as timm and others write it."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.even = nn.Conv2d(3, 8, 3, 2), nn.Conv2d(8, 8, 5, padding=1, groups=8), nn.Conv2d(8, 8, (2, 4), padding="same")
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = F.relu(self.a(F.pad(x, (0, 1, 1, 2))))
        x = self.even(F.relu(self.b(F.pad(x, [2, 0, 1, 1]))))
        return self.fc(F.pad(x, (0, 0, 0, 0)).mean((2, 3)))


class Normalises(nn.Module):
    """Its first step is the normalisation of its images."""

    def __init__(self, kept=True):
        super().__init__()
        self.other = nn.Linear(3, 2)  # that nothing uses
        self.register_buffer("mean", torch.tensor([0.5, 0.4, 0.3])[:, None, None], persistent=kept)
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Hardswish(), nn.Flatten(), nn.Linear(8 * 36, CLASSES))

    def forward(self, x):
        return self.body((x - self.mean) / torch.tensor([0.2, 0.25, 0.5]).view(1, 3, 1, 1))


class ConvNeXtBlock(nn.Module):
    def __init__(self, width, shape):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width, eps=1e-6)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.rand(shape))

    def forward(self, x):
        y = self.down(F.gelu(self.up(self.norm(self.conv(x).permute(0, 2, 3, 1)))))
        if self.scale.ndim == 1:
            return x + (self.scale * y).permute(0, 3, 1, 2)
        return x + y.permute(0, 3, 1, 2) * self.scale


class ConvNeXt(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.stem, self.block, self.head = nn.Conv2d(3, 12, 4, 4), ConvNeXtBlock(12, shape or (12, 1, 1)), nn.Linear(12, CLASSES)

    def forward(self, x):
        return self.head(self.block(self.stem(x)).mean([-2, -1]))


class Attention(nn.Module):
    """By hand, as timm writes it: one layer for queries, keys and values."""

    def __init__(self, width, heads, how):
        super().__init__()
        self.qkv, self.proj, self.heads, self.how = nn.Linear(width, 3 * width), nn.Linear(width, width), heads, how

    def forward(self, x):
        n, T, E = x.shape
        d = E // self.heads
        if self.how == "chunks":
            q, k, v = (t.view(n, T, self.heads, d).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        else:
            q, k, v = self.qkv(x).reshape(n, T, 3, self.heads, d).permute(2, 0, 3, 1, 4).unbind(0)
        if self.how == "fused":
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q * d**-0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(n, T, E))


class Transformer(nn.Module):
    def __init__(self, how="fused", pooled=False):
        super().__init__()
        self.patch = nn.Conv2d(3, 24, 8, 8)
        self.cls_token = None if pooled else nn.Parameter(torch.randn(1, 1, 24))
        self.pos_embed = nn.Parameter(torch.randn(1, 16 if pooled else 17, 24))
        self.norm, self.attn, self.gamma = nn.LayerNorm(24), Attention(24, 3, how), nn.Parameter(torch.rand(24))
        self.head = nn.Linear(24, CLASSES)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        if self.cls_token is not None:
            x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1)
        x = x + self.pos_embed
        x = x + self.attn(self.norm(x)) * self.gamma
        return self.head(x.mean(1) if self.cls_token is None else x[:, 0])


class Distilled(Transformer):
    """DeiT: a second token, which a teacher was heard by, with a classifier of its own."""

    def __init__(self):
        super().__init__()
        self.dist_token, self.head_dist = nn.Parameter(torch.randn(1, 1, 24)), nn.Linear(24, CLASSES)
        self.pos_embed = nn.Parameter(torch.randn(1, 18, 24))

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        tokens = [token.expand(x.shape[0], -1, -1) for token in (self.cls_token, self.dist_token)]
        x = torch.cat([*tokens, x], dim=1) + self.pos_embed
        x = x + self.attn(self.norm(x)) * self.gamma
        return (self.head(x[:, 0]) + self.head_dist(x[:, 1])) / 2


class TokensFirst(nn.Module):
    """nn.MultiheadAttention with tokens before images, in a layer of torch's own."""

    def __init__(self):
        super().__init__()
        self.patch, self.head = nn.Conv2d(3, 24, 8, 8), nn.Linear(24, CLASSES)
        self.cls, self.pos = nn.Parameter(torch.randn(1, 1, 24)), nn.Parameter(torch.randn(1, 17, 24))
        self.layer = nn.TransformerEncoderLayer(24, 4, 48, activation="gelu", norm_first=True)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), 1, 24), x], dim=1) + self.pos
        return self.head(self.layer(x.transpose(0, 1))[0])


def activations(every=True):
    functions = [nn.SiLU(), nn.Hardswish(), nn.Hardsigmoid(), nn.ReLU6(), nn.LeakyReLU(0.1), nn.GELU("tanh"), nn.Tanh(), nn.Sigmoid(), nn.ReLU()]
    slopes = [nn.PReLU(), nn.PReLU(8)] if every else []
    head = [nn.MaxPool2d(3, 2, 1), nn.AdaptiveAvgPool2d((3, 5)), nn.Flatten(), nn.Linear(120, 16), nn.BatchNorm1d(16), nn.Linear(16, CLASSES)]
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), *functions, *slopes, *head)


def shaken(model):
    """Norms, slopes and statistics that differ from their start."""
    torch.manual_seed(1)
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)):
                nn.init.uniform_(parameter, 0.5, 1.5)
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model


def of_transformers(kind, how="", **settings):
    """A network of transformers with random weights."""
    config = getattr(transformers, kind + "Config")(num_labels=CLASSES, **settings)
    return getattr(transformers, f"{kind}ForImageClassification{how}")(config)


VIT = dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=96, image_size=32, patch_size=8)
# model, side of its images
MODELS = {
    "own": (Own, 16),
    "own, hard gate": (lambda: Own(nn.Hardsigmoid()), 17),
    "in place": (InPlace, 21),
    "activations": (activations, 12),
    "ConvNeXt": (ConvNeXt, 16),
    "vgg11_bn": (lambda: networks.vgg11_bn(CLASSES), 32),
    "resnet18": (lambda: networks.resnet18(CLASSES), 16),
    "resnet50": (lambda: networks.resnet50(CLASSES, imagenet=True), 32),
    "ViT": (lambda: networks.VisionTransformer(CLASSES, 32, 8, 48, 2, 3, 96), 32),
    "attention, fused": (Transformer, 32),
    "attention, by hand": (lambda: Transformer("by hand"), 32),
    "attention, chunks": (lambda: Transformer("chunks"), 32),
    "tokens that are pooled": (lambda: Transformer(pooled=True), 32),
    "two tokens": (Distilled, 32),
    "tokens first": (TokensFirst, 32),
    "layer scale [C]": (lambda: ConvNeXt(12), 16),
    "padded, and all from the end": (lambda: Between(lambda s, x: pixels(s.valid(around(x.double().type_as(x))))[:, -36:].mean(1)), 8),
    "layer scale [1, C, 1, 1]": (lambda: ConvNeXt(1, 12, 1, 1), 16),
    "padded on one side": (Lopsided, 13),
    "Swin": (lambda: networks.Swin(CLASSES, 12, 2, (2, 2), 3), 36),
    "Swin, one window": (lambda: networks.Swin(CLASSES, 8, 2, (2, 2), 4), 29),
    "Swin-T": (lambda: networks.Swin(CLASSES, 96, 3, (2, 2, 6, 2), 7), 224),
    "normalises": (Normalises, 8),
    "normalises, by numbers": (lambda: Normalises(False), 8),
}
if transformers is not None:
    MODELS |= {
        "transformers' ViT": (lambda: of_transformers("ViT", **VIT), 32),
        "transformers' ViT, eager": (lambda: of_transformers("ViT", **VIT, attn_implementation="eager"), 32),
        "transformers' DeiT, two tokens": (lambda: of_transformers("DeiT", "WithTeacher", **VIT), 32),
        "transformers' ResNet": (lambda: of_transformers("ResNet", embedding_size=8, hidden_sizes=[8, 16], depths=[1, 2]), 32),
        "transformers' ConvNeXt": (lambda: of_transformers("ConvNext", hidden_sizes=[8, 16], depths=[1, 2], num_stages=2), 32),
        "transformers' RegNet": (
            lambda: of_transformers("RegNet", embedding_size=8, hidden_sizes=[8, 16], depths=[1, 2], groups_width=4, layer_type="y"),
            32,
        ),
    }


# the others only in the long tier
QUICK = {"own", "in place", "activations", "padded, and all from the end"}
QUICK |= {"padded on one side", "Swin", "two tokens", "tokens that are pooled", "tokens first", "normalises", "transformers' ViT"}


class Shuffles(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.next, self.fc = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 1), nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.conv(x)
        x = x.view(len(x), 2, 4, 6, 6).transpose(1, 2).reshape(len(x), 8, 6, 6)
        return self.fc(self.next(x).mean((2, 3)))


class Adds(Shuffles):
    def forward(self, x):
        return self.fc((self.conv(x) * 0.5 + 1).mean((2, 3)))


class Branches(Shuffles):
    def forward(self, x):
        x = self.conv(x)
        return self.fc((x if x.sum() > 0 else -x).mean((2, 3)))


class BothWays(Shuffles):
    def forward(self, x):
        return self.fc((self.conv(x) + self.conv.forward((x - 0.5) / 0.25)).mean((2, 3)))


class Between(Shuffles):
    """Something between the convolution and the mean over the pixels, or before the first layer."""

    def __init__(self, what):
        super().__init__()
        self.what, self.valid = what, nn.Conv2d(8, 8, 3)

    def forward(self, x):
        return self.fc(self.what(self, self.conv(x)))


def around(x):
    return F.pad(x, (1, 1, 1, 1))


def pixels(x):
    return x.flatten(2).transpose(1, 2)


# what Between does, and the reason why a graph file cannot
OTHERWISE = (
    (lambda s, x: s.valid(F.relu6(around(x))).mean((2, 3)), "valid .Conv2d.: its input is padded and then changed"),
    (lambda s, x: s.valid(around(x) * 0.1).mean((2, 3)), "valid .Conv2d.: its input is padded and then changed"),
    (lambda s, x: s.valid(around(x)[:, :, :6, :6]).mean((2, 3)), "zeros around it 1 1"),
    (lambda s, x: F.pad(x, (1, 0)).mean((2, 3)), "zeros around it 0 0 1 0"),
    (lambda s, x: F.pad(x, (1, -1)).mean((2, 3)), r"padding \[1, -1\] is no"),
    (lambda s, x: F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 0)).mean((1, 2)), r"padding \[1, 0\] is no"),
    (lambda s, x: s.valid(x.roll((1, 1), (2, 3))).mean((2, 3)), "a map that was rolled is used other than in windows"),
    (lambda s, x: x.roll(1, 1).mean((2, 3)), "a roll of other than all rows or columns"),
    (lambda s, x: torch.cat([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)], 1).mean((2, 3))[:, :8], "other than in a patch merging"),
    (lambda s, x: x[:, :, :5].mean((2, 3)), "a part of a map is no"),
    (lambda s, x: pixels(x)[:, -1:].mean(1), "a part of a map is no"),
    (lambda s, x: pixels(x)[:, -1], "a part of a map is no"),
    (lambda s, x: pixels(x)[:, ::2].mean(1), "a slice with a step"),
    (lambda s, x: x[:, :, ::2, ::2].mean((2, 3)), "a slice with a step"),
    (lambda s, x: x.long().float().mean((2, 3)), r"a conversion to torch\.int64"),
    (lambda s, x: x.to(torch.uint8).type_as(x).mean((2, 3)), r"a conversion to torch\.uint8"),
    (lambda s, x: x.bool().float().mean((2, 3)), r"a conversion to torch\.bool"),
)


class TwoNames(Shuffles):
    """Of two names, the state dict's second would undo what was done to the first."""

    def __init__(self):
        super().__init__()
        self.same = self.conv

    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))


class Masked(Shuffles):
    def attend(self, x):
        return F.scaled_dot_product_attention(x, x, x, attn_mask=torch.ones(36, 36).tril().bool())

    def forward(self, x):
        x = self.conv(x).flatten(2).transpose(1, 2).unsqueeze(1)
        return self.fc(self.attend(x).squeeze(1).mean(1))


class Scaled(Masked):
    def __init__(self):
        super().__init__()
        self.pos = nn.Parameter(torch.zeros(1, 36, 8))

    def forward(self, x):
        x = self.conv(x).flatten(2).transpose(1, 2) + self.pos
        return self.fc(F.scaled_dot_product_attention(*[x[:, None]] * 3, scale=1.0)[:, 0].mean(1))


def without_dropout(nodes):
    """Decomposed graphs have none."""
    before, kept = {}, []
    for node in nodes:
        inputs = [before.get(i, i) for i in node.get("inputs", [])]
        if node["op"] == "dropout":
            before[node["name"]] = inputs[0]
        else:
            kept.append({**node, "inputs": inputs} if inputs else node)
    return kept


def logits(model, x):
    with torch.no_grad():
        answer = model.eval()(x)
    return answer if isinstance(answer, torch.Tensor) else answer["logits"]


@unittest.skipUnless(hasattr(torch, "export"), "torch.export is in PyTorch 2.1 and later")
class Exported(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def at(self, name):
        return os.path.join(self.folder, name)

    def export(self, model, side):
        graph = expunge.torch.export_graph(model, torch.zeros(1, 3, side, side), self.at("graph.json"))
        with open(self.at("graph.json")) as file:
            self.assertEqual(json.load(file), graph)
        return graph

    def run_program(self, *command):
        done = subprocess.run([PROGRAM, *command, "--quiet"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def data(self, side, n=24, **attributes):
        """A data set as HDF5, and its images as a model gets them."""
        rng = np.random.default_rng(3)
        images, labels = rng.integers(0, 256, (n, 3, side, side), dtype=np.uint8), np.arange(n) % CLASSES
        with h5py.File(self.at("data.h5"), "w") as file:
            for split in ("train", "test"):
                file[split + "/images"], file[split + "/labels"] = images, labels
            file.attrs.update(attributes)
        x = torch.from_numpy(images).float() / 255
        for key, change in (("mean", torch.sub), ("std", torch.div)):
            if key in attributes:
                x = change(x, torch.tensor(attributes[key])[:, None, None])
        return x

    def of_program(self, arch):
        self.run_program("predict", "--arch", arch, "--weights", self.at("w.pt"), "--data", "hdf5:" + self.at("data.h5"),
                         "--split", "test", "-o", self.at("logits.h5"))  # fmt: skip
        with h5py.File(self.at("logits.h5")) as file:
            return torch.from_numpy(file["logits"][:])

    def assertNear(self, got, want, share):
        self.assertLess(float((got - want).abs().max()), share * float(want.abs().max()))

    def test_same_numbers(self):
        """As PyTorch computes the file, and as the program does."""
        for name, (make, side) in MODELS.items():
            if not LONG and name not in QUICK:
                continue
            with self.subTest(name):
                torch.manual_seed(0)
                model = shaken(make())
                x = self.data(side, **({} if name.startswith("normalises") else {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.25, 0.3)}))
                graph = self.export(model, side)
                self.assertEqual(graph["classes"], CLASSES)
                torch.save(model.state_dict(), self.at("w.pt"))
                want = logits(model, x)
                self.assertNear(graphs.evaluate(graph, model.state_dict(), x), want, 1e-5)
                self.assertNear(self.of_program("graph:" + self.at("graph.json")), want, 1e-4)

    def test_unlearned(self):
        """The program edits what the graph names; keys, order, types and all other bits stay."""
        for name, dtype in (("own", torch.float32), ("normalises", torch.float32), ("attention, by hand", torch.float16)):
            with self.subTest(name):
                torch.manual_seed(0)
                make, side = MODELS[name]
                model = shaken(make()).to(dtype)
                graph = self.export(model, side)
                self.assertEqual(graph.get("unused"), ["mean", "other.weight", "other.bias"] if name == "normalises" else None)
                self.data(side, 60)
                torch.save(model.state_dict(), self.at("w.pt"))
                said = json.loads(self.run_program(
                    "unlearn", "--arch", "graph:" + self.at("graph.json"), "--weights", self.at("w.pt"), "--data", "hdf5:" + self.at("data.h5"),
                    "--forget", "1", "--method", "svd", "--json", "-o", self.at("out.pt")))  # fmt: skip
                before, after = model.state_dict(), torch.load(self.at("out.pt"))
                self.assertEqual([(k, t.dtype, t.shape) for k, t in before.items()], [(k, t.dtype, t.shape) for k, t in after.items()])
                changed = {k for k, t in before.items() if not torch.equal(t, after[k])}
                layers = {n + ".weight" for n, m in model.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and n != "other"}
                self.assertEqual(changed, layers)
                self.assertEqual({row["name"] + ".weight" for row in said["layers"]}, layers)

    def test_decomposed(self):
        """Operations as older versions of torch export them: the same files."""
        for name in ("activations", "tokens first", "own", "attention, by hand", "attention, fused")[: 5 if LONG else 2]:
            with self.subTest(name):
                torch.manual_seed(0)
                make, side = MODELS[name]
                model = shaken(activations(False) if name == "activations" else make())
                whole = self.export(model, side)
                traced = expunge._export._traced
                with mock.patch.object(expunge._export, "_traced", lambda *a: traced(*a).run_decompositions()):
                    parts = self.export(model, side)
                self.assertEqual(parts, {**whole, "nodes": without_dropout(whole["nodes"])})

    def test_refused(self):
        """One sentence with the module, the reason and the way on, and no file."""
        one = lambda *layers: nn.Sequential(nn.Conv2d(3, 8, 3), *layers, nn.Flatten(), nn.Linear(8 * 36, CLASSES))
        normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 1))
        twice = nn.Conv2d(8, 8, 1)
        for model, wanted in (
            (one(nn.Mish()), r"1 \(Mish\): aten.mish is no operation of graph files"),
            (one(nn.Sequential(nn.ReLU(), nn.Softmax(1))), r"1\.1 \(Softmax\): a softmax outside of an attention"),
            (one(nn.InstanceNorm2d(8)), r"1 \(InstanceNorm2d\): aten.instance_norm is no"),
            (one(nn.BatchNorm2d(8, track_running_stats=False)), r"1 \(BatchNorm2d\): it uses the statistics of each batch"),
            (one(nn.BatchNorm2d(8, affine=False)), "without weight and bias"),
            (one(normed), r"1.parametrizations.weight.0 \(_WeightNorm\): aten._weight_norm is no"),
            (one(twice, nn.ReLU(), twice), "1 is used twice"),
            (one(nn.ConvTranspose2d(8, 8, 1)), r"1 \(ConvTranspose2d\): a transposed convolution"),
            (one(nn.MaxPool2d((3, 1), 1, (1, 0))), r"kernel_size \[3, 1\]: must be the same"),
            (one(nn.ReflectionPad2d(1), nn.Conv2d(8, 8, 3)), "pad"),
            (one(nn.ChannelShuffle(2)), "channel"),
            (one(nn.Conv2d(8, 8, 3, (2, 1), (4, 1))), r"stride \[2, 1\]: must be the same"),
            (Shuffles(), "the channels of its input are not in dimension 1"),
            (Adds(), "the model's own forward: .* is no activation"),
            (Branches(), "torch.export cannot follow the model"),
            (Masked(), "an attention with a mask or a bias"),
            (Scaled(), "an attention with the scale 1 in place of 1/sqrt"),
            (nn.Sequential(nn.Conv2d(3, CLASSES, 3)), "shape"),
            (BothWays(), "images are used both as they come and normalised"),
            (TwoNames(), "conv.weight is also called same.weight"),
            *((Between(what), reason) for what, reason in OTHERWISE),
        ):
            with self.subTest(wanted):
                with self.assertRaisesRegex(ValueError, wanted) as caught:
                    self.export(model, 8)
                self.assertIsInstance(caught.exception, expunge.Error)
                self.assertNotIn("\n", str(caught.exception))
                self.assertEqual(os.listdir(self.folder), [], "a file was written")
        for example in (None, torch.zeros(3, 8, 8), torch.zeros(0, 3, 8, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)):
            with self.assertRaisesRegex(ValueError, "^example is "):
                expunge.torch.export_graph(one(), example, self.at("graph.json"))
        with self.assertRaisesRegex(ValueError, "^model is of type int"):
            expunge.torch.export_graph(3, torch.zeros(1, 3, 8, 8), self.at("graph.json"))
        with self.assertRaises(FileNotFoundError):
            expunge.torch.export_graph(one(), torch.zeros(1, 3, 8, 8), self.at("none/graph.json"))

    def test_windows_refused(self):
        """What windows of torchvision's kind would not compute."""

        class Unmasked(networks.ShiftedWindowAttention):
            def forward(self, x):
                with mock.patch.object(torch.Tensor, "masked_fill", lambda mask, *a: mask * 0.0):
                    return super().forward(x)

        class Unequal(networks.ShiftedWindowAttention):
            def forward(self, x):
                with mock.patch.object(torch.Tensor, "masked_fill", lambda mask, *a: mask * -100.0):
                    return super().forward(x)

        class Drawn(networks.ShiftedWindowAttention):
            def forward(self, x):
                def filled(mask, where, value):
                    return torch.where(where, torch.full_like(mask, value), mask) + 3.0 * torch.eye(mask.shape[-1])

                with mock.patch.object(torch.Tensor, "masked_fill", filled):
                    return super().forward(x)

        for change, wanted in (
            (lambda block: block.attn.relative_position_index.copy_(block.attn.relative_position_index.flip(0)), "is no table of the relative"),
            (lambda block: setattr(block.attn, "__class__", Unmasked), "rolled ones without a mask"),
            (lambda block: setattr(block.attn, "__class__", Unequal), "a mask of what was apart before"),
            (lambda block: setattr(block.attn, "__class__", Drawn), "a mask of what was apart before"),
        ):
            with self.subTest(wanted):
                model = shaken(networks.Swin(CLASSES, 12, 2, (2,), 3))
                change(model.features[1][1])
                with self.assertRaisesRegex(ValueError, r"features\.1\.1\.attn .*" + wanted):
                    self.export(model, 36)

    def test_read_back(self):
        """What the program refuses is said, and the file that was there stays."""
        with open(self.at("graph.json"), "w") as file:
            file.write("before")
        failing = subprocess.CompletedProcess([], 1, "", "expunge: nodes[0]: no\n")
        with mock.patch.object(subprocess, "run", lambda *a, **b: failing), self.assertRaisesRegex(ValueError, r"the graph: nodes\[0\]: no; expunge"):
            self.export(Own(), 16)
        with open(self.at("graph.json")) as file:
            self.assertEqual(file.read(), "before")
        self.assertEqual(os.listdir(self.folder), ["graph.json"])

    def test_compared(self):
        """What the library computes otherwise than the model is said, whatever the reason, and no file is written."""
        right = expunge._export._translated
        changes = (
            (lambda node: node.update(op="silu") if node["op"] == "gelu" else None, "the graph would not compute what the model does: logits"),
            (lambda node: node["attributes"].update(num_groups=2) if node["op"] == "group_norm" else None, "would not compute"),
            (lambda node: node["attributes"].update(out_channels=8) if node["name"] == "gate.down" else None, "the library does not take the graph"),
        )
        for change, wanted in changes:

            def wrong(*a):
                graph = right(*a)
                for node in graph["nodes"]:
                    change(node)
                return graph

            with self.subTest(wanted), mock.patch.object(expunge._export, "_translated", wrong):
                with self.assertRaisesRegex(ValueError, wanted) as caught:
                    self.export(shaken(Own()), 16)
                self.assertNotIn("\n", str(caught.exception))
                self.assertEqual(os.listdir(self.folder), [], "a file was written")
                self.export(Own().half(), 16)  # too coarse to be compared
                os.remove(self.at("graph.json"))
        self.export(shaken(Own()).double(), 16)
        self.export(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 36, CLASSES)), 8)

    def test_model_stays(self):
        """Modes, hooks, numbers, flags and random states are as they were; wrapped models are looked through."""
        model = Own().train()
        model.stem.eval()
        calls = []
        model.norm.register_forward_hook(lambda *a: calls.append(1))
        modes, hooks = [m.training for m in model.modules()], list(model.norm._forward_hooks)
        before = {k: t.clone() for k, t in model.state_dict().items()}
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.manual_seed(5), np.random.seed(5), random.seed(5)
        states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
        graph = self.export(nn.DataParallel(model), 16)
        self.assertTrue(torch.equal(states[0], torch.get_rng_state()))
        self.assertEqual(states[1:], (np.random.get_state()[1].tolist(), random.getstate()))
        self.assertEqual(modes, [m.training for m in model.modules()])
        self.assertEqual(hooks, list(model.norm._forward_hooks))
        self.assertTrue(all(p.grad is None and p.requires_grad for p in model.parameters()))
        self.assertEqual(fast, torch.backends.mha.get_fastpath_enabled())
        self.assertTrue(torch.is_grad_enabled())
        self.assertTrue(all(torch.equal(t, before[k]) for k, t in model.state_dict().items()))
        self.assertEqual(list(model.state_dict()), list(before))
        self.assertEqual([n["name"] for n in graph["nodes"] if n["op"] == "conv2d"], ["stem.0", "wide", "tall", "gate.down", "gate.up"])
        self.assertNotIn("normalize", graph)


if __name__ == "__main__":
    unittest.main()

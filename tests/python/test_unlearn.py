"""expunge.torch.unlearn: against rows cut out one by one and the formula in float64; wrappings, types, states, loaders, refusals."""

import copy
import itertools
import os
import random
import tempfile
import unittest
import warnings
from unittest import mock

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

import expunge
import expunge.torch
from test_edit import formula


class Odd(nn.Module):
    """Layers of every kind."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=(1, 0))
        self.deep = nn.Conv2d(4, 8, (2, 3), padding=2, dilation=2, groups=2)
        self.round = nn.Conv2d(8, 4, 3, padding=1, padding_mode="circular")
        self.cube = nn.Conv3d(1, 2, 2)
        self.line = nn.Conv1d(2, 6, 2, padding="same")
        self.twice = nn.Linear(6, 6)
        self.att = nn.MultiheadAttention(6, 2, batch_first=True)
        self.cross = nn.MultiheadAttention(6, 2, kdim=4, vdim=4)
        self.mixed = nn.MultiheadAttention(6, 2, batch_first=True)
        self.scale = nn.Parameter(torch.randn(6, 6))
        self.unused = nn.Linear(2, 2)
        self.norm = nn.LayerNorm(6)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = self.round(F.gelu(self.deep(torch.tanh(self.conv(x)))))
        tokens = x.flatten(2).transpose(1, 2)  # [n, t, 4]
        x = torch.tanh(self.cube(x.unsqueeze(1))).flatten(2)  # [n, 2, t]
        x = self.twice(F.gelu(self.line(x).transpose(1, 2)))  # [n, t, 6]
        x = self.twice(torch.tanh(x[:, ::2]))
        x = x + self.att(x, x, x)[0]
        x = self.cross(x.transpose(0, 1), tokens.transpose(0, 1), tokens.transpose(0, 1))[0].transpose(0, 1)
        x = self.norm(x @ self.scale + self.mixed(x, x * 2, x)[0])
        return self.head(x.mean(1))


def heads(module, q, k, v):
    """What attention [n, t, e] gives its output projection, from the formula of Vaswani et al., eq. 1."""
    e = module.embed_dim
    if module.in_proj_weight is not None:
        weights = module.in_proj_weight.chunk(3)
    else:
        weights = module.q_proj_weight, module.k_proj_weight, module.v_proj_weight
    q, k, v = (x @ w.T + b for x, w, b in zip((q, k, v), weights, module.in_proj_bias.chunk(3)))
    out = []
    for q1, k1, v1 in zip(*(x.split(e // module.num_heads, -1) for x in (q, k, v))):
        out.append(torch.softmax(q1 @ k1.transpose(1, 2) / q1.shape[-1] ** 0.5, -1) @ v1)
    return torch.cat(out, -1)


def cut(module, x):
    """Every patch of a convolution's inputs as a row, of each group: [groups][rows, channels * kernel]."""
    kernel, stride, dilation = module.kernel_size, module.stride, module.dilation
    if module.padding_mode != "zeros":
        x = F.pad(x, [p for p in reversed(module.padding) for _ in (0, 1)], mode=module.padding_mode)
    elif module.padding == "same":
        x = F.pad(x, [a for d, k in zip(reversed(dilation), reversed(kernel)) for a in (d * (k - 1) // 2, (d * (k - 1) + 1) // 2)])
    else:
        x = F.pad(x, [p for p in reversed(module.padding) for _ in (0, 1)])
    out = [range(0, s - d * (k - 1), t) for s, k, t, d in zip(x.shape[2:], kernel, stride, dilation)]
    rows = []
    for at in itertools.product(*out):
        index = tuple(slice(a, a + d * (k - 1) + 1, d) for a, k, d in zip(at, kernel, dilation))
        rows.append(x[(slice(None), slice(None), *index)])
    return [g.flatten(1).numpy() for g in torch.cat(rows).chunk(module.groups, 1)]


def naive_rows(model, images):
    """{(name of the parameter, first row, end): X} of a model in float64."""
    found = {}

    def keep(name, first, end, x):
        found.setdefault((name, first, end), []).append(np.asarray(x))

    def hook(name):
        def run(module, args, kwargs, output):
            if isinstance(module, nn.MultiheadAttention):
                q, k, v = args
                if not module.batch_first:
                    q, k, v = (x.transpose(0, 1) for x in args)
                keep(name + ".out_proj.weight", 0, 6, heads(module, q, k, v).reshape(-1, 6))
                if module.in_proj_weight is None:
                    for x, part in ((q, "q"), (k, "k"), (v, "v")):
                        keep(f"{name}.{part}_proj_weight", 0, 6, x.reshape(-1, x.shape[-1]))
                elif args[0] is args[1]:
                    keep(name + ".in_proj_weight", 0, 18, q.reshape(-1, 6))
                else:
                    for i, x in enumerate((q, k, v)):
                        keep(name + ".in_proj_weight", 6 * i, 6 * i + 6, x.reshape(-1, 6))
            elif isinstance(module, nn.Linear):
                keep(name + ".weight", 0, len(module.weight), args[0].reshape(-1, args[0].shape[-1]))
            elif hasattr(module, "kernel_size"):
                size = len(module.weight) // module.groups
                for g, x in enumerate(cut(module, args[0])):
                    keep(name + ".weight", g * size, g * size + size, x)

        return run

    hooks = [m.register_forward_hook(hook(n), with_kwargs=True) for n, m in model.named_modules() if n]
    with torch.no_grad():
        model(images)
    [h.remove() for h in hooks]
    return {key: np.concatenate(x) for key, x in found.items()}


def images(n, shift=0.0, size=9):
    g = torch.Generator().manual_seed(n)
    return torch.randn(n, 3, size, size, generator=g) + shift


def small():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 81, 5))


def same(test, a, b, exactly=True):
    for name, x in a.items():
        if exactly:
            test.assertTrue(torch.equal(x, b[name]), name)
        else:
            torch.testing.assert_close(x, b[name], rtol=0, atol=1e-5)


class Unlearn(unittest.TestCase):
    def check_formula(self):
        torch.manual_seed(0)
        model = Odd().eval()
        retain, forget = images(14), images(5, 1.0)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using padding='same'")
            got, report = expunge.torch.unlearn(model, retain, DataLoader(forget, batch_size=2), patches="all")
        wide = copy.deepcopy(model).double()
        x_r, x_f = naive_rows(wide, retain.double()), naive_rows(wide, forget.double())
        want = {name: p.detach().double().numpy().copy() for name, p in model.named_parameters()}
        for (name, first, end), rows in x_r.items():
            w = want[name][first:end]
            w[...] = formula(w.reshape(end - first, -1), rows, x_f[name, first, end]).reshape(w.shape)
        edited = {name for name, _, _ in x_r}
        self.assertEqual(len(edited), 15)
        for name, p in got.named_parameters():
            # as in test_edit.py, with inputs that passed through ten layers in float32: each adds roundings of its size
            np.testing.assert_allclose(p.detach().numpy(), want[name], atol=1e-4, rtol=0, err_msg=name)
            self.assertEqual(torch.equal(p, dict(model.named_parameters())[name]), name not in edited, name)
        self.assertEqual(set(report["not_edited"]), {"scale", "unused"})
        self.assertIn("outside of a layer", report["not_edited"]["scale"])
        names = [row["name"] for row in report["layers"]]
        self.assertEqual(names[:6], ["conv", "deep", "round", "cube", "line", "twice"])
        self.assertEqual(names[6:8], ["att.in_proj", "att.out_proj"])
        self.assertIn("mixed.in_proj (key)", names)
        rows = {row["name"]: row for row in report["layers"]}
        self.assertEqual(rows["twice"]["n_retain"], len(x_r["twice.weight", 0, 6]))
        ratio = rows["conv"]["trace_retain"] / (np.sum(x_r["conv.weight", 0, 4] ** 2) / rows["conv"]["n_retain"])
        self.assertAlmostEqual(ratio, 1, places=5)

    def test_formula(self):
        self.check_formula()

    def test_formula_sums_in_torch(self):
        with mock.patch.object(expunge.torch, "on_device", lambda _: True):
            self.check_formula()

    def test_fused(self):
        """torch computes a block of a transformer at once in eval mode, unless it is asked not to."""
        torch.manual_seed(0)
        block = nn.TransformerEncoderLayer(12, 2, 24, batch_first=True)
        model = nn.Sequential(nn.Flatten(2), nn.Linear(81, 12), block, nn.Flatten(), nn.Linear(36, 4))
        _, report = expunge.torch.unlearn(model, images(10), images(4))
        names = [row["name"] for row in report["layers"]]
        self.assertEqual(names, ["1", "2.self_attn.in_proj", "2.self_attn.out_proj", "2.linear1", "2.linear2", "4"])
        self.assertEqual(report["not_edited"], {})

    def test_sources(self):
        model, retain, forget = small(), images(70), images(30, 0.5)
        settings = dict(max_patches=400, seed=9)
        want = expunge.torch.unlearn(model, retain, forget, **settings)[0].state_dict()
        labels = torch.zeros(70)

        class Named(nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, pixels):
                return self.model(pixels)

        sources = {
            "labels": (retain, labels),
            "numpy": retain.numpy(),
            "loader": DataLoader(TensorDataset(retain, labels), batch_size=11),
            "data set": TensorDataset(retain, labels),
            "list": list(retain.split(9)),
            "sampled": DataLoader(TensorDataset(retain), batch_size=11, sampler=range(70)),
            "unsized": DataLoader(list(retain.split(13)), batch_size=None),
            "double": DataLoader(TensorDataset(retain.double()), batch_size=35),
        }
        for name, source in sources.items():
            with self.subTest(name):
                got = expunge.torch.unlearn(model, source, forget, **settings)[0].state_dict()
                same(self, want, got, exactly=False)
        dicts = [{"pixels": x, "labels": 3} for x in retain.split(9)]
        got = expunge.torch.unlearn(Named(), dicts, [{"pixels": forget}], **settings)[0]
        same(self, want, got.model.state_dict(), exactly=False)
        same(self, want, expunge.torch.unlearn(model, retain, forget, **settings)[0].state_dict())
        other = expunge.torch.unlearn(model, retain, forget, max_patches=400, seed=10)[0].state_dict()
        self.assertFalse(torch.equal(other["0.weight"], want["0.weight"]))
        short = expunge.torch.unlearn(model, DataLoader(retain, batch_size=40, drop_last=True), forget, **settings)
        self.assertEqual(short[1]["images_retain"], 40)

    def test_types(self):
        plain = expunge.torch.unlearn(small(), images(30), images(12, 0.5), alpha_f=30)[0].state_dict()
        for dtype, digits in ((torch.bfloat16, 8), (torch.float16, 11), (torch.float64, 24)):
            model = small().to(dtype)
            before = model.state_dict()
            got = expunge.torch.unlearn(model, images(30), images(12, 0.5), alpha_f=30)[0].state_dict()
            self.assertEqual([(k, v.dtype) for k, v in got.items()], [(k, v.dtype) for k, v in before.items()])
            self.assertFalse(torch.equal(got["4.weight"], before["4.weight"]))
            for name in ("0.weight", "4.weight"):
                # inputs and weights rounded to so many digits move an edit by some of their roundings; weights are below 1
                off = float((got[name].double() - plain[name].double()).abs().max())
                self.assertLess(off, 16 * 2.0**-digits * float(plain[name].abs().max()), (name, dtype))

    def test_wrappings(self):
        retain, forget = images(20), images(9, 0.5)
        want = expunge.torch.unlearn(small(), retain, forget)[0].state_dict()
        with tempfile.TemporaryDirectory() as folder:
            torch.distributed.init_process_group("gloo", f"file://{folder}/rendezvous", rank=0, world_size=1)
            try:
                for wrap in (nn.DataParallel, nn.parallel.DistributedDataParallel, lambda m: torch.compile(m, backend="eager")):
                    for inplace in (False, True):
                        model = wrap(small())
                        got, report = expunge.torch.unlearn(model, retain, forget, inplace=inplace)
                        self.assertIs(type(got), type(model))
                        self.assertEqual(got is model, inplace)
                        self.assertEqual([r["name"] for r in report["layers"]], ["0", "4"])
                        same(self, want, expunge.torch.unwrapped(got).state_dict())
                        plain = small()
                        plain.load_state_dict(want)
                        torch.testing.assert_close(got.eval()(retain), plain.eval()(retain))
            finally:
                torch.distributed.destroy_process_group()

    def test_state(self):
        """Whether it works or fails, all else is as it was."""

        class Broken(Dataset):
            def __len__(self):
                return 20

            def __getitem__(self, i):
                if i == 15:
                    raise RuntimeError("broken image")
                return torch.randn(3, 9, 9) + random.random() + np.random.rand()

        for fails in (False, True):
            model = small().train()
            model[1].eval()
            model[0].weight.requires_grad_(False)
            calls = []
            hook = model[4].register_forward_pre_hook(lambda *_: calls.append(torch.is_grad_enabled()))
            before = copy.deepcopy(model.state_dict())
            modes = [m.training for m in model.modules()]
            torch.manual_seed(1), random.seed(1), np.random.seed(1)
            states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
            flags = torch.is_grad_enabled(), torch.backends.mha.get_fastpath_enabled()
            loader = DataLoader(Broken(), batch_size=4, shuffle=True)
            if fails:
                with self.assertRaisesRegex(RuntimeError, "broken image"):
                    expunge.torch.unlearn(model, loader, images(5), inplace=True)
            else:
                expunge.torch.unlearn(model, images(20), DataLoader(images(9), shuffle=True))
                self.assertTrue(calls and not any(calls))
            same(self, before, model.state_dict())
            self.assertEqual([m.training for m in model.modules()], modes)
            self.assertTrue(torch.equal(states[0], torch.get_rng_state()))
            self.assertEqual(states[1], random.getstate())
            np.testing.assert_array_equal(states[2], np.random.get_state()[1])
            self.assertEqual((torch.is_grad_enabled(), torch.backends.mha.get_fastpath_enabled()), flags)
            self.assertEqual(len(model[4]._forward_pre_hooks), 1)
            self.assertFalse(model[0].weight.requires_grad)
            hook.remove()

    def test_inplace(self):
        model, retain, forget = small(), images(20), images(9, 0.5)
        parameters = dict(model.named_parameters())
        want = expunge.torch.unlearn(model, retain, forget)[0].state_dict()
        self.assertFalse(torch.equal(model[4].weight, want["4.weight"]))
        got, _ = expunge.torch.unlearn(model, retain, forget, inplace=True)
        self.assertIs(got, model)
        same(self, want, model.state_dict())
        for name, p in model.named_parameters():
            self.assertIs(p, parameters[name])

    def test_shared(self):
        """A weight of two layers is edited once, by the inputs of both."""
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(243, 6), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))
        model[4].weight = model[2].weight
        got, report = expunge.torch.unlearn(model, images(20), images(9, 0.5))
        self.assertEqual([(r["name"], r["n_retain"]) for r in report["layers"]], [("1", 20), ("2", 40)])
        self.assertIs(got[4].weight, got[2].weight)

    def test_views_and_changes_in_place(self):
        """Channels lie side by side where the model's reshapes allow it; a convolution's inputs count as they were multiplied."""

        class Block(nn.Module):
            def __init__(self, view):
                super().__init__()
                torch.manual_seed(0)
                self.one, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1)
                self.head = nn.Linear(4 * 49, 3)
                self.view = view
                self.formats = set()

            def forward(self, x):
                self.formats.add(x.is_contiguous(memory_format=torch.channels_last))
                x = self.one(x)
                y = self.two(x)
                x = x.relu_() + y
                return self.head(x.view(len(x), -1) if self.view else x.flatten(1))

        sets = images(12), images(5, 0.5)
        got = {}
        for view in (False, True):
            model = Block(view)
            model, _ = expunge.torch.unlearn(model, *sets, patches="all", inplace=True)
            self.assertIn(True, model.formats)
            self.assertEqual(False in model.formats, view)
            got[view] = model.state_dict()
        same(self, got[False], got[True], exactly=False)
        wide = Block(False).double()
        x_r, x_f = (naive_rows(wide, x.double())["two.weight", 0, 4] for x in sets)
        w = wide.two.weight.detach().numpy()
        want = formula(w.reshape(4, -1), x_r, x_f).reshape(w.shape)
        np.testing.assert_allclose(got[True]["two.weight"].numpy(), want, atol=1e-4, rtol=0)

    def test_uneven(self):
        """Inputs whose number differs from image to image are all taken."""

        class Some(nn.Module):
            def __init__(self):
                super().__init__()
                torch.manual_seed(0)
                self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 2)

            def forward(self, x):
                x = torch.cat([x, x[:1]])  # one map more than there are images
                x = self.conv(x).flatten(2).transpose(1, 2).reshape(-1, 4)
                return self.fc(x[: len(x) // 7 * 7 - 3])

        model = Some()
        sets = images(12), images(5, 0.5)
        got, report = expunge.torch.unlearn(model, *sets, max_patches=10)
        x_r, x_f = (naive_rows(copy.deepcopy(model).double(), x.double())["conv.weight", 0, 4] for x in sets)
        w = model.conv.weight.detach().double().numpy()
        want = formula(w.reshape(4, -1), x_r, x_f).reshape(w.shape)
        np.testing.assert_allclose(got.conv.weight.detach().numpy(), want, atol=1e-4, rtol=0)
        self.assertEqual(report["layers"][0]["n_retain"], 13 * 81)

    def test_layers(self):
        model, sets = small(), (images(20), images(9, 0.5))
        for layers, want in (
            ("all", ["0", "4"]),
            ("last", ["4"]),
            ("first 1", ["0"]),
            ("only 2", ["4"]),
            ("last 2", ["0", "4"]),
            (["4.weight"], ["4"]),
            ("0, 4", ["0", "4"]),
        ):
            report = expunge.torch.unlearn(model, *sets, layers=layers)[1]
            self.assertEqual([r["name"] for r in report["layers"]], want, layers)
            self.assertEqual(set(report["not_edited"]), {"0", "4"} - set(want))

    def test_computed_weights(self):
        model = small()
        nn.utils.parametrizations.weight_norm(model[4])
        report = expunge.torch.unlearn(model, images(20), images(9, 0.5))[1]
        self.assertEqual([r["name"] for r in report["layers"]], ["0"])
        self.assertIn("computed from other parameters", report["not_edited"]["4"])

    def test_logits(self):
        model = small().train()
        with torch.no_grad():
            want = copy.deepcopy(model).eval()(images(30)).numpy()
        got = expunge.torch.logits(model, DataLoader(TensorDataset(images(30), torch.zeros(30)), batch_size=7))
        self.assertEqual(got.dtype, np.float32)
        np.testing.assert_allclose(got, want, atol=1e-5)
        self.assertTrue(model.training)
        self.assertEqual(expunge.torch.logits(model.bfloat16(), images(4)).dtype, np.float32)

    def test_refusals(self):
        a, b = images(20), images(9, 0.5)
        spoiled, sick = small(), a.clone()
        with torch.no_grad():
            spoiled[4].weight[1, 2] = float("nan")
        sick[3, 0, 0, 0] = float("nan")
        up = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ConvTranspose2d(3, 3, 3))
        for text, model, retain, forget, settings in (
            ("retain has no images", small(), a[:0], b, {}),
            ("forget has no images", small(), a, DataLoader(TensorDataset(b[:0])), {}),
            ("forget has no images", small(), a, [], {}),
            ("retain is an iterator", small(), iter([a]), b, {}),
            ("retain is of type int", small(), 3, b, {}),
            ("forget gives batches of type str", small(), a, ["x"], {}),
            ("layer 0: .*not finite", small(), sick, b, {}),
            ("fails on retain images 20 to 23, of shape .4, 5, 9, 9.", small(), [a, torch.zeros(4, 5, 9, 9)], b, {}),
            ("layer 4: .*not finite", spoiled, a, b, {}),
            ("no layer with weights", nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3)), a, b, {}),
            ("model is of type function", lambda x: x, a, b, {}),
            ("alpha_r = 0: must be above 0", small(), a, b, {"alpha_r": 0}),
            ("alpha_f = nan", small(), a, b, {"alpha_f": float("nan")}),
            ("patches = 'some'", small(), a, b, {"patches": "some"}),
            ("max_patches = -1", small(), a, b, {"max_patches": -1}),
            ("seed = -1", small(), a, b, {"seed": -1}),
            ("number must be from 1 to 2", small(), a, b, {"layers": "first 3"}),
            ("no layer named 'conv9'.*there are: 0, 4", small(), a, b, {"layers": ["conv9"]}),
            ("layers is empty", small(), a, b, {"layers": []}),
            ("layer 1 cannot be edited .ConvTranspose2d", up, a, b, {}),
            ("another shape", nn.Sequential(nn.Conv2d(3, 2, 3)), [a, images(4, size=12)], b, {}),
        ):
            with self.subTest(text):
                before = copy.deepcopy(model.state_dict()) if isinstance(model, nn.Module) else {}
                with self.assertRaisesRegex(ValueError, text) as caught:
                    expunge.torch.unlearn(model, retain, forget, inplace=True, **settings)
                self.assertNotIn("\n", str(caught.exception))
                if before and model is not spoiled:
                    same(self, before, model.state_dict())
        report = expunge.torch.unlearn(up, a, b, layers=["0"])[1]
        self.assertIn("transposed", report["not_edited"]["1"])
        report = expunge.torch.unlearn(nn.Sequential(nn.Conv2d(3, 2, 3)), [a, images(4, size=12)], b, patches="all")[1]
        self.assertEqual(report["layers"][0]["n_retain"], 20 * 49 + 4 * 100)


if __name__ == "__main__":
    unittest.main()

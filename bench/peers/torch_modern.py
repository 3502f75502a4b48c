#!/usr/bin/python3
"""PyTorch's side of the rows unlearn_*_modern: the edit of torch_unlearn.py as one would write it for speed today, on the
same images, windows and rows (bench/rows/unlearn.c exports them).

  torch_modern.py THREADS ARCH FOLDER    reads lines "unlearn f32|bf16", answers {"seconds": s, "f32": d, "bf16": d} each

No singular vectors and no projection is formed: with G = X^T X / t, t the trace of X^T X, a projection is
P = alpha G A^-1 for A = (alpha - 1) G + I, so that W P is a product and a Cholesky solve with W's rows; where a layer has
fewer rows than features, the same with X X^T in G's place. Images go through in batches: a layer's patches are unfolded
and their wanted rows taken at once, and added to its Gram matrix where that is the smaller one. The network is
channels-last. bf16: autocast in the forward passes, X and its product with itself in bfloat16; what W goes through stays
in float32, as ours does. f32: PyTorch's products go to MKL, which is slow on some CPUs; with float32 matmul precision
"medium" they go to oneDNN, which computes in float32 all the same where nothing shorter is faster. A product tells
whether it does here, and which of the two is faster.
"d" is torch_unlearn.py's: how far our edit is from this one. Each precision is run once before the first one timed.
"""
import json
import os
import sys
import time

import torch
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torch_net import NETS, read_safetensors  # noqa: E402
from torch_unlearn import ALPHA_F, ALPHA_R, compare  # noqa: E402

BATCH = 150


class Inputs:
    """What a layer's side keeps of its inputs: the Gram matrix [f, f], or the rows [n, f] where they are fewer."""

    def __init__(self, module, window, chosen, images, product):
        self.module, self.window, self.chosen, self.images = module, window, chosen, images
        self.features = module.weight[0].numel()
        self.product, self.seen, self.gram, self.rows = product, 0, None, []

    def patches(self, x):
        if not isinstance(self.module, nn.Conv2d):
            return x
        top, left, high, wide = self.window
        part = x[:, :, top:top + high, left:left + wide].contiguous()
        part = nn.functional.unfold(part, self.module.kernel_size, self.module.dilation, self.module.padding,
                                    self.module.stride)
        return part.transpose(1, 2).flatten(0, 1)

    def add(self, batch):
        x, first = self.patches(batch), self.seen
        total = self.images * len(x) // len(batch) if self.chosen is None else len(self.chosen)
        self.seen += len(x)
        if self.chosen is not None:
            here = self.chosen[(self.chosen >= first) & (self.chosen < self.seen)]
            x = x[here - first]
        if total < self.features:
            self.rows.append(x)
        else:
            gram = self.product(x.t(), x)
            self.gram = gram if self.gram is None else self.gram.add_(gram)

    def times(self, w, alpha):
        """w P, with w [out, f]"""
        if self.gram is not None:
            g = self.gram / self.gram.trace()
            a = (alpha - 1) * g
            a.diagonal().add_(1)
            return alpha * torch.cholesky_solve(product_f32(w, g).t(), torch.linalg.cholesky(a)).t()
        x = torch.cat(self.rows)
        k = self.product(x, x.t())
        trace = k.trace()
        k *= (alpha - 1) / trace
        k.diagonal().add_(1)
        y = torch.cholesky_solve(product_f32(w, x.t()).t(), torch.linalg.cholesky(k)).t()
        return alpha / trace * product_f32(y, x)


def product_bf16(a, b):
    """Multiplied in bfloat16, added in float32, rounded to bfloat16 once"""
    return (a.bfloat16() @ b.bfloat16()).float()


def product_f32(a, b):
    return a.float() @ b.float()


def choose_f32():
    x = torch.randn(1500, 2000)
    exact, seconds = x.double().t() @ x.double(), {}
    for precision in ("highest", "medium"):
        torch.set_float32_matmul_precision(precision)
        product_f32(x.t(), x)
        start = time.monotonic()
        got = product_f32(x.t(), x)
        spent = time.monotonic() - start
        if precision == "highest" or (got - exact).abs().max() < 1e-5 * exact.abs().max():
            seconds[precision] = spent
    torch.set_float32_matmul_precision(min(seconds, key=seconds.get))


def collect(model, images, plan, side, precision):
    layers = {n: m for n, m in model.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))}
    product = product_bf16 if precision == "bf16" else product_f32
    kept = {n: Inputs(m, plan[f"{side}/{n}/window"].tolist(), plan.get(f"{side}/{n}/rows"), len(images), product)
            for n, m in layers.items()}

    def keep(name):
        def hook(_, inputs):
            with torch.autocast("cpu", enabled=False):
                kept[name].add(inputs[0])
        return hook

    handles = [m.register_forward_pre_hook(keep(n)) for n, m in layers.items()]
    with torch.autocast("cpu", torch.bfloat16, precision == "bf16"):
        for start in range(0, len(images), BATCH):
            model(images[start:start + BATCH].contiguous(memory_format=torch.channels_last))
    for handle in handles:
        handle.remove()
    return kept


def unlearn(model, tensors, precision):
    parameters, weights = dict(model.named_parameters()), {}
    with torch.inference_mode():
        retain = collect(model, tensors["retain/images"], tensors, "retain", precision)
        forget = collect(model, tensors["forget/images"], tensors, "forget", precision)
        for name, kept in retain.items():
            weight = parameters[name + ".weight"].detach()
            w = weight.flatten(1)
            left = w - kept.times(w, ALPHA_R)
            weights[name] = (w - forget[name].times(left, ALPHA_F)).view_as(weight)
    return weights


def main():
    torch.set_num_threads(int(sys.argv[1]))
    arch, folder = sys.argv[2], sys.argv[3]
    tensors = read_safetensors(os.path.join(folder, "input.safetensors"))
    model = NETS[arch]().eval()
    model.load_state_dict({k: v for k, v in tensors.items() if k in model.state_dict()})
    model = model.to(memory_format=torch.channels_last)
    choose_f32()
    warm = set()
    for line in sys.stdin:
        precision = line.split()[1]
        if precision not in warm:
            unlearn(model, tensors, precision)
            warm.add(precision)
        start = time.monotonic()
        weights = unlearn(model, tensors, precision)
        found = {"seconds": time.monotonic() - start}
        for ours in ("f32", "bf16"):
            found[ours] = compare(model, weights, os.path.join(folder, ours + ".safetensors"))
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()

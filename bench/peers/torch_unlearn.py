#!/usr/bin/python3
"""PyTorch's side of the rows unlearn_*: Deep Unlearning as its authors published it, on the same images, windows and
rows as ours (bench/rows/unlearn.c exports them).

  torch_unlearn.py THREADS ARCH FOLDER    reads lines "unlearn", answers {"seconds": s, "f32": d, "bf16": d} each

Timed: one forward pass of the original a side with the inputs of every layer kept, unfolded patches, torch.linalg.svd of
each layer's inputs, f x f projections, W <- W P^T. d: how far our edit is from this one, in the worst layer, of the
largest entry of the edit there.
"""
import json
import os
import sys
import time

import torch
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torch_net import NETS, read_safetensors  # noqa: E402

ALPHA_R, ALPHA_F, BATCH = 100.0, 3.0, 128


def collect(model, images, plan, side):
    """{layer: inputs as columns [f, n]}"""
    layers = {n: m for n, m in model.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))}
    rows = {name: [] for name in layers}

    def keep(name, module):
        def hook(_, inputs):
            x = inputs[0]
            if isinstance(module, nn.Conv2d):
                top, left, high, wide = plan[f"{side}/{name}/window"].tolist()
                x = nn.functional.unfold(x[:, :, top:top + high, left:left + wide], module.kernel_size, module.dilation,
                                         module.padding, module.stride)
                x = x.permute(0, 2, 1).flatten(0, 1)
            rows[name].append(x)
        return hook

    handles = [m.register_forward_pre_hook(keep(n, m)) for n, m in layers.items()]
    with torch.no_grad():
        for start in range(0, len(images), BATCH):
            model(images[start:start + BATCH])
    for handle in handles:
        handle.remove()
    out = {}
    for name in rows:
        x = torch.cat(rows[name])
        chosen = plan.get(f"{side}/{name}/rows")
        out[name] = (x if chosen is None else x[chosen]).t().contiguous()
    return out


def projection(x, alpha):
    u, s, _ = torch.linalg.svd(x, full_matrices=False)
    share = s ** 2 / (s ** 2).sum()
    importance = alpha * share / ((alpha - 1) * share + 1)
    return u @ torch.diag(importance) @ u.t()


def unlearn(model, tensors):
    retain = collect(model, tensors["retain/images"], tensors, "retain")
    forget = collect(model, tensors["forget/images"], tensors, "forget")
    weights = {}
    with torch.no_grad():
        for name in retain:
            keep, drop = projection(retain[name], ALPHA_R), projection(forget[name], ALPHA_F)
            p = torch.eye(len(keep)) - (drop - drop @ keep)
            weight = dict(model.named_parameters())[name + ".weight"]
            weights[name] = (weight.flatten(1) @ p.t()).view_as(weight)
    return weights


def compare(model, weights, path):
    if not os.path.exists(path):
        return None
    ours, worst = read_safetensors(path), 0.0
    for name, got in weights.items():
        original = dict(model.named_parameters())[name + ".weight"].detach()
        worst = max(worst, float((ours[name + ".weight"] - got).abs().max() / (got - original).abs().max()))
    return worst


def main():
    torch.set_num_threads(int(sys.argv[1]))
    arch, folder = sys.argv[2], sys.argv[3]
    tensors = read_safetensors(os.path.join(folder, "input.safetensors"))
    model = NETS[arch]().eval()
    model.load_state_dict({k: v for k, v in tensors.items() if k in model.state_dict()})
    torch.linalg.svd(torch.randn(300, 400), full_matrices=False)
    model(tensors["retain/images"][:BATCH])
    for _ in sys.stdin:
        start = time.monotonic()
        weights = unlearn(model, tensors)
        found = {"seconds": time.monotonic() - start}
        for precision in ("f32", "bf16"):
            found[precision] = compare(model, weights, os.path.join(folder, precision + ".safetensors"))
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()

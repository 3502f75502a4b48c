#!/usr/bin/python3
"""The row memory_25088: the same layer with f x f projections, as published (bench/rows/memory.c is ours).

  torch_memory.py THREADS    prints {"seconds", "peak_kb"} of the whole process

The product of the two projections is taken through their factors, which costs this side seconds in place of minutes and
the same memory.
"""
import json
import resource
import sys
import time

import torch

F, SAMPLES, OUT = 25088, 999, 4096


def factors(alpha):
    """U diag(lambda) U^T as its factors, from inputs that follow a ReLU."""
    x = torch.randn(SAMPLES, F).clamp_(min=0)
    u, s, _ = torch.linalg.svd(x.t(), full_matrices=False)
    share = s ** 2 / (s ** 2).sum()
    return u, alpha * share / ((alpha - 1) * share + 1)


torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)
weight = torch.randn(OUT, F)
start = time.monotonic()
(u_r, l_r), (u_f, l_f) = factors(100.0), factors(10.0)
keep, drop = (u_r * l_r) @ u_r.t(), (u_f * l_f) @ u_f.t()
both = ((u_f * l_f) @ ((u_f.t() @ u_r) * l_r)) @ u_r.t()  # drop @ keep
p = torch.eye(F) - (drop - both)
weight = weight @ p.t()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": time.monotonic() - start, "peak_kb": peak}))

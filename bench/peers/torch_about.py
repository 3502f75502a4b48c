#!/usr/bin/python3
"""What PyTorch runs on here: one JSON line {"torch", "capability", "blas", "kernels"} after what oneDNN says of itself.

Started with ONEDNN_VERBOSE=1, as bench/table/common.py does, oneDNN names the kernels of a convolution and a product in
bfloat16 on standard output; whether AMX is among them is read there, not off the CPU.
"""
import json

import torch
from torch import nn

torch.manual_seed(1)
with torch.inference_mode():
    layer = nn.Conv2d(64, 64, 3, padding=1).bfloat16().to(memory_format=torch.channels_last)
    layer(torch.randn(8, 64, 32, 32).bfloat16().contiguous(memory_format=torch.channels_last))
    torch.randn(512, 512).bfloat16() @ torch.randn(512, 512).bfloat16()
config = dict(part.strip().split("=", 1) for part in torch.__config__.show().split(",") if "=" in part)
capability = getattr(getattr(torch.backends, "cpu", None), "get_cpu_capability", lambda: None)()
print(json.dumps({"torch": torch.__version__, "capability": capability,
                  "blas": config.get("BLAS_INFO") or ("mkl" if torch.backends.mkl.is_available() else "another BLAS")}))

"""What both sides ran on: the lines below the table."""
import json
import subprocess

from . import common


def ours(setting):
    net = common.Side([setting.program("net"), "convnet", "serve"])
    found = net.ask("machine f32 0")
    net.close()
    amx = "with AMX in bf16" if "amx" in found["isa"] else "no AMX"
    return f"{found['cpu']}, {common.threads()} threads; ours: oneDNN {found['isa']}, {amx}; {found['blas'].strip()}"


def torchs(python):
    """oneDNN's own word on the kernels that a bfloat16 convolution and product took."""
    said = subprocess.run([python, common.peer("torch_about.py")], stdout=subprocess.PIPE, text=True, check=True,
                          env=dict(common.environment(False), ONEDNN_VERBOSE="1")).stdout.splitlines()
    found = json.loads(said[-1])
    parts = [line.split(",") for line in said if ",exec,cpu," in line]
    kernels = [p[p.index("cpu") + 1:p.index("cpu") + 3] for p in parts]
    named = [f"{kind} {kernel}" for kind, kernel in kernels if kind in ("convolution", "matmul", "inner_product")]
    amx = "with AMX in bf16" if any("amx" in kernel for kernel in named) else "no AMX"
    return (f"PyTorch {found['torch']}: {found['capability'] or 'capability not told'}, {found['blas']}, {amx} "
            f"({', '.join(named) or 'oneDNN took no part'})")


def lines(setting):
    yield ours(setting)
    if setting.python:
        yield torchs(setting.python)
    sklearn = common.find_python("sklearn", "numpy")
    if sklearn and setting.wants("svc_60000"):
        version = subprocess.run([sklearn, "-c", "import sklearn; print(sklearn.__version__)"], stdout=subprocess.PIPE,
                                 text=True, check=True).stdout.strip()
        yield f"scikit-learn {version}"

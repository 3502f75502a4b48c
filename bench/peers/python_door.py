#!/usr/bin/python3
"""The Python package beside the C program: our side of the rows python_*.

  python_door.py THREADS serve ARCH FOLDER    reads lines: "unlearn", answers {"seconds": s, "f32": d}, d as in torch_unlearn.py
  python_door.py THREADS edit                 reads lines, answers {"package": s, "library": s}: expunge.edit on NumPy arrays, and the
                                              same calls of the library alone
  python_door.py THREADS matmul               one line {"before": s, "import": s, "call": s}: a loop of torch's products before
                                              `import expunge`, after it, and after a call of edit
"""
import ctypes
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "python")]


def say(found):
    print(json.dumps(found), flush=True)


def timed(work, times):
    start = time.perf_counter()
    for _ in range(times):
        work()
    return time.perf_counter() - start


def serve(arch, folder):
    import torch
    from torch_net import NETS, read_safetensors
    from torch_unlearn import compare

    import expunge.torch

    tensors = read_safetensors(os.path.join(folder, "input.safetensors"))
    model = NETS[arch]().eval()
    model.load_state_dict({k: v for k, v in tensors.items() if k in model.state_dict()})
    for _ in sys.stdin:
        forgot, report = expunge.torch.unlearn(model, tensors["retain/images"], tensors["forget/images"])
        weights = {row["name"]: forgot.get_parameter(row["name"] + ".weight").detach() for row in report["layers"]}
        say({"seconds": report["seconds"], "f32": compare(model, weights, os.path.join(folder, "f32.safetensors"))})


def edit():
    import numpy as np

    import expunge
    from expunge import _library

    rng = np.random.default_rng(0)
    f, outputs = 1152, 256
    weight, retain, forget = (rng.normal(size=(n, f)).astype(np.float32) for n in (outputs, 4000, 4000))
    result = np.empty_like(weight)
    c = _library.library()

    def library():
        spaces = []
        for x in (retain, forget):
            space = ctypes.c_void_p()
            status = c.expunge_space_create(f, len(x), b"auto", ctypes.byref(space))
            status |= c.expunge_space_add(space, x.ctypes.data, len(x), f, 0) | c.expunge_space_finish(space)
            assert status == 0
            spaces.append(space)
        assert c.expunge_edit(*spaces, weight.ctypes.data, outputs, f, 0, 100.0, 3.0, result.ctypes.data, f, None) == 0
        for space in spaces:
            c.expunge_space_free(space)

    def package():
        return expunge.edit(weight, retain, forget)

    library()
    same = bool(np.array_equal(result, package()))
    for _ in sys.stdin:
        say({"library": timed(library, 5), "package": timed(package, 5), "same": same})


def matmul():
    import torch

    a, b = torch.randn(400, 400), torch.randn(64, 64)

    def loop():
        torch.mm(a, a)
        for _ in range(20):
            torch.mm(b, b)

    def least():
        return min(timed(loop, 3) for _ in range(15))

    timed(loop, 3)
    found = {"before": least()}
    import expunge

    found["import"] = least()
    expunge.edit(b, torch.randn(300, 64), torch.randn(300, 64))
    found["call"] = least()
    say(found)


def main():
    import torch

    torch.set_num_threads(int(sys.argv[1]))
    {"serve": serve, "edit": edit, "matmul": matmul}[sys.argv[2]](*sys.argv[3:])


if __name__ == "__main__":
    main()

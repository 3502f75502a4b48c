"""python_*: the Python package. The peer of python_unlearn_vgg11_bn_f32 is the program's own code on the same images with the same
threads, that of python_edit the library's functions called alone, and that of the rows python_matmul_* torch without the package:
1 is as fast, and the package is meant to reach 0.77, 0.95 and 0.95."""
import json
import os
import subprocess
import tempfile

from . import common, unlearn

ARCH = "vgg11_bn"


def user():
    """As a user starts Python: without what the program sets for itself."""
    return dict(os.environ, OMP_NUM_THREADS=common.threads())


def unlearn_row(setting):
    weights = unlearn.weights_of(setting, ARCH)
    with tempfile.TemporaryDirectory() as folder:
        common.once([setting.program("unlearn"), ARCH, weights, "export", folder])
        door = common.Side([setting.python, common.peer("python_door.py"), common.threads(), "serve", ARCH, folder], env=user())
        program = common.Side([setting.program("unlearn"), ARCH, weights, "serve"])
        pairs, worst = [], 0.0
        program.ask("unlearn f32 0")
        door.ask("unlearn")
        for _ in range(setting.pairs()):
            found = door.ask("unlearn")
            pairs.append((found["seconds"], program.ask("unlearn f32 0")["seconds"]))
            worst = max(worst, found["f32"])
        door.close()
        program.close()
    print(f"  edits differ by {worst:.1e} (allowed {unlearn.TOLERANCE['f32']:.0e})")
    good = worst <= unlearn.TOLERANCE["f32"]
    return common.make_row("python_unlearn_vgg11_bn_f32", "s", pairs, [p / o for o, p in pairs], None, good)


def edit_row(setting):
    side = common.Side([setting.python, common.peer("python_door.py"), common.threads(), "edit"], env=user())
    side.ask("")
    found = [side.ask("") for _ in range(setting.pairs())]
    side.close()
    pairs = [(f["package"], f["library"]) for f in found]
    return common.make_row("python_edit", "s", pairs, [p / o for o, p in pairs], None, all(f["same"] for f in found))


def matmul_rows(setting):
    command = [setting.python, common.peer("python_door.py"), common.threads(), "matmul"]
    found = []
    for _ in range(setting.pairs()):
        said = subprocess.run(command, env=user(), stdout=subprocess.PIPE, text=True, check=True).stdout
        found.append(json.loads(said))
    for what in ("import", "call"):
        pairs = [(f[what], f["before"]) for f in found]
        yield common.make_row("python_matmul_" + what, "s", pairs, [p / o for o, p in pairs], None, True)


def import_row(setting):
    code = "import time; t = time.perf_counter(); import expunge; print(time.perf_counter() - t)"
    path = dict(user(), PYTHONPATH=os.path.join(os.path.dirname(common.HERE), "python"))
    command = [setting.python, "-c", code]
    said = [subprocess.run(command, env=path, stdout=subprocess.PIPE, text=True, check=True).stdout for _ in range(setting.pairs())]
    seconds = [float(s) for s in said]
    return common.make_row("python_import", "s", [(s, None) for s in seconds], [], None, True)


def rows(setting):
    if not setting.python:
        return
    if setting.wants("python_unlearn_vgg11_bn_f32"):
        yield unlearn_row(setting)
    if setting.wants("python_edit"):
        yield edit_row(setting)
    if setting.wants("python_matmul"):
        yield from matmul_rows(setting)
    if setting.wants("python_import"):
        yield import_row(setting)

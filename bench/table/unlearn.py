"""unlearn_* and alpha_grid_*: Fashion-MNIST at 32x32, class 3 forgotten, 900 + 900 images, paper patches. resnet18 takes
450 + 450 but with --long: its peer needs five minutes for 900. unlearn_resnet18_f32 is measured only where it is
asked for by name. unlearn_vgg11_bn_*_modern stand beside Gram matrices and Cholesky factors in PyTorch, of our own
writing; the others beside the published code."""
import os
import statistics
import subprocess
import tempfile

from . import common

# Largest difference of the two edits, in the worst layer, relative to its largest entry. float32: two algorithms on
# Gram matrices of up to 10000 rows. bf16: 8 bits in the inputs that span the spaces.
TOLERANCE = {"f32": 1e-3, "bf16": 5e-2}
ACCURACY = 0.1  # points of ACC_r and ACC_f between bf16 and float32, both networks evaluated in float32
IMAGES = {"vgg11_bn": 1000, "resnet18": 200}  # a class, for one epoch of training before
GRID = 25


def weights_of(setting, arch):
    """Trained once and kept: the same seed gives the same weights."""
    path = os.path.join(setting.cache, f"{arch}-{IMAGES[arch]}.safetensors")
    if not os.path.exists(path):
        os.makedirs(setting.cache, exist_ok=True)
        print(f"training {arch} on {10 * IMAGES[arch]} images", flush=True)
        subprocess.run([setting.program("unlearn"), arch, str(IMAGES[arch]), "train", path], check=True,
                       env=common.environment(True))
    return path


def check(found, exported, precision):
    if found is None:
        return False
    good = found[precision] is not None and found[precision] <= TOLERANCE[precision]
    print(f"  edits differ by {found[precision]:.1e} (allowed {TOLERANCE[precision]:.0e})", end="")
    if precision == "bf16":
        apart = max(abs(a - b) for a, b in zip(exported["f32"], exported["bf16"]))
        print(f"; ACC_r, ACC_f of bf16 {exported['bf16']}, of float32 {exported['f32']}", end="")
        good = good and apart <= ACCURACY
    print()
    return good


def modern_pairs(setting, arch, folder, ours, precisions):
    """{precision: pairs}, and what the peer said last of each."""
    peer = common.Side([setting.python, common.peer("torch_modern.py"), common.threads(), arch, folder], False)
    pairs, found = {p: [] for p in precisions}, {}
    for p in precisions:
        ours.ask(f"unlearn {p} 0")
        for _ in range(setting.pairs()):
            before, found[p] = ours.ask(f"unlearn {p} 0")["seconds"], peer.ask(f"unlearn {p}")
            pairs[p].append(((before + ours.ask(f"unlearn {p} 0")["seconds"]) / 2, found[p]["seconds"]))
    peer.close()
    return pairs, found


def rows_of(setting, arch, precisions, count):
    wanted = [p for p in precisions if setting.wants(f"unlearn_{arch}_{p}")]
    modern = [p for p in precisions if setting.python and arch == "vgg11_bn" and
              setting.wants(f"unlearn_{arch}_{p}_modern")]
    grid = arch == "vgg11_bn" and setting.wants("alpha_grid_vgg11_bn")
    if not wanted and not modern and not grid:
        return
    weights = weights_of(setting, arch)
    work = arch if arch == "vgg11_bn" or setting.long else f"{arch}:450"
    with tempfile.TemporaryDirectory() as folder:
        exported = common.once([setting.program("unlearn"), work, weights, "export", folder])
        ours, peer, found = common.Side([setting.program("unlearn"), work, weights, "serve"]), None, None
        if setting.python and wanted:
            peer = common.Side([setting.python, common.peer("torch_unlearn.py"), common.threads(), arch, folder], False)
        for p in wanted:
            ours.ask(f"unlearn {p} 0")
        pairs = {p: [] for p in wanted}
        for _ in range(count):
            mine = {p: ours.ask(f"unlearn {p} 0")["seconds"] for p in wanted}
            found = peer.ask("unlearn") if peer else None
            for p in wanted:  # before and after the peer
                again = ours.ask(f"unlearn {p} 0")["seconds"]
                pairs[p].append(((mine[p] + again) / 2, found["seconds"] if found else None))
        if peer:
            peer.close()
        limit = {p: ours.ask(f"limit {p} 2")["flops_per_second"] for p in set(wanted) | set(modern) | {"f32"}}

        def row(name, p, pairs, good):
            floor = (exported["forward"] + exported["gram"]) / limit[p] + exported["apply"] / limit["f32"]
            return common.make_row(name, "s", pairs, [t / o for o, t in pairs if t],
                                   floor / statistics.median(o for o, _ in pairs), good)

        for p in wanted:
            yield row(f"unlearn_{arch}_{p}", p, pairs[p], peer is not None and check(found, exported, p))
        if modern:
            pairs, answers = modern_pairs(setting, arch, folder, ours, modern)
            for p in modern:
                yield row(f"unlearn_{arch}_{p}_modern", p, pairs[p], check(answers[p], exported, p))
        if grid:
            yield grid_row(setting, ours)
        ours.close()


def grid_row(setting, ours):
    found = [ours.ask("compare f32 0") for _ in range(setting.pairs(3))]
    pairs = [(f["grid"], GRID * f["single"]) for f in found]
    return common.make_row("alpha_grid_vgg11_bn", "s", pairs, [s / g for g, s in pairs], None,
                           all(f["difference"] <= 1e-4 for f in found))


def rows(setting):
    precisions = setting.precisions()
    yield from rows_of(setting, "vgg11_bn", precisions, setting.pairs(common.SLOW_PAIRS))
    named = [p for p in precisions if p == "bf16" or f"unlearn_resnet18_{p}" in setting.only]
    yield from rows_of(setting, "resnet18", named, setting.pairs(1))

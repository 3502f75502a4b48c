"""train_* and infer_*: a network at 32x32 on random data, 128 images at once in training, 500 in inference."""
import os
import statistics
import subprocess
import tempfile

from . import common

SECONDS, SECONDS_LONG = 1.0, 2.0
# Largest difference from PyTorch's float32, relative to the largest entry: float32 sums of some thousand terms differ
# in their order; bf16 keeps 8 bits (0.4% an operation), over eleven layers forward and as many back.
TOLERANCE = {"f32": {"logits": 1e-4, "gradients": 1e-4}, "bf16": {"logits": 5e-2, "gradients": 1e-1}}
ARCHS = ("vgg11_bn", "resnet18")


def compare(setting, arch, weights):
    """{precision: both sides agree}; nothing without a peer."""
    if not setting.python:
        return {}
    found = common.once([setting.python, common.peer("torch_net.py"), common.threads(), arch, "check", weights], False)
    checked = {}
    for precision, limits in TOLERANCE.items():
        if precision in found:
            checked[precision] = all(found[precision][what] <= limit for what, limit in limits.items())
            print(f"{arch}, same weights, {precision}: " + ", ".join(
                f"{what} differ by {found[precision][what]:.1e} (allowed {limit:.0e})"
                for what, limit in limits.items()))
    return checked


def measure(setting, name, ours, peer, task, precision, checked):
    seconds = SECONDS_LONG if setting.long else SECONDS
    request = f"{task} {precision} {seconds}"
    for side in (ours, peer):
        if side:
            side.ask(f"{task} {precision} {SECONDS / 3}")
    pairs, limits, more = [], [], {}
    for i in range(setting.pairs()):
        order = (ours, peer) if i % 2 == 0 else (peer, ours)
        answers = {side: side.ask(request) for side in order if side}
        rates = {side: answer["images_per_second"] for side, answer in answers.items()}
        pairs.append((rates[ours], rates.get(peer)))
        more = {"peer_form": answers[peer]["form"]} if peer else {}
        limits.append(ours.ask(f"limit {precision} {seconds / 4}"))
    flops = limits[0]["flops_per_image"] * (3 if task == "train" else 1)
    floor = statistics.median(o for o, _ in pairs) * flops / statistics.median(l["flops_per_second"] for l in limits)
    return common.make_row(name, "images/s", pairs, [o / p for o, p in pairs if p], floor, checked, **more)


def rows(setting):
    for arch in ARCHS:
        wanted = [(task, precision) for task in ("train", "infer") for precision in setting.precisions()
                  if setting.wants(f"{task}_{arch}_{precision}")]
        if not wanted:
            continue
        program = setting.program("net")
        with tempfile.TemporaryDirectory() as folder:
            weights = os.path.join(folder, arch + ".safetensors")
            subprocess.run([program, arch, "export", weights], check=True, env=common.environment(True))
            checked = compare(setting, arch, weights)
            ours, peer = common.Side([program, arch, "serve"]), None
            if setting.python:
                peer = common.Side([setting.python, common.peer("torch_net.py"), common.threads(), arch, "serve",
                                    weights], False)
            for task, precision in wanted:
                yield measure(setting, f"{task}_{arch}_{precision}", ours, peer, task, precision,
                              checked.get(precision, False))
            for side in (ours, peer):
                if side:
                    side.close()

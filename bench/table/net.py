"""train_* and infer_*: a network at 32x32 on random data, 128 images at once in training, 500 in inference; one at 224x224, 32 in
inference."""
import os
import statistics
import subprocess
import tempfile

from . import common

SECONDS, SECONDS_LONG = 1.0, 2.0
# Largest difference from PyTorch's float32, relative to the largest entry: float32 sums of some thousand terms differ
# in their order; bf16 keeps 8 bits (0.4% an operation), over eleven layers forward and as many back; its
# errors are independent, so that fifty layers have 0.4% sqrt(50) = 3% at most.
TOLERANCE = {"f32": {"logits": 1e-4, "gradients": 1e-4}, "bf16": {"logits": 5e-2, "gradients": 1e-1}}
BOTH, TASKS = ("f32", "bf16"), ("train", "infer")
# as rows call it: the architecture, tasks, precisions
NETS = {"vgg11_bn": ("vgg11_bn", TASKS, BOTH), "resnet18": ("resnet18", TASKS, BOTH),
        "vit_b_16": ("vit_b_16", ("infer",), BOTH), "resnet50": ("resnet50_imagenet", ("infer",), ("bf16",)),
        "convnext_tiny": ("convnext_tiny", ("infer",), ("f32",)),
        "efficientnet_b0": ("efficientnet_b0", ("infer",), ("f32",)),
        "mobilenet_v3_large": ("mobilenet_v3_large", ("infer",), ("f32",)), "swin_t": ("swin_t", ("infer",), ("f32",))}


def compare(setting, arch, weights):
    """{precision: both sides agree}; nothing without a peer."""
    if not setting.python:
        return {}
    found = common.once([setting.python, common.peer("torch_net.py"), common.threads(), arch, "check", weights], False)
    checked = {}
    for precision, limits in TOLERANCE.items():
        if precision in found:
            differences = {what: (found[precision][what], limit) for what, limit in limits.items()
                           if what in found[precision]}
            checked[precision] = all(found <= limit for found, limit in differences.values())
            print(f"{arch}, same weights, {precision}: " + ", ".join(
                f"{what} differ by {found:.1e} (allowed {limit:.0e})" for what, (found, limit) in differences.items()))
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
    for name, (arch, tasks, precisions) in NETS.items():
        wanted = [(task, precision) for task in tasks for precision in setting.precisions()
                  if precision in precisions and setting.wants(f"{task}_{name}_{precision}")]
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
                yield measure(setting, f"{task}_{name}_{precision}", ours, peer, task, precision,
                              checked.get(precision, False))
            for side in (ours, peer):
                if side:
                    side.close()

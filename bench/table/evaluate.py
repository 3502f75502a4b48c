"""evaluate: everything after the logits exist (metrics, attacks, what is stored), per run, beside one epoch of training.

A real run of configs/fashion-mnist/vgg11_bn.yaml with the small convnet in VGG's place, which changes how the logits come
about and nothing after; relearning and probes are apart. The epoch is vgg11_bn's in float32 on the same 54000 images, from
the speed of its training steps."""
import glob
import json
import os
import subprocess
import tempfile

from . import common

SECONDS, IMAGES = 4.0, 54000
METHODS = ["mask_logit", "last_layer"] + [  # what is unlearned does not matter
    f"{{name: svd, label: svd {r}, set: {{layers: last, alpha_r: {r}}}}}" for r in (10, 30, 100)]


def evaluate(setting, methods, folder):
    """Seconds of each unlearned run, and whether each holds its metrics and no attack was left out."""
    config = os.path.join(os.path.dirname(common.HERE), "configs", "fashion-mnist", "vgg11_bn.yaml")
    command = [setting.expunge, "run", config, "--results", folder]
    for key, value in (("arch", "convnet"), ("methods", f"[{', '.join(methods)}]"), ("seeds", "[0]"), ("forget", "[3]"),
                       ("train.epochs", "1"), ("relearn", "false"), ("probe", "false")):
        command += ["--set", f"{key}={value}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=common.environment(True)).stderr
    seconds, whole = [], "left out" not in said
    for path in sorted(glob.glob(os.path.join(folder, "*", "*.h5"))):
        shown = subprocess.run([setting.expunge, "inspect", path, "--json"], stdout=subprocess.PIPE, check=True).stdout
        run = json.loads(shown)
        if run["kind"] != "run" or "evaluate_seconds" not in run["meta"]:
            continue  # the original
        seconds.append(run["meta"]["evaluate_seconds"])
        names = {metric["name"] for metric in run["metrics"]}
        whole = whole and {"acc_retain", "acc_forget"} <= names
    return seconds, whole and len(seconds) == len(methods)


def rows(setting):
    if not setting.wants("evaluate"):
        return
    network = common.Side([setting.program("net"), "vgg11_bn", "serve"])
    network.ask(f"train f32 {SECONDS / 4}")
    with tempfile.TemporaryDirectory() as folder:
        seconds, checked = evaluate(setting, METHODS[:setting.pairs(2)], folder)
    pairs = [(s, IMAGES / network.ask(f"train f32 {SECONDS}")["images_per_second"]) for s in seconds]
    network.close()
    yield common.make_row("evaluate", "s", pairs, [epoch / s for s, epoch in pairs], None, checked)

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
METHODS = "[mask_logit, {name: svd, label: svd, set: {layers: last}}, {name: svd, label: removed, set: {alpha_f: 30}}]"


def facts(program, path):
    out = subprocess.run([program, "inspect", path, "--json"], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = json.loads(out)
    return found


def evaluate(setting, folder):
    """Seconds of each unlearned run, and whether each holds metrics and every attack of the config."""
    config = os.path.join(os.path.dirname(common.HERE), "configs", "fashion-mnist", "vgg11_bn.yaml")
    command = [setting.expunge, "run", config, "--results", folder, "--quiet"]
    for key, value in (("arch", "convnet"), ("methods", METHODS), ("seeds", "[0]"), ("forget", "[3]"),
                       ("train.epochs", "1"), ("relearn", "false"), ("probe", "false")):
        command += ["--set", f"{key}={value}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=common.environment())
    seconds, whole = [], True
    for path in sorted(glob.glob(os.path.join(folder, "*", "*.h5"))):
        text = json.dumps(facts(setting.expunge, path))
        if '"evaluate_seconds"' not in text:
            continue  # the original
        seconds.append(float(text.split('"evaluate_seconds": ')[1].split(",")[0].strip('"} ')))
        whole = whole and text.count("/tpr") >= 4 and '"acc_forget"' in text
    return seconds, whole and len(seconds) == 3


def rows(setting):
    if not setting.wants("evaluate"):
        return
    network = common.Side([setting.program("net"), "vgg11_bn", "serve"])
    network.ask(f"train f32 {SECONDS / 4}")
    with tempfile.TemporaryDirectory() as folder:
        seconds, checked = evaluate(setting, folder)
    pairs = [(s, IMAGES / network.ask(f"train f32 {SECONDS}")["images_per_second"]) for s in seconds]
    network.close()
    yield common.make_row("evaluate", "s", pairs, [epoch / s for s, epoch in pairs], None, checked)

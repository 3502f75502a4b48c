# Checkpoints as transformers and Lightning write them, with random weights (more of them with EXPUNGE_LONG): logits within 1e-4 of the largest, the unlearned
# folder loads with from_pretrained, and no bit of a tensor differs but of those that were edited.
# tests/scripts/hub_pixels.sh has pictures that must be resized, tests/scripts/hub_timm.sh folders of timm.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
need_python transformers torch h5py safetensors
cat >make.py <<'PY'
import json, os, warnings
warnings.filterwarnings("ignore")
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import h5py, numpy as np, torch
from safetensors.torch import load_file, save_file
from transformers import DeiTConfig, DeiTForImageClassification, DeiTForImageClassificationWithTeacher
from transformers import ConvNextConfig, ConvNextForImageClassification, RegNetConfig, RegNetForImageClassification
from transformers import ResNetConfig, ResNetForImageClassification
from transformers import ViTConfig, ViTForImageClassification, ViTMSNConfig, ViTMSNForImageClassification

LABELS = ["dog", "yak", "ant bee", "cat"]
NAMES = dict(id2label=dict(enumerate(LABELS)), label2id={v: k for k, v in enumerate(LABELS)})
SMALL = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8, **NAMES)
rng = np.random.default_rng(0)
for C in (1, 3):
    with h5py.File(f"{C}.h5", "w") as f:
        for split, n in (("train", 24), ("test", 16)):
            f[split + "/images"] = rng.integers(0, 256, (n, C, 32, 32), dtype=np.uint8)
            f[split + "/labels"] = np.arange(n) % 4
        f.attrs.create("classes", sorted(LABELS), dtype=h5py.string_dtype())
        f.attrs["mean"] = f.attrs["std"] = [0.5] * C

def pixels(C):
    with h5py.File(f"{C}.h5") as f:
        return (torch.from_numpy(f["test/images"][:]).float() / 255 - 0.5) / 0.5

def fill(model):
    for key, p in model.named_parameters():
        if p.dim() > 1: torch.nn.init.normal_(p, 0, 0.3 if p.dim() == 3 else (2 / p[0].numel()) ** 0.5)
        elif key.endswith("weight"): torch.nn.init.normal_(p, 1, 0.2)
        else: torch.nn.init.normal_(p, 0, 0.2)
    for key, b in model.named_buffers():
        if key.endswith("running_mean"): torch.nn.init.normal_(b, 0, 0.2)
        if key.endswith("running_var"): torch.nn.init.uniform_(b, 0.5, 1.5)
    return model.eval()

def vit(**more): return ViTForImageClassification(ViTConfig(**{**SMALL, **more}))
def resnet(kind, depths, sizes): return ResNetForImageClassification(ResNetConfig(embedding_size=64, hidden_sizes=sizes, depths=depths, layer_type=kind, **NAMES))

QUICK = ("vit", "vit_grey", "vit_half", "vit_shards", "vit_bin", "vit_bin_shards", "deit", "deit_teacher", "resnet18", "regnet_y")
torch.manual_seed(0)
def write(name, model, dtype=torch.float32, **how):
    """A folder, and what its network says: computed in float32 from the numbers that the file holds."""
    if name not in QUICK and not os.environ.get("EXPUNGE_LONG"): return
    model = fill(model).to(dtype)
    model.save_pretrained(name, **how)
    C = model.config.num_channels
    json.dump({"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "image_mean": [0.5] * C,
               "image_std": [0.5] * C}, open(name + "/preprocessor_config.json", "w"))
    with torch.no_grad():
        np.save(name + ".npy", model.float()(pixel_values=pixels(C)).logits.numpy())
    print(name, C)
    return model

write("vit", vit())
write("vit_relu", vit(hidden_act="relu", layer_norm_eps=1e-2))
write("vit_grey", vit(num_channels=1))
write("vit_half", vit(), torch.float16)
write("vit_bfloat", vit(), torch.bfloat16)
write("vit_patch4", vit(patch_size=4, num_attention_heads=4))
write("vit_patch16", vit(patch_size=16, num_hidden_layers=1))
write("vit_tiny", vit(hidden_size=192, num_hidden_layers=12, num_attention_heads=3, intermediate_size=768, patch_size=16))
write("vit_shards", vit(), max_shard_size="40KB")
write("vit_msn", ViTMSNForImageClassification(ViTMSNConfig(**SMALL)))
write("deit", DeiTForImageClassification(DeiTConfig(**SMALL)))
write("deit_teacher", DeiTForImageClassificationWithTeacher(DeiTConfig(**SMALL)))
write("resnet18", resnet("basic", [2, 2, 2, 2], [64, 128, 256, 512]))
write("resnet50", resnet("bottleneck", [3, 4, 6, 3], [256, 512, 1024, 2048]))
write("regnet_x", RegNetForImageClassification(RegNetConfig(embedding_size=32, hidden_sizes=[32, 64, 160, 400], depths=[1, 2, 7, 12],
                                                            groups_width=16, layer_type="x", **NAMES)))
write("regnet_y", RegNetForImageClassification(RegNetConfig(embedding_size=32, hidden_sizes=[48, 104, 208, 440], depths=[1, 3, 6, 6],
                                                            groups_width=8, layer_type="y", **NAMES)))
write("convnext", ConvNextForImageClassification(ConvNextConfig(**NAMES)))
write("vit_bin", vit())  # as before safetensors
torch.save(load_file("vit_bin/model.safetensors"), "vit_bin/pytorch_model.bin")
os.remove("vit_bin/model.safetensors")
write("vit_bin_shards", vit())
whole = load_file("vit_bin_shards/model.safetensors")
os.remove("vit_bin_shards/model.safetensors")
place = {k: "pytorch_model-0000%d-of-00002.bin" % (1 + i % 2) for i, k in enumerate(whole)}
for file in set(place.values()): torch.save({k: v for k, v in whole.items() if place[k] == file}, "vit_bin_shards/" + file)
json.dump({"metadata": {"total_size": 4 * sum(v.numel() for v in whole.values())}, "weight_map": place},
          open("vit_bin_shards/pytorch_model.bin.index.json", "w"))
# single files: names of the modules themselves, as Lightning has them, and behind a wrapper
torch.save({"epoch": 3, "pytorch-lightning_version": "2.1.0", "hyper_parameters": {"lr": 0.1}, "optimizer_states": [],
            "state_dict": {"net." + k: v for k, v in resnet("basic", [2, 2, 2, 2], [64, 128, 256, 512]).state_dict().items()}}, "hub.ckpt")
tiny = fill(vit(hidden_size=192, num_hidden_layers=1, num_attention_heads=3, layer_norm_eps=1e-6))
torch.save({"epoch": 3, "pytorch-lightning_version": "2.1.0", "state_dict": {"model." + k: v for k, v in tiny.state_dict().items()}}, "modules.ckpt")
save_file({"module.model." + k: v.contiguous() for k, v in tiny.state_dict().items()}, "wrapped.safetensors")
odd = {k: v.contiguous() for k, v in tiny.state_dict().items() if k != "vit.layernorm.weight"}
save_file({**odd, "vit.extra": torch.zeros(3)}, "odd.safetensors")
with torch.no_grad():
    np.save("modules.npy", tiny(pixel_values=pixels(3)).logits.numpy())
PY
"$python" make.py >names 2>error || { cat error; exit 1; }
while read -r name C; do
    ok predict --weights "$name" --data "hdf5:$C.h5" --split test -o "$name.h5"
    ok unlearn --weights "$name" --data "hdf5:$C.h5" --forget yak --method svd -o "$name-out"
    ok predict --weights "$name-out" --data "hdf5:$C.h5" --split test -o "$name-out.h5"
done <names
for file in modules.ckpt wrapped.safetensors; do # without labels the data's order would count: the map gives the network's
    printf 'dog\nyak\nant bee\ncat\n' >map
    ok predict --arch auto --weights $file --data hdf5:3.h5 --class-map map --split test -o "$file.h5"
    grep -q "recognised as vit_patch8_32_w192_d1_h3_m64, 4 classes" "$logs/stderr" || fail "$file: another architecture"
done
ok unlearn --arch auto --weights modules.ckpt --data hdf5:3.h5 --class-map map --forget yak --method svd -o modules-out.ckpt
ok inspect hub.ckpt
has stdout "architecture: resnet18_imagenet, 4 classes"
cat >compare.py <<'PY'
import os, sys, warnings
warnings.filterwarnings("ignore")
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import h5py, numpy as np, torch
import transformers
from safetensors import safe_open
from transformers.utils import logging
logging.disable_progress_bar()

def tensors(folder):
    if os.path.exists(folder + "/pytorch_model.bin"):
        return torch.load(folder + "/pytorch_model.bin", weights_only=True)
    all = {}
    if os.path.exists(folder + "/pytorch_model.bin.index.json"):
        for name in sorted(os.listdir(folder)):
            if name.endswith(".bin"): all.update(torch.load(folder + "/" + name, weights_only=True))
    for name in sorted(os.listdir(folder)):
        if name.endswith(".safetensors"):
            with safe_open(folder + "/" + name, "pt") as f:
                assert f.metadata()["format"] == "pt"
                for k in f.keys(): all[k] = f.get_tensor(k)
    return all

def check(name, got, want):
    off = abs(got - want).max() / abs(want).max()
    assert off < 1e-4, f"{name}: logits are off by {off:.1e} of the largest"
    assert want.std(0).min() > 10 * abs(got - want).max(), f"{name}: all pictures get the same answer"
    print(f"{name}: {off:.1e} of the largest logit")

for line in open("names"):
    name, C = line.split()
    with h5py.File(name + ".h5") as f: check(name, f["logits"][:], np.load(name + ".npy"))
    before, after = tensors(name), tensors(name + "-out")
    assert set(before) == set(after) and (name == "vit_bin_shards" or list(before) == list(after))
    edited = 0
    for k in before:
        assert before[k].dtype == after[k].dtype and before[k].shape == after[k].shape, k
        same = torch.equal(before[k].contiguous().view(torch.uint8) if before[k].dim() else before[k],
                           after[k].contiguous().view(torch.uint8) if after[k].dim() else after[k])
        matrix = before[k].dim() in (2, 4)
        assert same or matrix, f"{name}: {k} is no layer's weight and was changed"
        edited += not same
    assert edited > 3, name
    for extra in ("config.json", "preprocessor_config.json"):
        assert open(f"{name}/{extra}").read() == open(f"{name}-out/{extra}").read()
    config = transformers.AutoConfig.from_pretrained(name + "-out")
    cls = getattr(transformers, config.architectures[0])
    model = cls.from_pretrained(name + "-out", dtype=torch.float32).eval()
    with h5py.File(C + ".h5") as f: x = (torch.from_numpy(f["test/images"][:]).float() / 255 - 0.5) / 0.5
    with torch.no_grad(): want = model(pixel_values=x).logits.numpy()
    with h5py.File(name + "-out.h5") as f: check(name + "-out", f["logits"][:], want)
for file in ("modules.ckpt", "wrapped.safetensors"):
    with h5py.File(file + ".h5") as f: check(file, f["logits"][:], np.load("modules.npy"))
before, after = (torch.load(f, weights_only=True) for f in ("modules.ckpt", "modules-out.ckpt"))
assert after["epoch"] == 3 and list(before["state_dict"]) == list(after["state_dict"])
assert not torch.equal(before["state_dict"]["model.classifier.weight"], after["state_dict"]["model.classifier.weight"])
PY
"$python" compare.py 2>error || { cat error; exit 1; }

# what the folder says, and what the command may not
ok inspect vit
has stdout "folder: written by transformers, model vit, weights in model.safetensors"
has stdout "classes: dog, yak, ant bee, cat"
has stdout "architecture: vit_patch8_32_w32_d2_h2_m64_eps1e-12, 4 classes, images of 3x32x32"
ok inspect odd.safetensors
has stdout "nearest is vit_patch8_32_w192_d1_h3_m64, but it does not fit"
has stdout "missing: encoder.ln.weight; unexpected: vit.extra"
has stdout "docs/python.md"
has stdout "docs/signals.md"
ok inspect --json odd.safetensors
has stdout '"nearest": "vit_patch8_32_w192_d1_h3_m64"'
data="--data hdf5:3.h5"
# shellcheck disable=SC2086 # words
{
    refuses 2 "--mean 0.4 is not what vit/preprocessor_config.json says, which is 0.5,0.5,0.5" eval --weights vit $data --mean 0.4
    refuses 2 "--arch vit_patch8_32_w32_d2_h4_m64 is not what vit/config.json says" eval --arch vit_patch8_32_w32_d2_h4_m64 --weights vit $data
    ok eval --weights vit $data --mean 0.4 --arch vit_patch8_32_w32_d2_h4_m64 --override
    printf 'cat\nyak\nant bee\ndog\n' >wrong
    refuses 2 "wrong:1: class 0 is 'cat', but vit/config.json calls class 3 so" eval --weights vit $data --class-map wrong
    ok eval --weights vit $data --class-map wrong --override
    mkdir busy && touch busy/x
    refuses 2 "is a folder with other files in it" unlearn --weights vit $data --forget yak --method svd -o busy
    refuses 2 "is the input" unlearn --weights vit $data --forget yak --method svd -o vit/
    ok audit --weights vit-out --original vit $data --forget yak -o audit
    ok audit --verify audit
}
rm vit-out/config.json
refuses 1 "vit-out: has no config.json" inspect vit-out

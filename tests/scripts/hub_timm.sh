# Folders as timm writes them (config.json with pretrained_cfg, weights), on pictures of odd sizes: logits of its networks on
# its own transforms within 1e-4 of the largest, and the unlearned folder loads again. More with EXPUNGE_LONG.
set -eu
. "$EXPUNGE_TESTS/scripts/python"
need_python timm torchvision torch h5py PIL
cat >make.py <<'PY'
import glob, json, os, warnings
warnings.filterwarnings("ignore")
import numpy as np, timm, torch
from PIL import Image
from timm.data import create_transform

rng = np.random.default_rng(0)
for split in ("train", "test"):
    for name in ("cat", "ant bee", "dog", "yak"):
        os.makedirs(f"photos/{split}/{name}")
        for i in range(8):
            h, w = rng.integers(17, 90, 2)
            h = max(h, w)  # Pillow 13 takes tall images down first, where rounding differs by a level
            small = rng.integers(0, 256, (max(2, w // 4), max(2, h // 4), 3), dtype=np.uint8)
            Image.fromarray(small).resize((int(h), int(w)), 3).save(f"photos/{split}/{name}/{i:02d}.png")
LABELS = ["dog", "yak", "ant bee", "cat"]
CASES = {
    "small": ("vit_small_patch16_224", dict(input_size=(3, 32, 32)), dict(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2)),
    "tiny": ("vit_tiny_patch16_224", dict(input_size=(3, 64, 64), crop_mode="squash", interpolation="bilinear", crop_pct=1.0), dict(img_size=64)),
    "vit_s": ("vit_small_patch16_224", dict(input_size=(3, 32, 32)), dict(img_size=32, depth=1)),
    "vit_b": ("vit_base_patch32_224", dict(input_size=(3, 64, 64)), dict(img_size=64, depth=1)),
    "deit": ("deit_tiny_patch16_224", dict(input_size=(3, 48, 48)), dict(img_size=48)),
    "resnet18": ("resnet18", dict(input_size=(3, 64, 64), crop_pct=0.95), {}),
    "resnet50": ("resnet50", dict(input_size=(3, 40, 40)), {}),
    "mobilenet_v2": ("mobilenetv2_100", dict(input_size=(3, 64, 64)), {}),
    "mobilenet_v3": ("mobilenetv3_small_100", dict(input_size=(3, 64, 64)), {}),
    "efficientnet": ("efficientnet_b0", dict(input_size=(3, 64, 64)), {}),
    "regnet": ("regnety_004", dict(input_size=(3, 64, 64)), {}),
    "convnext": ("convnext_tiny", dict(input_size=(3, 64, 64)), {}),
    "swin": ("swin_tiny_patch4_window7_224", {}, {}),
}
torch.manual_seed(0)
for name, (arch, cfg, args) in CASES.items():
    if name not in ("small", "tiny", "resnet18") and not os.environ.get("EXPUNGE_LONG"): continue
    model = timm.create_model(arch, num_classes=4, **args)
    for key, p in model.named_parameters():
        if p.dim() > 1: torch.nn.init.normal_(p, 0, 0.3 if p.dim() == 3 else (2 / p[0].numel()) ** 0.5)
        elif key.endswith("weight"): torch.nn.init.normal_(p, 1, 0.2)
        else: torch.nn.init.normal_(p, 0, 0.2)
    for key, b in model.named_buffers():
        if key.endswith("running_mean"): torch.nn.init.normal_(b, 0, 0.2)
        if key.endswith("running_var"): torch.nn.init.uniform_(b, 0.5, 1.5)
    model.eval()
    cfg = {**{k: v for k, v in model.pretrained_cfg.items() if v is not None and k != "url"}, **cfg}
    config = dict(architecture=cfg.pop("architecture"), num_classes=4, num_features=model.num_features,
                  global_pool="token" if "vit" in arch or "deit" in arch else "avg", label_names=LABELS, model_args=args, pretrained_cfg=cfg)
    os.makedirs(name)
    json.dump(config, open(name + "/config.json", "w"), indent=2)
    torch.save(model.state_dict(), name + "/pytorch_model.bin")
    prepare = create_transform(input_size=cfg["input_size"], is_training=False, interpolation=cfg["interpolation"], mean=cfg["mean"],
                               std=cfg["std"], crop_pct=cfg["crop_pct"], crop_mode=cfg.get("crop_mode"))
    files = sorted(glob.glob("photos/test/*/*.png"), key=lambda file: (file.split("/")[2].encode(), file))
    x = torch.stack([prepare(Image.open(file).convert("RGB")) for file in files])
    with torch.no_grad(): np.save(name + ".npy", model(x).numpy())
    torch.save((arch, args, x), name + ".case")
    print(name)
PY
"$python" make.py >names 2>error || { cat error; exit 1; }
while read -r name; do
    "$EXPUNGE" predict --weights "$name" --data imagefolder:photos --split test --quiet -o "$name.h5" >/dev/null
    "$EXPUNGE" unlearn --weights "$name" --data imagefolder:photos --forget yak --method svd --quiet -o "$name-out" >/dev/null
    "$EXPUNGE" predict --weights "$name-out" --data imagefolder:photos --split test --quiet -o "$name-out.h5" >/dev/null
done <names
for size in 64x64 16x16 40x24; do # positions interpolated as timm does
    "$EXPUNGE" predict --weights small --data imagefolder:photos --split test --image-size $size --resize $size --crop none \
        --override --quiet -o "$size.h5" >/dev/null
done
"$EXPUNGE" unlearn --weights small --data imagefolder:photos --forget yak --method svd --image-size 40x24 --resize 40x24 \
    --crop none --override --quiet -o larger.safetensors >/dev/null
"$EXPUNGE" inspect --json larger.safetensors >larger.json
cat >compare.py <<'PY'
import warnings
warnings.filterwarnings("ignore")
import glob, json
import h5py, numpy as np, timm, torch
from PIL import Image
from timm.data import create_transform
from timm.layers import resample_abs_pos_embed

def check(name, want):
    with h5py.File(name + ".h5") as f: got = f["logits"][:]
    off = abs(got - want).max() / abs(want).max()
    assert off < 1e-4, f"{name}: logits are off by {off:.1e} of the largest"
    assert want.std(0).min() > 10 * abs(got - want).max(), f"{name}: all pictures get the same answer"
    print(f"{name}: {off:.1e} of the largest logit")

for name in open("names").read().split():
    check(name, np.load(name + ".npy"))
    arch, args, x = torch.load(name + ".case")
    model = timm.create_model(arch, num_classes=4, **args).eval()
    model.load_state_dict(torch.load(name + "-out/pytorch_model.bin"))
    with torch.no_grad(): check(name + "-out", model(x).numpy())
    before = torch.load(name + "/pytorch_model.bin")
    edited = [k for k, v in model.state_dict().items() if not torch.equal(v, before[k])]
    assert len(edited) > 3 and all(before[k].dim() in (2, 4) for k in edited), name
    assert open(name + "/config.json").read() == open(name + "-out/config.json").read()
arch, args, _ = torch.load("small.case")
state = torch.load("small/pytorch_model.bin")
files = sorted(glob.glob("photos/test/*/*.png"), key=lambda file: (file.split("/")[2].encode(), file))
for size in ((64, 64), (16, 16), (40, 24)):
    model = timm.create_model(arch, num_classes=4, **{**args, "img_size": size}).eval()
    model.load_state_dict({**state, "pos_embed": resample_abs_pos_embed(state["pos_embed"], new_size=model.patch_embed.grid_size)})
    prepare = create_transform(input_size=(3, *size), is_training=False, interpolation="bicubic", mean=(0.5,) * 3, std=(0.5,) * 3,
                               crop_pct=1.0, crop_mode="squash")
    x = torch.stack([prepare(Image.open(file).convert("RGB")) for file in files])
    with torch.no_grad(): check("%dx%d" % size, model(x).numpy())
shapes = {t["name"]: t["shape"] for t in json.load(open("larger.json"))["tensors"]}
assert shapes["pos_embed"] == [1, 1 + 5 * 3, 32]
PY
"$python" compare.py 2>error || { cat error; exit 1; }
[ "$(wc -l <names)" -ge 3 ]

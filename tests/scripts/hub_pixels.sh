# Folders that transformers writes, on pictures of odd sizes: the pixels are those of its image processors, which a data
# set of them shows (the same logits, bit for bit), and the logits those of its networks. More with EXPUNGE_LONG.
set -eu
. "$EXPUNGE_TESTS/scripts/python"
need_python transformers torch h5py PIL
cat >make.py <<'PY'
import glob, json, os, sys, warnings
warnings.filterwarnings("ignore")
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import h5py, numpy as np, torch
import PIL
from PIL import Image
# by their files: from the package itself, each import looks through all models, which takes minutes
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil
from transformers import DeiTConfig, DeiTForImageClassification, ResNetConfig, ResNetForImageClassification
from transformers import ViTConfig, ViTForImageClassification

if int(PIL.__version__.split(".")[0]) >= 13:
    # Pillow 13 takes tall images down first, where rounding differs by a level: two resizes keep the order of all before
    whole = Image.Image.resize
    def across_then_down(image, size, *args, **named):
        return whole(whole(image, (size[0], image.size[1]), *args, **named), size, *args, **named)
    Image.Image.resize = across_then_down

rng = np.random.default_rng(0)
for split in ("train", "test"):
    for name in ("cat", "ant bee", "dog", "yak"):
        os.makedirs(f"photos/{split}/{name}")
        for i in range(13):
            h, w = rng.integers(17, 90, 2)
            small = rng.integers(0, 256, (max(2, h // 4), max(2, w // 4), 3), dtype=np.uint8)
            Image.fromarray(small).resize((int(w), int(h)), 3).save(f"photos/{split}/{name}/{i:02d}.png")

LABELS = ["dog", "yak", "ant bee", "cat"]  # not the order of the folders
NAMES = dict(id2label=dict(enumerate(LABELS)), label2id={v: k for k, v in enumerate(LABELS)})
SMALL = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, patch_size=8, **NAMES)

def vit(size, **more): return ViTForImageClassification(ViTConfig(image_size=size, **SMALL, **more))
def square(n): return {"height": n, "width": n}

CASES = {
    "bilinear": (vit(32), ViTImageProcessorPil(size=square(32))),
    "bicubic": (vit([32, 48], hidden_act="relu", layer_norm_eps=1e-3),
                ViTImageProcessorPil(size={"height": 32, "width": 48}, resample=3, image_mean=[0.1, 0.2, 0.3], image_std=[0.3, 0.4, 0.5])),
    "scaled": (vit(40), ViTImageProcessorPil(size=square(40), rescale_factor=1 / 127.5, image_mean=[1.0] * 3)),
    "raw": (vit(24), ViTImageProcessorPil(size=square(24), do_normalize=False)),
    "deit": (DeiTForImageClassification(DeiTConfig(image_size=32, **SMALL)),
             DeiTImageProcessorPil(size={"height": 39, "width": 37}, crop_size=square(32))),
    "deit_small": (DeiTForImageClassification(DeiTConfig(image_size=32, **SMALL)),
                   DeiTImageProcessorPil(size={"height": 27, "width": 45}, crop_size=square(32))),
    "convnext": (ResNetForImageClassification(ResNetConfig(embedding_size=64, hidden_sizes=[64, 128, 256, 512],
                 depths=[2, 2, 2, 2], layer_type="basic", **NAMES)), ConvNextImageProcessorPil(size={"shortest_edge": 41}, crop_pct=0.9)),
}
torch.manual_seed(0)
QUICK = ("bilinear", "deit", "convnext")
for name, (model, processor) in CASES.items():
    if name not in QUICK and not os.environ.get("EXPUNGE_LONG"): continue
    for key, p in model.named_parameters():  # so that every tensor and every picture matters
        if p.dim() > 1: torch.nn.init.normal_(p, 0, 0.3 if p.dim() == 3 else (2 / p[0].numel()) ** 0.5)
        elif key.endswith("weight"): torch.nn.init.normal_(p, 1, 0.2)
        else: torch.nn.init.normal_(p, 0, 0.2)
    for key, b in model.named_buffers():
        if key.endswith("running_mean"): torch.nn.init.normal_(b, 0, 0.2)
        if key.endswith("running_var"): torch.nn.init.uniform_(b, 0.5, 1.5)
    model.eval().save_pretrained(name)
    processor.save_pretrained(name)
    with h5py.File(f"{name}.h5", "w") as f:
        for split in ("train", "test"):
            files = sorted(glob.glob(f"photos/{split}/*/*.png"), key=lambda file: (file.split("/")[2].encode(), file))
            images = [Image.open(file) for file in files]
            raw = np.concatenate([processor(x, do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"] for x in images])
            assert raw.dtype == np.uint8 and len(raw) == 52
            f[split + "/images"] = raw
            f[split + "/labels"] = [LABELS.index(file.split("/")[2]) for file in files]
        f.attrs.create("classes", LABELS, dtype=h5py.string_dtype())
        scale = 255 * processor.rescale_factor
        if processor.do_normalize:
            f.attrs["mean"] = np.float32(np.array(processor.image_mean) / scale)
            f.attrs["std"] = np.float32(np.array(processor.image_std) / scale)
        with torch.no_grad():
            f["logits"] = torch.cat([model(**processor(x, return_tensors="pt")).logits for x in images]).numpy()
    print(name)
PY
"$python" make.py >names 2>error || { cat error; exit 1; }
while read -r name; do
    plain=
    [ "$name" != raw ] || plain="--mean none --std none"
    "$EXPUNGE" predict --weights "$name" --data imagefolder:photos --split test --quiet -o got.h5 >/dev/null
    # shellcheck disable=SC2086 # words
    "$EXPUNGE" predict --weights "$name" --data "hdf5:$name.h5" --resize none --crop none $plain --override --split test \
        --quiet -o want.h5 >/dev/null
    "$python" - "$name" <<'PY'
import sys, h5py, numpy as np
name = sys.argv[1]
with h5py.File("got.h5") as got, h5py.File("want.h5") as want, h5py.File(name + ".h5") as theirs:
    ours, reference = got["logits"][:], theirs["logits"][:]
    assert (ours == want["logits"][:]).all(), f"{name}: not the pixels of transformers"
    off = abs(ours - reference).max() / abs(reference).max()
    assert off < 1e-4, f"{name}: logits are off by {off:.1e} of the largest"
    assert reference.std(0).min() > 10 * abs(ours - reference).max(), f"{name}: all pictures get the same answer"
    print(f"{name}: {off:.1e} of the largest logit")
PY
done <names
[ "$(wc -l <names)" -ge 3 ]

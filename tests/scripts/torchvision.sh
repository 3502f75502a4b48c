# Image folders through the program and through torchvision: the same classes, order, labels and pixels. The pixels of
# torchvision go through an HDF5 file; what a network makes of every image, to the bit, and the labels must agree. (One level of
# one pixel is 1/255/0.229 = 0.017 for the network: a logit in float32 shows a ten-thousandth of that.)
set -eu
. "$EXPUNGE_TESTS/scripts/python"
need_python torchvision h5py
images=$EXPUNGE_TESTS/fixtures/images
for split in train test; do
    mkdir -p "d/$split/ant/below" "d/$split/Bee" "d/$split/cat 2" "d/$split/cat-1"
    cp "$images"/rgb*.jpg "$images/cmyk.jpg" "d/$split/ant"
    cp "$images/palette_alpha.png" "$images/grey.jpg" "d/$split/ant/below"
    cp "$images"/grey.* "$images/rgba.png" "d/$split/Bee"
    cp "$images/progressive.jpg" "d/$split/cat 2/10.JPG"
    cp "$images/bits.png" "d/$split/cat 2/9.png"
    cp "$images/palette.png" "$images"/grey16*.png "$images"/*.webp "d/$split/cat-1"
    mkdir "d/$split/cat-1/folder.jpg"
    cp "$images/rgb16.png" "d/$split/cat-1/folder.jpg"
done
rm d/test/ant/cmyk.jpg
cat >cases <<'CASES'
64 56 bilinear
32 28 bicubic
17x33 none bilinear
20 40 bilinear
CASES
"$python" - <<'PY'
import h5py, numpy as np, torchvision.transforms as T
from torchvision.datasets import ImageFolder
from torchvision.transforms import InterpolationMode as I
for n, line in enumerate(open("cases")):
    resize, crop, how = line.split()
    size = tuple(int(s) for s in resize.split("x"))
    steps = [T.Resize(size if len(size) > 1 else size[0], interpolation=I[how.upper()])]
    if crop != "none":
        steps.append(T.CenterCrop(int(crop)))
    with h5py.File(f"{n}.h5", "w") as f:
        for split in ("train", "test"):
            data = ImageFolder("d/" + split, T.Compose(steps))
            f[split + "/images"] = np.stack([np.asarray(x).transpose(2, 0, 1) for x, _ in data])
            f[split + "/labels"] = [y for _, y in data]
        f.attrs.create("classes", data.classes, dtype=h5py.string_dtype())
        f.attrs["mean"], f.attrs["std"] = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
PY
predict() { # predict NAME DATA...: logits and labels of training and test images
    local name=$1 split
    shift
    for split in train test; do
        "$EXPUNGE" predict --arch mlp --weights w.safetensors --data "$@" --split $split --quiet -o $name-$split.h5 >/dev/null
    done
}
cat >same.py <<'PY'
import h5py, numpy as np
for split in ("train", "test"):
    with h5py.File(f"got-{split}.h5") as a, h5py.File(f"want-{split}.h5") as b:
        assert {"logits", "labels"} <= set(a) and set(a) == set(b), (set(a), set(b))
        for name in a:
            assert np.array_equal(a[name][()], b[name][()]), f"{split}: {name} differ"
PY
n=0
while read -r resize crop how; do
    "$EXPUNGE" train --arch mlp --data hdf5:$n.h5 --set epochs=1 --set batch_size=4 --quiet -o w.safetensors >/dev/null
    predict want hdf5:$n.h5
    predict got imagefolder:d --resize "$resize" --crop "$crop" --interpolation "$how"
    "$python" same.py || { echo "$resize $crop $how: not torchvision's pixels"; exit 1; }
    n=$((n + 1))
done <cases
[ $n -eq 4 ]

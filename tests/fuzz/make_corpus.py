#!/usr/bin/python3
"""Makes the seeds of tests/fuzz/corpus (python3-torch, python3-numpy, python3-pil). Regression files, named by what they broke, are
added by hand and stay."""
import collections, gzip, io, json, os, pickle, struct, zipfile
import numpy, torch
from PIL import Image

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
def put(target, name, data):
    os.makedirs(os.path.join(here, target), exist_ok=True)
    open(os.path.join(here, target, name), "wb").write(data)

def safetensors(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data
put("safetensors", "empty", safetensors({}, b""))
put("safetensors", "three", safetensors({
    "__metadata__": {"format": "pt"}, "a.weight": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
    "b": {"dtype": "BF16", "shape": [], "data_offsets": [8, 10]}, "c": {"dtype": "I64", "shape": [0, 4],
    "data_offsets": [10, 10]}}, bytes(10)))
put("safetensors", "overlap", safetensors({
    "a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "b": {"dtype": "U8", "shape": [4],
    "data_offsets": [2, 6]}}, bytes(6)))

plain = {"a": [1, -2, 300, 70000, 2**40, 2**80, 1.5], b"b": (None, True, "text"), 3: ({}, []), "o": collections.OrderedDict(x=1)}
for protocol in range(2, 6):
    put("pickle", "plain%d" % protocol, pickle.dumps(plain, protocol))
put("pickle", "cifar", pickle.dumps({b"data": numpy.zeros((2, 3), numpy.uint8), b"labels": [1, 2]}, 2))
put("pickle", "floats", pickle.dumps({"x": numpy.zeros(3), "y": numpy.zeros((1, 2), ">f4")}, 4))
put("pickle", "system", pickle.dumps(os.system, 2) [:-1] + b"X\x02\0\0\0ls\x85R.")
put("pickle", "itself", b"\x80\x02]q\0h\0a.")

def saved(value):
    out = io.BytesIO()
    torch.save(value, out)
    return out.getvalue()
def inner(data):
    archive = zipfile.ZipFile(io.BytesIO(data))
    return archive.read([n for n in archive.namelist() if n.endswith("data.pkl")][0])
flat, half = torch.zeros(16), torch.zeros(8, dtype=torch.float16)
put("pytorch", "plain", inner(saved({"a": flat.view(4, 4), "b": half})))
put("pytorch", "views", inner(saved({"net": {"a": flat[:8].view(2, 4).t(), "b": flat[3:4].expand(5), "h": half[1:7:2]}})))
put("pytorch", "parameter", inner(saved({"state_dict": collections.OrderedDict(w=torch.nn.Parameter(flat)), "epoch": 3})))
put("pytorch", "archive", saved({"a": torch.zeros(2), "b": torch.zeros(1, dtype=torch.int64)}))

def idx(n, h, w):
    return (struct.pack(">IIII", 0x803, n, h, w) + bytes(range(n * h * w)), struct.pack(">II", 0x801, n) + bytes(i % 10 for i in range(n)))
def put_idx(name, images, labels):
    put("idx", name, struct.pack(">H", len(images)) + images + labels)
images, labels = idx(3, 4, 5)
put_idx("plain", images, labels)
put_idx("gzip", gzip.compress(images, mtime=0), gzip.compress(labels, mtime=0))
put_idx("half", images[:30], labels)

pixels = numpy.zeros((1, 3072), numpy.uint8)
put("cifar", "binary", b"\0" + bytes([3, 17]) + pixels.tobytes() + bytes([19, 99]) + pixels.tobytes())
put("cifar", "coarse", b"\2" + bytes([3, 17]) + pixels.tobytes())
batch = {"data": pixels, "fine_labels": [17], "coarse_labels": [3], "filenames": ["a.png"], "batch_label": "a batch"}
for protocol in range(2, 5):
    put("cifar", "pickle%d" % protocol, bytes([3 if protocol == 3 else 1]) + pickle.dumps(batch, protocol))

def put_image(name, image, **how):
    out = io.BytesIO()
    image.save(out, **how)
    put("image", name, out.getvalue())
rng = numpy.random.default_rng(1)
def noise(c):
    return rng.integers(0, 256, (9, 11, c)).astype(numpy.uint8)
rgb, grey = Image.fromarray(noise(3)), Image.fromarray(noise(1)[..., 0])
put_image("rgb_jpeg", rgb, format="JPEG", quality=50)
put_image("progressive_jpeg", rgb, format="JPEG", progressive=True, quality=50)
put_image("grey_jpeg", grey, format="JPEG", quality=50)
put_image("cmyk_jpeg", Image.fromarray(noise(4), mode="CMYK"), format="JPEG", quality=50)
put_image("rgb_png", rgb, format="PNG")
put_image("rgba_png", Image.fromarray(noise(4), mode="RGBA"), format="PNG")
put_image("palette_png", rgb.quantize(9), format="PNG", transparency=2)
put_image("bits_png", grey.convert("1"), format="PNG")
put_image("deep_png", Image.fromarray(noise(1)[..., 0].astype(numpy.uint16) * 257), format="PNG")

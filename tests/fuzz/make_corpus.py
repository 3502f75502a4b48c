#!/usr/bin/python3
"""Makes the seeds of tests/fuzz/corpus (python3-torch, python3-numpy, python3-pil). Regression files, named by what they broke, are
added by hand and stay."""
import argparse, collections, gzip, io, json, os, pathlib, pickle, struct, tarfile, zipfile
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

put("safetensors", "many_keys", safetensors({"__metadata__": {"k%d" % i: "v" for i in range(1000)}}, b""))
put("safetensors", "many_tensors", safetensors({"t%d" % i: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(400)}, b""))

plain = {"a": [1, -2, 300, 70000, 2**40, 2**80, 1.5], b"b": (None, True, "text"), 3: ({}, []), "o": collections.OrderedDict(x=1)}
for protocol in range(2, 6):
    put("pickle", "plain%d" % protocol, pickle.dumps(plain, protocol))
put("pickle", "cifar", pickle.dumps({b"data": numpy.zeros((2, 3), numpy.uint8), b"labels": [1, 2]}, 2))
put("pickle", "floats", pickle.dumps({"x": numpy.zeros(3), "y": numpy.zeros((1, 2), ">f4")}, 4))
put("pickle", "text", pickle.dumps(plain, 0))
put("pickle", "text1", pickle.dumps(plain, 1))
put("pickle", "arrays0", pickle.dumps({"x": numpy.asfortranarray(numpy.zeros((2, 3), "i2")), "y": numpy.int64(3)}, 0))
put("pickle", "arrays5", pickle.dumps({"x": numpy.zeros((2, 3, 4), "u1").transpose(0, 2, 1), "y": numpy.float64(3)}, 5))
put("pickle", "python2", b"(dp1\nS'it\\'s\\x00\\n'\np2\nI01\nsS\"b\"\nL12L\nsI5\nF1e-3\ns.")
put("pickle", "system", pickle.dumps(os.system, 2) [:-1] + b"X\x02\0\0\0ls\x85R.")
beside = {"c": collections.Counter({91: 1}), "n": argparse.Namespace(lr=0.5, p=pathlib.PurePosixPath("/d")), "s": {3, 7}, "f": frozenset((1, 2)),
          "d": collections.defaultdict(list, x=[1]), "q": collections.deque([1]), "y": bytearray(b"xy"), "z": numpy.float64(1.5)}
for protocol in (2, 4, 5):
    put("pickle", "beside%d" % protocol, pickle.dumps(beside, protocol))
put("pickle", "strange", pickle.dumps({"e": collections.defaultdict(os.system), "g": (getattr, "x")}, 2))
put("pickle", "round", b"\x80\x02]q\0(h\0}q\1(K\1h\0K\2h\1\x85uh\1\x86e.")

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
def old(value):
    out = io.BytesIO()
    torch.save(value, out, _use_new_zipfile_serialization=False)
    return out.getvalue()
four = torch.zeros(2, 4)
copies = {"state_dict": {"a.w": four, "b": half}, "ema": {"n_averaged": torch.tensor(3), "module.a.w": four + 1, "module.b": half},
          "opt": {"state": {0: {"exp_avg": four + 2}}}, "args": argparse.Namespace(f=os.system), "s": {3}}
put("pytorch", "copies", saved(copies))
put("pytorch", "old", old(copies))
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
for protocol in range(6):
    put("cifar", "pickle%d" % protocol, bytes([3 if protocol == 3 else 1]) + pickle.dumps(batch, protocol))
put("cifar", "last", b"\1" + pickle.dumps({**batch, "data": pixels.reshape(1, 32, 32, 3), "fine_labels": numpy.array([17])}, 2))
put("cifar", "axes", b"\1" + pickle.dumps({**batch, "data": pixels.reshape(1, 3, 32, 32).transpose(0, 2, 3, 1)}, 5))

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
put_image("lossy_webp", rgb, format="WEBP", quality=50)
put_image("lossless_webp", Image.fromarray(noise(4), mode="RGBA"), format="WEBP", lossless=True)
for name, form in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
    out, image = io.BytesIO(), io.BytesIO()
    rgb.save(image, format="PNG")
    with tarfile.open(fileobj=out, mode="w", format=form) as t:
        for member, data in (("a.png", image.getvalue()), ("a.cls", b"1"), (("b" if name == "ustar" else "b" * 120) + ".json", b'{"label": 0}'),
                             (("b" if name == "ustar" else "b" * 120) + ".png", image.getvalue())):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    whole = out.getvalue()
    put("wds", name, whole[:(len(whole.rstrip(b"\0")) + 1535) // 512 * 512])
put_image("animation_webp", rgb, format="WEBP", save_all=True, append_images=[Image.fromarray(noise(3))], quality=50)

# a run's light copy (store/light.c), behind the byte that says so; 255: changes of the HDF5 image
def text(t):
    t = t.encode() if isinstance(t, str) else t
    return struct.pack("<q", len(t)) + t
def group(path):
    return b"G" + text(path)
def attribute(name, value):
    return b"A" + text(name) + (struct.pack("<qd", 0, value) if isinstance(value, float) else struct.pack("<q", 1) + text(value))
def texts(path, values):
    return b"T" + text(path) + struct.pack("<q", len(values)) + b"".join(map(text, values))
def array(path, kind, shape, data):
    return b"N" + text(path) + struct.pack("<%dq" % (2 + len(shape)), kind, len(shape), *shape) + data
schema = b"\0" + struct.pack("<q", 3)
root = group("/") + attribute("id", "abc") + attribute("status", "ok") + attribute("seed", 42.0)
put("run", "plain", schema + root + group("/metrics") + texts("/metrics/names", ["acc", ""]) + array("/metrics/value", 0, [2], struct.pack("<dd", 1, 2)))
put("run", "no_id", schema + group("/"))
put("run", "empty_array", schema + root + array("/x", 1, [0, 2**62], b"") + array("/y", 4, [], b"\7"))
put("run", "huge_array", schema + root + array("/x", 0, [2**62, 8], b""))
put("run", "twice", schema + root + root + array("/meta", 4, [1], b"\1") + group("/meta"))
put("run", "deep", schema + root + group("/a" * 40))
put("run", "attributes", schema + root + b"".join(attribute("n%05d" % i, 0.5) for i in range(30, 0, -1)))
put("run", "superblock", b"\xff" + struct.pack("<HBHBHB", 13, 4, 40, 255, 60, 0))
put("run", "far_away", b"\xff" + b"".join(struct.pack("<HB", at, 255) for at in range(64, 160, 7)))

def put_texts(target, name, *texts):
    put(target, name, b"\0".join(t.encode() for t in texts))
put_texts("yaml", "plain", "a: 1\nb:\n  - x\n  - 'y: z'\n  - [1, 2.5, \"q\\n\"]\nc: {d: ~, e: |\n    two\n    lines\n}\n")
put_texts("yaml", "block", "# text\nname: demo\nmethods:\n  - svd\n  - {name: svd, set: {layers: last}}\ntext: >-\n  folded\n  lines\n")
put_texts("yaml", "set", "a: {b: [1, 2]}\n", "a.b.2=[x, {y: z}]", "a.c.d='q'", "a.b.0=", "e=1")
put_texts("yaml", "quotes", "'it''s': \"\\u00e9\\x41\\t\"\n? plain\n: - - deep\n")
put_texts("yaml", "refused", "a: &x 1\nb: *x\n")

config = """name: tiny
data: gaussians
arch: mlp
seeds: [0, 1]
train: {epochs: 2, lr: 0.1, augment: false}
forget: [1, [0, 2]]
validation: 0.2
methods:
  - retrain
  - {name: svd, label: small, set: {alpha_r: 3}, search: {alpha_f: [1, 3, 10]}}
  - random_projection
attacks:
  - {name: svc, wiring: kodge}
  - loss
search: {strategy: random, trials: 5, forget: 1}
relearn: {steps: 10}
probe: false
"""
put_texts("config", "plain", config)
put_texts("config", "set", config, "methods.1.set.alpha_r=10", "train.epochs=3", "seeds=[4, 5]")
put_texts("config", "images", config.replace("gaussians", "imagefolder:x\nmean: [0.5, 0.4, 0.3]\nstd: none\ncrop: 32")
          .replace("forget: [1, [0, 2]]", "forget: all"))

a, b = {"a1": "a.safetensors", "a2": "a.safetensors"}, {"b1": "b.safetensors"}
put_texts("shards", "two", json.dumps({"metadata": {"total_size": 16}, "weight_map": {**a, **b}}))
put_texts("shards", "absent", json.dumps({"weight_map": {**a, **b, "d": "d.safetensors"}}))
put("shards", "three", json.dumps({"weight_map": {**a, **b, "c1": "c.safetensors"}}).encode() + b"\0" +
    safetensors({"c1": {"dtype": "U8", "shape": [2, 2], "data_offsets": [0, 4]}}, bytes(4)))

put_texts("lists", "all", "0\n1\n 5\n", "0\ntest 2\ntrain 3\n", "".join("%d\tclass %d\n" % (k, k) for k in reversed(range(10))))
put_texts("lists", "map", "", "", "".join("%d\n" % k for k in range(10)))
put_texts("lists", "twice", "3\n3\n")

put("hdf5", "signals", b"\0")
put("hdf5", "images", b"\1")
put("hdf5", "weights", b"\2")
put("hdf5", "chunks", b"\0" + b"".join(bytes([3, k, 0x8e]) for k in range(11)))  # deflated, with room to grow
put("hdf5", "kinds", b"\2" + b"".join(bytes([0, k, 9 + k, 8 + 0, k]) for k in range(7)))  # other types, and attributes
put("hdf5", "shapes", b"\1\1\0\7\2\1\2\2\2\3\4\0\2\6\2\4\7\0\5")

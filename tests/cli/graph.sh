# Graph files: --arch graph:FILE.json in every command gives the numbers of the architecture that was printed; what is stored counts by
# the file's content.
. "$EXPUNGE_TESTS/cli/common"

same_tensors() { [ "$(tail -c "$3" "$1" | sha256sum)" = "$(tail -c "$3" "$2" | sha256sum)" ] || fail "$1 and $2 differ"; }

ok inspect --graph mlp --classes 4 --image-size 2x1x1
cp "$logs/stdout" net.json
G="--arch graph:net.json --data gaussians"
few="--set epochs=2 --set batch_size=1024 --set augment=false"

# the same weights, logits and verdicts as under the architecture's own name
ok train $tiny_train -o a.safetensors
ok train $G $few -o b.safetensors
size=$(($("$EXPUNGE" inspect a.safetensors | sed -n 's/.* tensors, \([0-9]*\) values.*/\1/p') * 4))
same_tensors a.safetensors b.safetensors $size
ok inspect b.safetensors
pinned=$(sed -n 's/^ *expunge.arch: //p' "$logs/stdout")
[[ $pinned =~ ^graph:net\.json#[0-9a-f]{16}$ ]] || fail "the weights name $pinned"
for command in "eval" "eval --forget 1"; do
    "$EXPUNGE" $command $toy --weights a.safetensors --json >a.out 2>/dev/null
    ok $command $G --weights a.safetensors --json
    cmp -s a.out "$logs/stdout" || fail "$command differs"
done
ok unlearn $toy --weights a.safetensors --forget 1 --method svd -o au.safetensors
ok unlearn $G --weights a.safetensors --forget 1 --method svd -o bu.safetensors
same_tensors au.safetensors bu.safetensors $size
ok unlearn --arch "$pinned" --data gaussians --weights a.safetensors --forget 1 --method svd -o cu.safetensors
same_tensors au.safetensors cu.safetensors $size
ok predict $G --weights bu.safetensors --split test -o p.h5
ok audit $G --weights bu.safetensors --original b.safetensors --forget 1 -o audit
grep -q "graph:net.json#" audit/report.html || fail "the page does not name the file"
ok audit --verify audit
ok bench --arch graph:net.json --batch-size 8

# by content: another place is the same, another content is refused under the old name
mkdir elsewhere && cp net.json elsewhere/moved.json
toy_config 'forget: [0]' 'methods: [none, svd]' 'seeds: [0]' 'train: {epochs: 1}' 'attacks: []'
sed -i 's|^arch: .*|arch: graph:../net.json|' c.yaml
mkdir configs && mv c.yaml configs/c.yaml
ok run configs/c.yaml --results r --jobs 2 --threads 2
has stdout " 0 failed"
jobs=$(ls r/t/*.h5 | wc -l)
ok run configs/c.yaml --results r --dry-run
has stdout "$jobs jobs, $jobs complete"
ok run configs/c.yaml --results r --dry-run --set arch=graph:elsewhere/moved.json
has stdout "$jobs jobs, $jobs complete"
for run in r/t/*.h5; do
    "$EXPUNGE" inspect "$run" | grep -q "arch  *graph:configs/../net.json#" || fail "$run does not name the file"
done
sed -i 's/"relu"/"silu"/' elsewhere/moved.json
ok run configs/c.yaml --results r --dry-run --set arch=graph:elsewhere/moved.json
has stdout "$jobs jobs, 0 complete"
sed -i 's/"op": "relu"/"op": "silu"/' net.json
refuses 1 "net.json: the graph file is not the one that was named" eval --arch "$pinned" --data gaussians --weights a.safetensors
ok eval $G --weights a.safetensors --json
! cmp -s a.out "$logs/stdout" || fail "silu gave the numbers of relu"

# the images are prepared as the file says, unless the command is to override that
sed 's/"input": *\[[^]]*\]/"input": [1, 28, 28], "normalize": {"mean": [0.25], "std": [0.5]}/' net.json >grey.json
ok inspect --graph graph:grey.json
grep -q '"normalize": {"mean": \[0.25\], "std": \[0.5\]}' "$logs/stdout" || fail "printed without its normalize"

# wrong ones
refuses 1 "none.json" eval --arch graph:none.json --data gaussians --weights a.safetensors
refuses 2 "must be graph:FILE.json" eval --arch graph: --data gaussians --weights a.safetensors
echo '{"format": "expunge-graph", "version": 1, "input": [2, 1, 1], "classes": 4, "output": "a", "nodes": [{"name": "a", "op": "linaer"}]}' >wrong.json
refuses 1 "wrong.json: node 'a': there is no operation 'linaer'; did you mean 'linear'?" eval --arch graph:wrong.json --data gaussians --weights a.safetensors
sed 's/"layers.0"/"layer.0"/g' net.json >other.json
refuses 1 "missing: layer.0.weight (the file has layers.0.weight)" eval --arch graph:other.json --data gaussians --weights a.safetensors
refuses 2 "--graph takes neither a FILE nor --json" inspect --graph mlp a.safetensors
refuses 2 "FILE or --graph ARCH is missing" inspect
refuses 2 "go with --graph ARCH" inspect a.safetensors --classes 3
refuses 2 "did you mean 'resnet18'" inspect --graph resnet81
for size in 3x x3 3x3x3x3 a; do refuses 2 "must be a number of pixels, HxW, or CxHxW" inspect --graph mlp --image-size $size; done

# printed from what was printed (tests/nn/test_graph_file.c: every architecture)
archs="resnet18 vit_ti_16 efficientnet_b0 densenet121 convnet"
[ ! "${EXPUNGE_LONG:-}" ] || archs=$("$EXPUNGE" list archs --names)
for arch in $archs; do
    "$EXPUNGE" inspect --graph $arch >schema-$arch.json || fail "$arch is not printed"
    "$EXPUNGE" inspect --graph graph:schema-$arch.json | cmp - schema-$arch.json || fail "$arch reads back as something else"
done

. "$EXPUNGE_TESTS/scripts/python"
if python_with jsonschema; then # and the schema takes what the program prints, and the page's example
    "$python" - "$EXPUNGE_TESTS/../docs" <<'PY' || fail "the schema"
import glob, json, re, sys, jsonschema
docs = sys.argv[1]
check = jsonschema.Draft202012Validator(json.load(open(docs + "/graph.schema.json")))
texts = [open(f).read() for f in glob.glob("schema-*.json")] + [re.search(r"```json\n(.*?)\n```", open(docs + "/graph.md").read(), re.S).group(1)]
assert len(texts) > 5
for text in texts: check.validate(json.loads(text))
good = json.loads(texts[-1])
for wrong in ({"version": 2}, {"input": [3, 8]}, {"nodes": []}, {"nodes": [{"name": "a", "op": "conv4d", "inputs": ["input"]}]},
              {"nodes": [{"name": "a", "op": "conv2d", "inputs": ["input"], "attributes": {"kernel_size": 3}}]},
              {"nodes": [{"name": "a", "op": "add", "inputs": ["input"]}]}, {"extra": 1}):
    assert not check.is_valid({**good, **wrong}), wrong
PY
fi

# weights that no architecture has: the ways on, the graph file's among them
if python_with safetensors numpy; then
    "$python" -c 'import numpy as np; from safetensors.numpy import save_file; save_file({"mine.weight": np.zeros((2, 2), np.float32)}, "mine.safetensors")'
    # tensors that no node uses are errors unless the file names them; then they stay as they are, before a prefix too
    "$python" - <<'PY'
import json, numpy as np
from safetensors.numpy import load_file, save_file
tensors, net = load_file("a.safetensors"), json.load(open("net.json"))
extra = {"pooler.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "mean": np.float32([7, 8])}
save_file({**tensors, **extra}, "more.safetensors")
save_file({"net." + k: v for k, v in {**tensors, **extra}.items()}, "inside.safetensors")
save_file({**{"net." + k: v for k, v in tensors.items()}, **extra}, "beside.safetensors")
json.dump({**net, "unused": sorted(extra)}, open("unused.json", "w"))
PY
    refuses 1 "unexpected: mean, pooler.weight" eval $G --weights more.safetensors
    for f in more inside beside; do
        ok unlearn --arch graph:unused.json --data gaussians --weights $f.safetensors --forget 1 --method svd -o out-$f.safetensors
    done
    "$python" - <<'PY' || fail "a tensor that no node uses was changed"
from safetensors.numpy import load_file
import numpy as np
edited = []
for f in ("more", "inside", "beside"):
    before, after = load_file(f + ".safetensors"), load_file("out-" + f + ".safetensors")
    assert list(before) == list(after) and before.keys() == after.keys()
    changed = {k for k in before if before[k].tobytes() != after[k].tobytes()}
    assert changed and not [k for k in changed if "pooler" in k or "mean" == k.split(".")[-1]], changed
    edited.append({k.removeprefix("net."): v.tobytes() for k, v in after.items()})
assert edited[0] == edited[1] == edited[2]
PY
    ok inspect mine.safetensors
    for way in "--arch graph:FILE.json (docs/graph.md)" "inspect --graph" "docs/python.md" "--signals"; do has stdout "$way"; done
fi
exit 0

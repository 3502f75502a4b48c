# Every command with every checkpoint format: the same network whatever holds it, and one clear line where it does not fit.
. "$EXPUNGE_TESTS/cli/common"
toy="--arch mlp --data gaussians"
values() { "$EXPUNGE" eval $toy --weights "$1" --json; }
names() { "$EXPUNGE" inspect "$1" | grep '^layers'; }

formats="w.pt w.pth w.h5 w.safetensors.index.json"
ok train $tiny_train --quiet -o w.safetensors
for f in $formats; do
    ok train $tiny_train --quiet -o $f
    [ "$(values w.safetensors)" = "$(values $f)" ] || fail "$f holds another network"
    ok inspect $f
    has stdout "weights ("
    has stdout "expunge.train"
    ok inspect $f --json
    has stdout '"container"'
    [ "$(names w.safetensors)" = "$(names $f)" ] || fail "$f has other names, order or types"
    # back into the same format and into another one: the same edit
    ok unlearn $toy --weights $f --forget 3 --method svd --set alpha_f=30 --quiet -o "u-$f"
    ok unlearn $toy --weights $f --forget 3 --method svd --set alpha_f=30 --quiet -o "v-$f.safetensors"
    [ "$(values "u-$f")" = "$(values "v-$f.safetensors")" ] || fail "u-$f holds another network"
    [ "$(names w.safetensors)" = "$(names "u-$f")" ] || fail "u-$f has other names, order or types"
    ok inspect "u-$f"
    has stdout "expunge.unlearned: svd"
    ok predict $toy --weights "u-$f" --split test --quiet -o p.h5
done
[ -f w-00001-of-00001.safetensors ] || fail "no shard was written"

refuses 1 "small.pt" eval $toy --weights "$EXPUNGE_TESTS/fixtures/small.pt" # another network's
refuses 2 "a checkpoint's name must end in: .safetensors, .safetensors.index.json, .pt, .pth, .pth.tar, .h5, .hdf5" train $toy -o w.bin
refuses 2 "is the input" unlearn $toy --weights w.pt --forget 1 --method svd -o ./w.pt
head -c 900 w.pt >cut.pt
refuses 1 "cut.pt: not a readable zip archive" inspect cut.pt
printf '\200\002cposix\nsystem\nX\003\000\000\000idxq\001\205R.' >code.pt
refuses 1 "code.pt: not a PyTorch checkpoint: no zip archive" inspect code.pt

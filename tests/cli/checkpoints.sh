# Every command with every checkpoint format: the same network whatever holds it, and one clear line where it does not fit.
. "$EXPUNGE_TESTS/cli/common"
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
refuses 2 "a checkpoint's name must end in: .safetensors, .safetensors.index.json, .pt, .pth, .pth.tar, .ckpt, .bin, .h5, .hdf5" train $toy -o w.bim
refuses 2 "is the input" unlearn $toy --weights w.pt --forget 1 --method svd -o ./w.pt
head -c 900 w.pt >cut.pt
refuses 1 "cut.pt: not a readable zip archive" inspect cut.pt
printf '\200\002cposix\nsystem\nX\003\000\000\000idxq\001\205R.' >code.pt
refuses 1 "code.pt: not a PyTorch checkpoint: no zip archive" inspect code.pt

# what PyTorch's training scripts put beside the weights: an average, an optimiser, objects, one that no checkpoint needs
beside=$EXPUNGE_TESTS/fixtures/pytorch_beside.pt
ok inspect "$beside"
has stdout "beside them: model_ema, a copy of 30 of the tensors"
has stdout "other tensors of their shapes: optimizer (momentum_buffer, 5 tensors)"
has stdout "objects of names that no checkpoint needs: posix.system"
ok inspect "$beside" --json
has stdout '"strange": "posix.system"'
has stdout '"name": "model_ema"'
for how in unlearned:unlearn dropped:drop kept:keep; do
    ok unlearn $toy --weights "$beside" --forget 3 --method svd --beside ${how#*:} -o e.pt
    has stdout "beside them: model_ema, a copy of 30 tensors: ${how%:*}"
    has stderr "the file refers to posix.system; none of this is run"
    has stderr "go into e.pt unchanged: optimizer (momentum_buffer, 5 tensors)"
    case $how in
    kept*) has stderr "objects made with posix.system go into e.pt as they are" ;;
    *) has stderr "objects made with posix.system are left out of e.pt (--beside keep keeps them)" ;;
    esac
    case $how in
    kept*) has stderr "model_ema is a copy of the weights that has not been unlearned" && grep -q system e.pt ;;
    *) ! grep -q system e.pt ;;
    esac || fail "--beside $how: what was asked for is not what e.pt holds"
done
ok unlearn $toy --weights "$beside" --forget 3 --method svd --json -o e.pt
has stdout '"done": "unlearned"'
has stdout '"left_out": "posix.system"'
ok unlearn $toy --weights "$beside" --forget 3 --method svd -o e.safetensors
has stdout "model_ema, a copy of 30 tensors: not in the output"
refuses 2 "--beside 'some': must be unlearn, drop or keep" unlearn $toy --weights w.pt --forget 3 --method svd --beside some -o x.pt

# PyTorch's format from before 1.6, and names with a wrapper's in front
old=$EXPUNGE_TESTS/fixtures/pytorch_legacy.pth
ok inspect "$old"
ok unlearn $toy --weights "$old" --forget 3 --method svd --set layers=layers.12.weight -o o.pth
ok unlearn $toy --weights o.pth --forget 3 --method svd -o o2.pth
ok eval $toy --weights o2.pth --quiet
[ "$(head -c 2 o.pth)" = PK ] || fail "o.pth is no zip archive"
ok inspect o.pth
has stdout "every name in the file starts with model."

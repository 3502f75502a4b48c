# A training that kill -9 ended goes on from its last checkpoint, and the file has the bytes of an undisturbed one.
. "$EXPUNGE_TESTS/cli/common"
epochs=60
train="train --arch mlp --data gaussians --set epochs=$epochs --set batch_size=16 --set lr=0.01 --checkpoint 1 -o w.safetensors"
ok $train
mv w.safetensors want.safetensors
[ ! -e w.safetensors.training.safetensors ] || fail "the checkpoint stays"

"$EXPUNGE" $train >/dev/null 2>&1 &
pid=$!
for wait in $(seq 1 600); do
    [ ! -e w.safetensors.training.safetensors ] || break
    sleep 0.05
done
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
[ -e w.safetensors.training.safetensors ] || fail "no checkpoint was left: does the training take over a second?"
[ ! -e w.safetensors ] || fail "a killed training left weights"
ok $train
has stderr "train goes on at epoch"
has stderr "of $epochs, step"
cmp w.safetensors want.safetensors || fail "the stopped training gave another file"
[ ! -e w.safetensors.training.safetensors ] || fail "the checkpoint stays"

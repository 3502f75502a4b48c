# 200 kills at random moments, spread over run, train, unlearn and audit: what was whole stays whole, and the next call ends well.
# limit: 3000 s
. "$EXPUNGE_TESTS/cli/common"
only_long
toy_config 'seeds: [0, 1]' 'forget: [0]' 'train: {epochs: 6, batch_size: 512, augment: false}' \
    'attacks: [{name: loss, wiring: forget}]' 'methods: [none, retrain, mask_logit]'
toy="$toy --threads 1"
more="--set epochs=6 --set batch_size=512 --set augment=false"
ok train $toy $more --exclude 1 -o r.safetensors
ok train $toy $more -o o.safetensors

# struck COMMAND...: kills it at a random moment of about its time; true where the kill came before its end
took=1
struck() { killed $((RANDOM % (took + took / 5) + 1)) "$@"; }
# timed COMMAND...: how many milliseconds it takes undisturbed
timed() {
    local start
    start=$(date +%s%N)
    ok "$@"
    took=$((($(date +%s%N) - start) / 1000000 + 1))
}

# a weights file: the one that was there, or the new one, and no part of it; what its rewriting makes is the same to the bit
for command in "train $toy $more --seed 3" "unlearn $toy --weights o.safetensors --forget 3 --method svd"; do
    timed $command -o out.safetensors
    mv out.safetensors want.safetensors
    cp o.safetensors out.safetensors
    kills=0
    for try in $(seq 1 300); do
        struck $command -o out.safetensors && kills=$((kills + 1))
        cmp -s out.safetensors o.safetensors || cmp -s out.safetensors want.safetensors ||
            fail "a killed '$command' left another file (EXPUNGE_TEST_SEED=$seed)"
        cp o.safetensors out.safetensors
        [ $kills -lt 50 ] || break
    done
    [ $kills -eq 50 ] || fail "only $kills kills of '$command' struck"
    ok $command -o out.safetensors
    cmp -s out.safetensors want.safetensors || fail "'$command' after kills makes another file"
done

# an audit's folder: the one that was there, whole, or the new one, whole
audit="audit $toy --weights r.safetensors --original o.safetensors --forget 1 --set points=300 --set draws=100"
ok $audit --set draws=101 -o out
timed $audit -o out
ok audit --verify out
kills=0
for try in $(seq 1 300); do
    struck $audit -o out && kills=$((kills + 1))
    "$EXPUNGE" audit --verify out >"$logs/stdout" 2>&1 || { cat "$logs/stdout"; fail "a killed audit left half a folder (EXPUNGE_TEST_SEED=$seed)"; }
    [ $kills -lt 50 ] || break
done
[ $kills -eq 50 ] || fail "only $kills kills of audit struck"
ok $audit -o out
ok audit --verify out

# a sweep: rows that are there stay as they are, and at the end there are all of them, as without kills
timed run c.yaml --results one --threads 1
storm 50 $((took / 2))
echo "200 kills (EXPUNGE_TEST_SEED=$seed)"
exit 0

# Shadow models: kill -9 on the way, then two processes at once on the same folder: the networks of an undisturbed run.
. "$EXPUNGE_TESTS/cli/common"
cat >c.yaml <<'YAML'
name: t
data: gaussians
arch: mlp
forget: [3]
validation: 0
relearn: false
probe: false
train: {epochs: 40, batch_size: 64, lr: 0.05, augment: false}
shadows: {pairs: 6, pool: 1200, retrained: 2}
methods:
  - retrain
  - {name: svd, set: {retain_per_class: 0, forget_samples: 0}}
YAML
ok run c.yaml --results calm
has stderr "shadow models: 23 networks with the targets"

# what a network is made from and what it says, and the list without the hashes of files (what their making cost is in them)
facts() {
    for f in "$1"/t/shadows/*.safetensors "$1"/t/models/*.safetensors; do
        basename "$f"
        "$EXPUNGE" eval --arch mlp --weights "$f" --data gaussians --json --quiet
    done
    grep -vE '"(sha256|seconds)"' "$1/t/shadows/shadows.json"
    cat "$1"/t/shadows/*.txt | sha256sum
}

kills=0
for try in $(seq 1 4); do
    killed $((RANDOM % 3 * 100 + 100)) run c.yaml --results stormy || break
    kills=$((kills + 1))
done
[ $kills -gt 0 ] || fail "not one kill struck"
"$EXPUNGE" run c.yaml --results stormy >/dev/null 2>"$logs/other" &
pid=$!
ok run c.yaml --results stormy
wait $pid || fail "the second process at it failed: $(tail -1 "$logs/other")"
[ "$(facts calm)" = "$(facts stormy)" ] || {
    diff <(facts calm) <(facts stormy) | head -20
    fail "networks differ after $kills kills and with two processes"
}
[ -z "$(find stormy -name '*.tmp')" ] || fail "a killed run left temporary files"

ok run c.yaml --results calm
has stdout "0 done, 3 already complete, 0 failed"
refuses 2 "must be even" run c.yaml --results odd --set shadows.pairs=5
exit 0

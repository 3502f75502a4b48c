# Standard descriptors that are closed, and rows that go missing: a run that ends with 0 has stored what it planned.
. "$EXPUNGE_TESTS/cli/common"
cat >c.yaml <<'YAML'
name: t
data: gaussians
arch: mlp
seeds: [0]
forget: [1]
train: {epochs: 2, batch_size: 1024, augment: false}
methods: [none, retrain]
YAML
stored() { # stored DIR: three rows, each of which can be read
    [ "$(ls "$1"/t/*.h5 | wc -l)" -eq 3 ] || { ls "$1/t"; fail "$1: not 3 rows"; }
    for f in "$1"/t/*.h5; do ok inspect "$f"; done
}
for jobs in 1 2; do
    run() { "$EXPUNGE" run c.yaml --jobs $jobs --results "$@"; }
    run in$jobs 0<&- >"$logs/stdout" 2>"$logs/stderr" || fail "exit $? with standard input closed"
    stored in$jobs
    run out$jobs 1>&- 2>"$logs/stderr" || fail "exit $? with standard output closed"
    stored out$jobs
    run err$jobs 2>&- >"$logs/stdout" || fail "exit $? with standard error closed"
    has stdout "3 done, 0 already complete, 0 failed"
    stored err$jobs
    run all$jobs <&- >&- 2>&- || fail "exit $? with all three closed"
    stored all$jobs
    # an error stays an error, and files are not written to with what was meant for a person
    run none$jobs --set data=nothing 2>&- && fail "exit 0 for a config that is wrong"
done
# the probe of a foreign file, and a file of weights, with nothing open
ok train $tiny_train -o w.safetensors
"$EXPUNGE" eval --arch mlp --data "hdf5:$EXPUNGE_TESTS/fixtures/names.h5" --weights w.safetensors <&- >&- 2>&-
[ $? -eq 1 ] || fail "weights of other images: exit $?"
"$EXPUNGE" unlearn --arch mlp --data gaussians --weights w.safetensors --forget 1 --method mask_logit -o o.safetensors <&- >&- 2>&- ||
    fail "unlearn: exit $?"
ok eval --arch mlp --data gaussians --weights o.safetensors --forget 1 --json
has stdout '"acc_forget": 0'

# a row that somebody takes away while the others are made: not done, whatever the queue says
sed 's/seeds:.*/seeds: [0, 1, 2, 3, 4, 5, 6, 7]/; s/epochs: 2/epochs: 20/' c.yaml >long.yaml
for how in gone damaged; do
    "$EXPUNGE" run long.yaml --results $how >"$logs/stdout" 2>"$logs/stderr" &
    pid=$!
    for wait in $(seq 1 500); do
        first=$(ls $how/t/original-s0-*.h5 2>/dev/null) && break
        sleep 0.02
    done
    [ "$first" ] || fail "$how: no row after 10 s"
    if [ $how = gone ]; then rm "$first"; else head -c 1000 "$first" >"$first.cut" && mv "$first.cut" "$first"; fi
    wait $pid
    rc=$?
    [ $rc -eq 1 ] || { cat "$logs/stderr"; fail "$how: exit $rc though a row is missing"; }
    has stderr "expunge: $how/t: 23 of the 24 planned rows are stored; $(basename "$first") is missing or damaged"
    ok run long.yaml --results $how
    has stdout "1 done, 23 already complete, 0 failed"
done

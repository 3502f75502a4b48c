# The ranks of mpirun take jobs from one queue: 1, 2 and 4 of them give the results of one process, one killed in the
# middle costs its job; and they share the images of one unlearning, to the bit.
. "$EXPUNGE_TESTS/cli/common"
mpi=${EXPUNGE%/*}/mpi/expunge
case $EXPUNGE in */build/*/expunge) mpi=${EXPUNGE%/*/expunge}/mpi/${EXPUNGE##*/build/} ;; esac
if [ ! -x "$mpi" ] || ! command -v mpirun >/dev/null; then
    echo "no MPI here (Debian: libopenmpi-dev openmpi-bin), or no $mpi"
    exit 77
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export ASAN_OPTIONS=detect_leaks=0 # MPI keeps what it took
ranks() { # ranks N ARGS...: must succeed
    mpirun -n "$1" --oversubscribe --bind-to none "$mpi" "${@:2}" >"$logs/stdout" 2>"$logs/stderr" || {
        cat "$logs/stderr"
        fail "exit $?: mpirun -n $*"
    }
}
cat >c.yaml <<'YAML'
name: t
data: gaussians
arch: mlp
seeds: [0]
forget: [0]
train: {epochs: 3, batch_size: 512, augment: false}
relearn: false
probe: false
methods: [none, retrain, {name: svd, search: {alpha_r: [10, 100], alpha_f: [1, 10]}}, mask_logit]
YAML
ok run c.yaml --results one --threads 1
for n in 1 2 4; do
    ranks $n run c.yaml --results r$n
    has stdout "5 done, 0 already complete, 0 failed"
    same_facts one/t r$n/t
done
[ "$(grep -c 'Report: ' "$logs/stdout")" -eq 1 ] || fail "not one report of 4 ranks"

# one of four is killed in the middle, and mpirun ends the others
mpirun -n 4 --oversubscribe --bind-to none "$mpi" run c.yaml --results hurt >/dev/null 2>&1 &
pid=$!
for try in $(seq 1 200); do ls hurt/t/*.h5 >/dev/null 2>&1 && break || sleep 0.02; done
victim=$(children $pid | tail -1)
kill -9 $victim || fail "no rank to kill"
wait $pid
sha256sum hurt/t/*.h5 >before
ranks 2 run c.yaml --results hurt
has stdout " 0 failed"
[ ! -s before ] || sha256sum --quiet -c before || fail "a finished job was done again"
same_facts one/t hurt/t

"$mpi" run c.yaml --results x --jobs 2 --threads 2 --quiet >/dev/null 2>&1 || fail "--jobs without mpirun"
if mpirun -n 2 --oversubscribe --bind-to none "$mpi" run c.yaml --results y --jobs 2 >/dev/null 2>"$logs/stderr"; then
    fail "--jobs under mpirun"
fi
has stderr "each of the 2 ranks already runs jobs"

# one unlearning, its images shared: the same file whoever makes it; Gram matrices in double, and in the long tier (3136
# features) in float too
shared() { # shared NAME ARGS...
    ok unlearn "${@:2}" --forget 3 --method svd --share -o "$1.safetensors"
    for n in 1 2 3 4; do
        ranks $n unlearn "${@:2}" --forget 3 --method svd --share -o "$1-$n.safetensors"
        [ "$(grep -c '^ACC_r' "$logs/stdout")" -eq 1 ] || fail "$n ranks did not print one result"
        cmp "$1.safetensors" "$1-$n.safetensors" || fail "$1: $n ranks give another network"
    done
}
ok train $tiny_train -o mlp.safetensors
shared edited --arch mlp --weights mlp.safetensors --data gaussians
if [ -n "${EXPUNGE_LONG:-}" ]; then
    seq 0 7 2800 >index
    few="--arch convnet --data fashion-mnist --train-index index --test-index index"
    ok train $few --set epochs=1 -o convnet.safetensors
    shared wide $few --weights convnet.safetensors --set retain_per_class=20
fi
refuses 2 "the work of mask_logit cannot be shared" unlearn --arch mlp --weights mlp.safetensors --data gaussians \
    --forget 3 --method mask_logit --share -o x.safetensors
if mpirun -n 2 --oversubscribe --bind-to none "$mpi" unlearn --arch mlp --weights mlp.safetensors --data gaussians \
    --forget 3 --method svd -o x.safetensors >/dev/null 2>"$logs/stderr"; then
    fail "two ranks did the same unlearning"
fi
has stderr "--share divides the images"
exit 0

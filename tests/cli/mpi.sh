# The ranks of mpirun take jobs from one queue: 1, 2 and 4 of them give the results of one process, one killed in the
# middle costs its job; and they share the images of one unlearning, to the bit.
. "$EXPUNGE_TESTS/cli/common"
mpi=${EXPUNGE%/*}/mpi/expunge
case $EXPUNGE in */build/*/expunge) mpi=${EXPUNGE%/*/expunge}/mpi/${EXPUNGE#*/build/} ;; esac
if [ ! -x "$mpi" ] || ! command -v mpirun >/dev/null; then
    echo "no MPI here (Debian: libopenmpi-dev openmpi-bin), or no $mpi"
    exit 77
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
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
victim=$(ps -o pid= --ppid $pid | tail -1)
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
has stderr "each of the 2 ranks does jobs already"
exit 0

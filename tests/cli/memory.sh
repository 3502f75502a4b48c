# Little memory: whatever the limit on the address space, a command ends, with its work done or with one line and status 1.
. "$EXPUNGE_TESTS/cli/common"
without_asan "ASan reserves more than any limit"
ok train $tiny_train -o w.safetensors
toy_config "forget: ['3']" 'train: {epochs: 1}' 'attacks: []' 'methods: [svd]'

# under MB ARGS...: 0 or 1; a failure is one line, and not the C++ library's or OpenBLAS's
under() {
    local limit=$1 rc
    shift
    (ulimit -v $((limit * 1000000 / 1024)) && exec timeout 60 "$EXPUNGE" "$@") >"$logs/stdout" 2>"$logs/stderr" </dev/null
    rc=$?
    drop_core
    [ $rc -eq 0 ] && { enough=$limit; return; }
    # the dynamic linker maps the libraries before anything of the program runs: its line and status
    grep -q 'error while loading shared libraries' "$logs/stderr" && [ $rc -eq 127 ] && return
    [ $rc -eq 1 ] || { cat "$logs/stderr"; fail "exit $rc under $limit MB: $*"; }
    grep -qE '^(expunge|libgomp): .' <(tail -n 1 "$logs/stderr") || { cat "$logs/stderr"; fail "no clear line under $limit MB: $*"; }
    ! grep -q 'terminate called' "$logs/stderr" || { cat "$logs/stderr"; fail "terminated under $limit MB: $*"; }
    [ "$1" = run ] && return # which tells of failed jobs before
    [ "$(wc -l <"$logs/stderr")" -eq 1 ] || { cat "$logs/stderr"; fail "not one line under $limit MB: $*"; }
}
step=${EXPUNGE_LONG:+10}
for threads in 1 2; do
    export OMP_NUM_THREADS=$threads
    enough=
    for limit in $(seq $((40 + 60 * threads)) ${step:-120} 1000) 1500 2000 3000; do
        under $limit --version
        under $limit list methods
        under $limit eval $toy --weights w.safetensors
        under $limit unlearn $toy --weights w.safetensors --forget 3 --method svd -o u.safetensors
    done
    [ "$enough" = 3000 ] || fail "nothing is enough"
    for limit in 450 600 750 1000 3000; do
        rm -rf r
        under $limit run c.yaml --results r --jobs 2 --threads 2
    done
    [ "$enough" = 3000 ] || fail "nothing is enough for run"
done
under 200 --version
has stderr "expunge: the limit of 200 MB on this process's address space (ulimit -v) is too small"
under 1500 eval $toy --weights w.safetensors --threads 60
has stderr "threads = 60: their stacks and OpenBLAS's buffers need 8"

# a C++ library that gets no memory
shim blas
for n in 1 2 5 20 50 100 200; do
    SHIM_NEW=$n LD_PRELOAD=$PWD/shim.so timeout 60 "$EXPUNGE" eval $toy --weights w.safetensors >/dev/null 2>"$logs/stderr"
    rc=$?
    drop_core
    [ $rc -eq 0 ] && break
    [ $rc -eq 1 ] && [ "$(wc -l <"$logs/stderr")" -eq 1 ] && grep -q '^expunge: .' "$logs/stderr" ||
        { cat "$logs/stderr"; fail "exit $rc where the C++ library's allocation $n fails"; }
    cat "$logs/stderr" >>lines
done
grep -q 'expunge: not enough memory: a library could not get any (std::bad_alloc)' lines || { cat lines; fail "nobody ran out of memory"; }
SHIM_NEW=700 LD_PRELOAD=$PWD/shim.so timeout 60 "$EXPUNGE" run c.yaml --results w --jobs 2 --threads 2 >/dev/null 2>"$logs/stderr"
[ $? -eq 1 ] || fail "a sweep whose workers get no memory"
drop_core
[ "$(cat "$logs/stderr")" = "expunge: not enough memory: a library could not get any (std::bad_alloc)" ] || { cat "$logs/stderr"; fail "workers without memory"; }

# The kernels that OpenBLAS uses: chosen by what the CPU can do where OpenBLAS knows no better, checked, said, stored.
. "$EXPUNGE_TESTS/cli/common"
unset OPENBLAS_CORETYPE EXPUNGE_BLAS_CHAIN GOMP_SPINCOUNT # scripts/mutate sets what --environment says
cache=$logs/cache
export XDG_CACHE_HOME=$cache
[ "$(uname -m)" = x86_64 ] || { echo "there is no choice of kernels but on x86-64"; exit 77; }
grep -qw avx2 /proc/cpuinfo || { echo "this CPU has no AVX2"; exit 77; }
shim blas
core() { # core VARIABLE=VALUE...: what --version says then
    env "$@" LD_PRELOAD="$PWD/shim.so" "$EXPUNGE" --version 2>"$logs/stderr" | sed -n 's/^BLAS core: //p'
}
is() { [ "$1" = "$2" ] || fail "the core is '$1', not '$2'"; }
starts() { # starts N VARIABLE=VALUE...: --version takes so many
    rm -f starts
    core SHIM_STARTS="$PWD/starts" "${@:2}" >/dev/null
    [ "$(wc -c <starts)" -eq "$1" ] || fail "$(wc -c <starts) starts, not $1: ${*:2}"
}
best="Haswell (AVX2)" short=Haswell
if grep -w avx512f /proc/cpuinfo | grep -w avx512dq | grep -w avx512bw | grep -w avx512vl | grep -qw avx512cd; then
    best="SkylakeX (AVX-512)" short=SkylakeX
fi

# a CPU that OpenBLAS does not know gets what it can do; what the user set stays; a variable of ours is no user's choice
is "$(core SHIM_CORE=Prescott)" "$best, chosen by expunge: OpenBLAS chose Prescott"
is "$(core SHIM_CORE=Prescott OPENBLAS_CORETYPE=Haswell | cut -d\; -f1)" "Haswell (AVX2), chosen by the user (OPENBLAS_CORETYPE)"
core SHIM_CORE=Prescott OPENBLAS_CORETYPE=Nehalem | grep -q '^Nehalem (SSE), chosen by the user (OPENBLAS_CORETYPE); this CPU has AVX' || fail "a user's choice"
is "$(core SHIM_CORE=$short)" "$best, chosen by OpenBLAS"
core OPENBLAS_CORETYPE= | grep -q ', chosen by OpenBLAS$' || fail "nothing was asked for"
for chain in "" ">" "Prescott" "Prescott>$short" "Prescott>Sandy bridge" "a>b>c>d>e>f>g>h>i>j>Nehalem" "$(printf '%0999d' 0)>Nehalem"; do
    core OPENBLAS_CORETYPE=Nehalem EXPUNGE_BLAS_CHAIN="$chain" | grep -q "^Nehalem (SSE), chosen by the user" || fail "chain '$chain'"
done
LD_PRELOAD=$PWD/shim.so SHIM_CORE=Prescott "$EXPUNGE" --environment >environment || fail "--environment"
grep -qx "OPENBLAS_CORETYPE=$short" environment && grep -qx 'GOMP_SPINCOUNT=10000' environment || fail "$(cat environment)"
is "$(core SHIM_CORE=Prescott $(cat environment))" "$best, chosen by expunge: OpenBLAS chose Prescott"
# the program starts itself once more, for short spins and for the kernels
starts 2 SHIM_CORE=Prescott
starts 2 SHIM_CORE=Prescott GOMP_SPINCOUNT=1
starts 2 SHIM_CORE=$short
starts 1 SHIM_CORE=$short GOMP_SPINCOUNT=1
starts 1 $(cat environment)

# kernels that compute wrongly are left for the next ones, said, and remembered; in the end there is an error
rm -rf "$cache"
next="Haswell (AVX2)"
[ $short = SkylakeX ] || next="Sandybridge (AVX)"
is "$(core SHIM_CORE=Prescott SHIM_WRONG=$short | cut -d\; -f1)" "$next, chosen by expunge: OpenBLAS chose Prescott"
is "$(core SHIM_CORE=Prescott | cut -d\; -f1)" "$next, chosen by expunge: OpenBLAS chose Prescott" # as the file says
starts 2 SHIM_CORE=Prescott
grep -qx 'expunge blas 1 [0-9a-f]* wrong' "$cache"/expunge/blas-$short-* || fail "no answer for $short"
for text in "" "wrong" "expunge blas 1 0 wrong" "expunge blas 1 $(printf '%064d' 0) wrong" "$(printf '%09999d' 0)"; do
    echo "$text" >"$(echo "$cache"/expunge/blas-$short-*)"
    is "$(core SHIM_CORE=Prescott)" "$best, chosen by expunge: OpenBLAS chose Prescott" # asked again: it is right
done
rm -rf "$cache"
is "$(core SHIM_CORE=$short SHIM_WRONG=$short | cut -d\; -f1)" "$next, chosen by expunge: OpenBLAS chose $short, which gives wrong results on this CPU"
rm -rf "$cache"
is "$(core SHIM_CORE=Prescott SHIM_WRONG=SkylakeX,Haswell,Sandybridge,Nehalem | cut -d\; -f1)" "Prescott (SSE), chosen by expunge: OpenBLAS chose Prescott"
rm -rf "$cache"
core SHIM_CORE=Prescott SHIM_STAY=1 | grep -q '^Prescott (SSE), chosen by OpenBLAS; this CPU has AVX' || fail "without a second start"
rm -rf "$cache"
export LD_PRELOAD=$PWD/shim.so
SHIM_CORE=Prescott SHIM_WRONG=SkylakeX,Haswell,Sandybridge,Nehalem,Prescott refuses 1 "OpenBLAS gives wrong results on this CPU with every core type (" --version
SHIM_WRONG=Nehalem OPENBLAS_CORETYPE=Nehalem refuses 1 "OpenBLAS's Nehalem kernels, which OPENBLAS_CORETYPE=Nehalem asks for, give wrong results" list methods
SHIM_WRONG=Nehalem OPENBLAS_CORETYPE=Nehalem ok --help
rm -rf "$cache"
SHIM_CORE=Prescott SHIM_WRONG=Prescott SHIM_STAY=1 refuses 1 "OpenBLAS's Prescott kernels give wrong results on this CPU; start with OPENBLAS_CORETYPE=$short" --version

# what is older than the CPU, or was left as wrong, is said once, where something is computed; each run stores what it used
unset LD_PRELOAD
rm -rf "$cache"
OPENBLAS_CORETYPE=Nehalem "$EXPUNGE" train $tiny_train -o w.safetensors >/dev/null 2>"$logs/stderr" || fail "train"
[ "$(grep -c 'OpenBLAS uses its Nehalem kernels (SSE), as OPENBLAS_CORETYPE asks; this CPU has AVX' "$logs/stderr")" -eq 1 ] || fail "$(cat "$logs/stderr")"
OPENBLAS_CORETYPE=Nehalem "$EXPUNGE" list methods 2>"$logs/stderr" >/dev/null && [ ! -s "$logs/stderr" ] || fail "list says it"
LD_PRELOAD=$PWD/shim.so SHIM_CORE=Prescott SHIM_WRONG=$short "$EXPUNGE" eval $toy --weights w.safetensors >/dev/null 2>"$logs/stderr" || fail "eval"
has stderr "warning: OpenBLAS's $short kernels give wrong results on this CPU; its ${next% *} kernels are used"
toy_config "forget: ['3']" 'train: {epochs: 1}' 'attacks: []' 'methods: [svd]'
rm -rf "$cache"
for jobs in 1 2; do # by the process itself, and by workers
    LD_PRELOAD=$PWD/shim.so SHIM_CORE=Prescott ok run c.yaml --results r$jobs --jobs $jobs --threads 2
    for run in r$jobs/t/*.h5; do
        ok inspect "$run" --json
        has stdout "\"blas_core\": \"$short\""
    done
    head -1 r$jobs/t/runs.csv | grep -q blas_core && grep -q ",$short," r$jobs/t/runs.csv || fail "runs.csv lacks the core"
done

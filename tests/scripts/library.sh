# The installed library: what is installed, which names it has, and that programs compile with pkg-config and run, with the shared
# library and with the static one; attacks print what `expunge attack --json` prints.
mode=$(basename "$EXPUNGE_BUILD")
if [ "$mode" = asan ]; then
    echo "MODE=asan: a shared library with sanitizers needs a host with them"
    exit 77
fi
for tool in pkg-config nm readelf; do
    command -v $tool >/dev/null || { echo "$tool is missing"; exit 77; }
done
root=$EXPUNGE_TESTS/..
prefix=$PWD/prefix
cc="${CC:-cc}"
fail() { echo "FAILED: $*"; [ -f out ] && cat out; exit 1; }
# the caller's CC and flags stay, or all would be compiled anew; its T and its jobs do not
MAKEFLAGS=$(printf ' %s' "${MAKEFLAGS-}" | sed -E 's/^ [a-zA-Z]+//; s/ --?[a-z][^ ]*//g; s/ T=([^ \\]|\\.)*//')
export MAKEFLAGS
unset MFLAGS MAKELEVEL
make -s -C "$root" MODE="$mode" install PREFIX="$prefix" >out 2>&1 || fail "make install"
make -s -C "$root" MODE="$mode" install PREFIX=/opt/x LIBDIR=/opt/x/lib64 DESTDIR="$PWD/staged" >out 2>&1 || fail "make install, DESTDIR"

# ---- files
version=$(sed -n 's/^.define SESSION_PROGRAM_VERSION "\(.*\)"/\1/p' "$root/session/program.h")
(cd prefix && find . -type f -o -type l) | grep -v '^\./share/' | sort >files
sort <<EOF | diff - files >out || fail "other files are installed"
./bin/expunge
./include/expunge.h
./lib/libexpunge.a
./lib/libexpunge.so
./lib/libexpunge.so.0
./lib/libexpunge.so.$version
./lib/pkgconfig/expunge.pc
./libexec/expunge/expunge-helper
EOF
(cd staged/opt/x && find . -type f -o -type l) | grep -v '^\./share/' | sed s/lib64/lib/ | sort | diff - files >out || fail "DESTDIR, LIBDIR"
grep -q '^libdir=/opt/x/lib64$' staged/opt/x/lib64/pkgconfig/expunge.pc || fail "expunge.pc does not know LIBDIR"
readelf -d prefix/lib/libexpunge.so | grep -q 'SONAME.*\[libexpunge\.so\.0\]' || fail "soname"
sed -n 's/^ *# *include *//p' prefix/include/expunge.h | sort | tr '\n' ' ' >out
[ "$(cat out)" = "<stdbool.h> <stddef.h> <stdint.h> " ] || fail "expunge.h includes more"

# ---- names: what the header declares, and nothing else
tr '\n' ' ' <prefix/include/expunge.h | grep -oE 'EXPUNGE_API [^;(]*\(' | grep -oE 'expunge_[a-z0-9_]+\($' | tr -d '(' | sort >declared
[ "$(wc -l <declared)" -gt 30 ] || fail "the header's functions are not found"
nm -D --defined-only prefix/lib/libexpunge.so | awk 'NF == 3 { print $3 }' | sort | diff declared - >out || fail "names of the shared library"
nm -g --defined-only prefix/lib/libexpunge.a | awk 'NF == 3 { print $3 }' | sort | diff declared - >out || fail "names of the static library"

# ---- programs
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
[ "$(pkg-config --modversion expunge)" = "$version" ] || fail "version in expunge.pc"
helper=$(pkg-config --variable=helper expunge)
[ -x "$helper" ] || fail "helper in expunge.pc"
awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' "$root/docs/c-api.md" >page.c
[ -s page.c ] || fail "docs/c-api.md has no example"
sed -n 's/^cc example.c //p' "$root/docs/c-api.md" | grep -q '^$(pkg-config --cflags --libs expunge) -o example$' || fail "docs/c-api.md compiles in another way"
shared=$(pkg-config --cflags --libs expunge)
static=$(pkg-config --static --cflags --libs expunge | sed 's/-lexpunge\>/-l:libexpunge.a/')
mkdir shared static
for source in page.c "$root"/examples/*.c; do
    name=$(basename "$source" .c)
    # shellcheck disable=SC2086
    $cc -std=c11 -Wall -Wextra -Wpedantic -Werror "$source" $shared -lm -o shared/"$name" >out 2>&1 || fail "$name, shared"
    # shellcheck disable=SC2086
    $cc -std=c11 "$source" $static -lm -o static/"$name" >out 2>&1 || fail "$name, static"
    readelf -d static/"$name" | grep -q 'NEEDED.*libexpunge' && fail "$name, static, needs the shared library"
done
if command -v c++ >/dev/null; then
    printf '#include <expunge.h>\nint main() { return expunge_version() == 0; }\n' >version.cpp
    # shellcheck disable=SC2086
    c++ -Wall -Wextra -Wpedantic -Werror version.cpp $shared -o shared/version >out 2>&1 || fail "C++"
fi
export LD_LIBRARY_PATH=$prefix/lib
for kind in shared static; do
    (
        cd $kind || exit 1
        for program in *; do
            [ -x "$program" ] || continue
            case $program in images | unlearn | verdict) continue ;; esac # they read weights: below
            ./"$program" >"$program.out" 2>"$program.err" || { echo "$kind/$program"; cat "$program.out" "$program.err"; exit 1; }
            [ ! -s "$program.err" ] || { echo "$kind/$program says"; cat "$program.err"; exit 1; }
        done
    ) >out 2>&1 || fail "a program does not run"
    [ "$(cat $kind/page.out)" = "0.966 0.139" ] || fail "docs/c-api.md: the example prints $(cat $kind/page.out)"
    [ -f $kind/audit-report/report.html ] || fail "$kind/audit-report has no report"
done
for out in edit scores page; do cmp -s shared/$out.out static/$out.out || fail "$out: the libraries differ"; done
prefix/bin/expunge audit --verify shared/audit-report >out 2>&1 || fail "the audit's folder does not agree with itself"

# ---- weights: what the examples make of them is the program's, byte for byte
start=$("$EXPUNGE" --environment)
# shellcheck disable=SC2086
env $start "$EXPUNGE" train --arch mlp --data gaussians --set epochs=2 -o weights.safetensors >out 2>&1 || fail "expunge train"
# shellcheck disable=SC2086
env $start "$EXPUNGE" unlearn --arch auto --weights weights.safetensors --data gaussians --forget 3 --method svd --json \
    -o want.safetensors >want.json 2>out || fail "expunge unlearn"
for kind in shared static; do
    # shellcheck disable=SC2086
    env $start $kind/unlearn weights.safetensors gaussians 3 $kind.safetensors >$kind.json 2>out || fail "$kind/unlearn"
    cmp want.safetensors $kind.safetensors >out || fail "$kind/unlearn: not the program's weights"
    grep -v '"seconds"' want.json >want
    grep -v '"seconds"' $kind.json | diff want - >out || fail "$kind/unlearn: not the program's JSON"
    $kind/images weights.safetensors >$kind.images 2>out || fail "$kind/images"
    grep -c '^(-*1, -*1): class [0-3]$' $kind.images | grep -qx 4 || { cp $kind.images out; fail "$kind/images"; }
    $kind/verdict $kind.safetensors weights.safetensors gaussians 3 $kind-report >$kind.verdict 2>out || fail "$kind/verdict"
    grep -q '^"verdict": "' $kind.verdict && [ -f $kind-report/report.html ] || { cp $kind.verdict out; fail "$kind/verdict"; }
    $kind/unlearn weights.safetensors gausians 3 out.safetensors >/dev/null 2>out && fail "a data set that does not exist"
    grep -q "^ENOTFOUND: .*did you mean 'gaussians'" out || fail "$kind/unlearn: the sentence about a data set"
done

# ---- a file: by the helper, and the JSON is the program's
signals=shared/audit-report/signals.h5
shared/attack loss "$signals" >out 2>&1 && fail "an audit's signals are not an attack's"
grep -q 'EFORMAT: .*/target/logits \[N,K\] is missing' out || fail "the library's sentence about another file"
static/attack loss "$signals" >out 2>&1 && fail "without a helper"
grep -q 'EIO: .*expunge-helper.*expunge_set_helper' out || fail "the sentence where there is no helper"
mkdir -p static/libexec/expunge static/bin && cp "$helper" static/libexec/expunge/ && cp static/attack static/bin/
static/bin/attack loss "$signals" >out 2>&1 && fail "an audit's signals are not an attack's"
grep -q 'EFORMAT' out || fail "the helper beside a static program is not found"

. "$EXPUNGE_TESTS/scripts/python"
python_with h5py || { echo "the JSON of a file was not compared: h5py is missing"; exit 0; }
"$python" - <<'PY' || fail "no signals written"
import h5py, numpy as np
rng = np.random.default_rng(1)
with h5py.File("signals.h5", "w") as f:
    role = rng.integers(0, 3, 300)
    y = rng.integers(0, 5, 300)
    z = rng.normal(size=(300, 5))
    z[np.arange(300), y] += 1 + (role == 1)
    f["target/logits"], f["target/labels"], f["target/role"] = z, y, role
PY
names=loss,entropy,svc,logistic,quantile
env $("$EXPUNGE" --environment) "$EXPUNGE" attack --name $names --signals signals.h5 --json 2>/dev/null | grep -v '"seconds"' >want
for kind in shared static/bin; do
    env $("$EXPUNGE" --environment) $kind/attack $names signals.h5 2>out | grep -v '"seconds"' | diff want - >>out || fail "$kind/attack: not the program's JSON"
done
exit 0

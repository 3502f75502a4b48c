# A file system that takes no more: one clear line, exit 1, no half file. A limit on file size stands for the full disk.
. "$EXPUNGE_TESTS/cli/common"
ok train $tiny_train -o w.safetensors

limited() { # limited KIB ARGS...: must fail with one line
    local kib=$1 rc
    shift
    (ulimit -f "$kib" && exec "$EXPUNGE" "$@") >"$logs/stdout" 2>"$logs/stderr"
    rc=$?
    [ $rc -eq 1 ] || { cat "$logs/stderr"; fail "exit $rc: expunge $*"; }
    tail -n 1 "$logs/stderr" | grep -q '^expunge: .' || { cat "$logs/stderr"; fail "no clear line: expunge $*"; }
    [ -z "$(find . -name '*.tmp')" ] || fail "left behind: $(find . -name '*.tmp')"
}
limited 1 train $tiny_train --quiet -o new.safetensors
[ ! -e new.safetensors ] || fail "half a weights file"
limited 1 unlearn $toy --weights w.safetensors --forget 3 --method mask_logit --quiet -o u.safetensors
[ ! -e u.safetensors ] || fail "half a weights file"
limited 8 predict $toy --weights w.safetensors --split test -o p.h5
[ ! -e p.h5 ] || fail "half an HDF5 file"
cp w.safetensors old.safetensors
limited 1 unlearn $toy --weights w.safetensors --forget 3 --method mask_logit --quiet -o old.safetensors
cmp -s w.safetensors old.safetensors || fail "what stood there before is gone"

cat >c.yaml <<'YAML'
name: t
data: gaussians
arch: mlp
forget: [0]
train: {epochs: 1, batch_size: 2048, augment: false}
methods: [none, mask_logit]
YAML
limited 64 run c.yaml --results r
ok run c.yaml --results r # the disk has room again
has stdout "0 failed"

if [ -w /dev/full ]; then
    "$EXPUNGE" list methods >/dev/full 2>"$logs/stderr"
    [ $? -eq 1 ] || fail "a full standard output went unnoticed"
    has stderr "standard output"
fi
exit 0

# `pip install .` into an empty folder, as far as that works without a package index (make check-long: into a fresh environment, with one): the package is used from elsewhere, the
# command `expunge` is the program, and the library finds its helper there.
set -eu
. "$EXPUNGE_TESTS/scripts/python"
[[ $(ldd "$EXPUNGE")$EXPUNGE != *asan* ]] || { echo "Python would have to be built with ASan too"; exit 77; }
need_python setuptools.command.bdist_wheel pip numpy h5py
root=$(cd "$EXPUNGE_TESTS/.." && pwd)
"$python" -m pip install --quiet --no-index --no-build-isolation --no-deps --target site "$root" >log 2>&1 || { cat log; exit 1; }
for file in site/expunge/{lib/libexpunge.so.0,libexec/expunge/expunge-helper,bin/expunge,py.typed} site/bin/expunge; do
    [ -s "$file" ] || [ "${file##*/}" = py.typed ] || { echo "$file is missing"; exit 1; }
done
site=$PWD/site
cd /
export PYTHONPATH=$site
"$python" -I -c '
import sys
sys.path.insert(0, sys.argv[1])
import expunge, h5py, numpy as np
assert expunge.__file__.startswith(sys.argv[1]), expunge.__file__
w = expunge.edit(np.eye(2, dtype="f4"), np.array([[1, 0]], "f4"), np.array([[0, 1]], "f4"))
assert abs(w - [[1, 0], [0, 0]]).max() < 1e-6, w
with h5py.File(sys.argv[1] + "/s.h5", "w") as f:
    y = np.arange(200) % 2
    f["points/labels"], f["points/group"], f["unlearned/logits"] = y, np.arange(200) // 50, np.random.default_rng(0).normal(size=(200, 2))
try:
    expunge.audit(sys.argv[1] + "/audit", signals=sys.argv[1] + "/s.h5")
except expunge.Error as error:
    assert "helper" not in str(error), error
' "$site"
same() { [ "$("$site/bin/expunge" "$@" 2>&1; echo $?)" = "$("$EXPUNGE" "$@" 2>&1; echo $?)" ] || { echo "expunge $*: not the program's answer"; exit 1; }; }
sed -n '/^```pycon$/,/^```$/p' "$root/README.md" | grep -v '^```' >"$site/five.txt"
[ "$(grep -c '^>>> ' "$site/five.txt")" -eq 5 ] || { echo "README.md: not five lines of Python"; exit 1; }
"$python" -m doctest "$site/five.txt" || { echo "README.md: the five lines say something else"; exit 1; }
same --version
same list metrics
same list configs --names
"$site/bin/expunge" list configs | grep -qxF "They lie in $site/expunge/configs; README.md there explains their keys." || { echo "the package has no configs"; exit 1; }
same unlearn --arch
[ "${EXPUNGE_LONG:-}" ] || exit 0
unset PYTHONPATH
cd "$site/.."
"$python" -m venv fresh
fresh/bin/python -m pip install --quiet --disable-pip-version-check "$root" >log 2>&1 || { tail -n 3 log; echo "a fresh environment was left out: no package index"; exit 0; }
fresh/bin/python -I -m doctest "$site/five.txt" || { echo "README.md: the five lines in a fresh environment"; exit 1; }
[ "$(fresh/bin/expunge --version)" = "$("$EXPUNGE" --version)" ]

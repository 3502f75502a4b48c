# The package's types: mypy --strict (pyproject.toml) finds nothing. What mypy knows of torch stays in build/, since learning it takes
# most of a minute.
set -eu
. "$EXPUNGE_TESTS/scripts/python"
need_python mypy numpy torch
here=$PWD
cd "$EXPUNGE_TESTS/.."
check() { "$python" -m mypy --strict --cache-dir build/mypy "$@"; }
check
# it would find something
printf 'import expunge\nexpunge.version() + 1\n' >"$here/wrong.py"
if MYPYPATH=python check "$here/wrong.py" >"$here/said"; then echo "mypy passes what is wrong"; exit 1; fi
grep -q 'wrong.py:2: error' "$here/said" || { cat "$here/said"; exit 1; }

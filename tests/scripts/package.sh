# The Python package, from its sources: the tests of tests/python, and the examples in its docstrings.
set -eu
. "$EXPUNGE_TESTS/scripts/python"
[[ $(ldd "$EXPUNGE")$EXPUNGE != *asan* ]] || { echo "Python would have to be built with ASan too"; exit 77; }
need_python numpy torch h5py
export PYTHONPATH=$EXPUNGE_TESTS/../python PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
"$python" -W error::SyntaxWarning -m unittest discover --start-directory "$EXPUNGE_TESTS/python"

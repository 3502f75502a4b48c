#!/bin/bash
# The h5py example of docs/results.md, taken from the page, reads run files and prints one line each.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$EXPUNGE_TESTS/scripts/python"
need_python h5py
sed -n '/^```python$/,/^```$/p' "$root/docs/results.md" | grep -v '^```' >example.py
[ "$(wc -l <example.py)" -eq 6 ] || { echo "docs/results.md: the example has $(wc -l <example.py) lines, not 6"; exit 1; }
maker=
for build in release debug asan; do
    [ -x "$root/build/$build/tests/report/test_report" ] && maker=$root/build/$build/tests/report/test_report && break
done
[ -n "$maker" ] || { echo "tests/report/test_report is not built"; exit 77; }
mkdir -p runs
EXPUNGE_REPORT_RUNS=$PWD/runs "$maker" >/dev/null 2>&1 || { echo "$maker could not write run files"; exit 1; }
"$python" example.py runs >out.txt || exit 1
cat out.txt
grep -qx 'ok svd 3 1 91.52 0.20' out.txt && grep -qx 'failed scrub 3 1 - -' out.txt && [ "$(wc -l <out.txt)" -eq 7 ]

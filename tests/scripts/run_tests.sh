#!/bin/sh
# scripts/run-tests runs what its words name, counts it, and says so where they name nothing.
set -eu
cd "$EXPUNGE_TESTS/.."
program=${EXPUNGE#"$PWD"/}
found=$(scripts/run-tests "$EXPUNGE_BUILD" "$program" "base/param base/random" | tail -n 1)
case $found in
0\ passed*) echo "ran nothing: $found"; exit 1 ;;
*" passed, 0 failed, 0 skipped") ;;
*) echo "$found"; exit 1 ;;
esac
rc=0
said=$(scripts/run-tests "$EXPUNGE_BUILD" "$program" no/such/test 2>&1) || rc=$?
[ $rc -eq 2 ] && [ "$said" = "run-tests: no test's path holds 'no/such/test'" ] || { echo "$rc: $said"; exit 1; }

# a test whose shell is killed before it can say what came of it is a failure, and not forgotten
fake=$(mktemp -d)
trap 'rm -rf "$fake"' EXIT
mkdir -p "$fake/tests/base"
printf '#!/bin/sh\necho "ok 1 - fine"\n' >"$fake/tests/base/test_param"
printf '#!/bin/sh\n[ -e %s/struck ] || { : >%s/struck; kill -9 "$(cut -d" " -f4 /proc/$PPID/stat)"; }\necho "not ok 1 - lost"\n' \
    "$fake" "$fake" >"$fake/tests/base/test_random"
chmod +x "$fake/tests/base/test_param" "$fake/tests/base/test_random"
rc=0
said=$(scripts/run-tests "$fake" "$program" "base/param base/random" 2>&1) || rc=$?
case $said in
*"of 2 tests 1 did not say what came of them"*"1 passed, 1 failed, 0 skipped") ;;
*) echo "$rc: $said"; exit 1 ;;
esac
[ $rc -eq 1 ] || { echo "a lost test ends with status $rc"; exit 1; }

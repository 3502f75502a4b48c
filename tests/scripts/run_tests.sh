#!/bin/sh
# scripts/run-tests runs what its words name, counts it, and says so where they name nothing.
set -eu
cd "$EXPUNGE_TESTS/.."
program=${EXPUNGE#"$PWD"/}
found=$(scripts/run-tests "$EXPUNGE_BUILD" "$program" "base/param base/text" | tail -n 1)
case $found in
0\ passed*) echo "ran nothing: $found"; exit 1 ;;
*" passed, 0 failed, 0 skipped") ;;
*) echo "$found"; exit 1 ;;
esac
rc=0
said=$(scripts/run-tests "$EXPUNGE_BUILD" "$program" no/such/test 2>&1) || rc=$?
[ $rc -eq 2 ] && [ "$said" = "run-tests: no test's path holds 'no/such/test'" ] || { echo "$rc: $said"; exit 1; }

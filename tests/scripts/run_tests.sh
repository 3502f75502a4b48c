#!/bin/sh
# scripts/run-tests runs what its words name, counts it, and says so where they name nothing.
set -eu
cd "$EXPUNGE_TESTS/.."
build=$(dirname "$(dirname "$EXPUNGE")")
[ -x "$build/release/tests/base/test_param" ] || { echo "no release build beside $EXPUNGE"; exit 77; }
found=$(scripts/run-tests build/release build/expunge "base/param base/text" | tail -n 1)
case $found in 0\ passed* | *" 1 failed"*) echo "$found"; exit 1 ;; *" passed, 0 failed, 0 skipped") ;; *) echo "$found"; exit 1 ;; esac
rc=0
said=$(scripts/run-tests build/release build/expunge no/such/test 2>&1) || rc=$?
[ $rc -eq 2 ] && [ "$said" = "run-tests: no test's path holds 'no/such/test'" ] || { echo "$rc: $said"; exit 1; }

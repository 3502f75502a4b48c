# Every file compiles for arm64, without a warning; and a machine without the cross compiler is told so.
root=$EXPUNGE_TESTS/..
unset MAKEFLAGS MFLAGS MAKELEVEL # of the make that runs the tests
if make -C "$root" check-arm64 ARM64_CC=no-such-compiler >out 2>&1; then cat out; exit 1; fi
grep -q 'no-such-compiler is missing (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross)' out || { cat out; exit 1; }
command -v aarch64-linux-gnu-gcc >/dev/null || { echo "gcc-aarch64-linux-gnu is not installed"; exit 77; }
make -C "$root" check-arm64 >out 2>&1 && exit 0
grep -v '^  CC' out
exit 1

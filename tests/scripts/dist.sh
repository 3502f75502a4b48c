# make dist: what is committed, and nothing else, in a tarball that builds where there is no git; all of it in the long tests, in
# the quick ones what a build asks first.
. "$EXPUNGE_TESTS/cli/common"
root=$EXPUNGE_TESTS/..
git -C "$root" rev-parse --verify --quiet HEAD >"$logs/head" 2>/dev/null || { echo "no clone of git"; exit 77; }
version=$(sed -n 's/^.define SESSION_PROGRAM_VERSION "\(.*\)"/\1/p' "$root/session/program.h")
unset MAKEFLAGS MFLAGS MAKELEVEL MODE WERROR
make -s -C "$root" dist DISTDIR="$PWD/out" >"$logs/make" 2>&1 || { cat "$logs/make"; fail "make dist"; }
[ "$(ls out)" = "expunge-$version.tar.gz" ] || fail "make dist wrote $(ls out)"
cp out/*.gz first.tar.gz
make -s -C "$root" dist DISTDIR="$PWD/out" >"$logs/make" 2>&1 && cmp first.tar.gz out/*.gz || fail "the same commit gives another tarball"
tar xzf first.tar.gz || fail "tar"
[ "$(ls -d expunge-*)" = "expunge-$version" ] || fail "the folder in it: $(ls)"
git -C "$root" ls-tree -r --name-only HEAD | LC_ALL=C sort >committed
(cd "expunge-$version" && find . -type f -o -type l) | sed 's|^\./||' | LC_ALL=C sort | diff committed - || fail "other files than those committed"
make=(env GIT_DIR=/nonexistent make -s -C "expunge-$version")
"${make[@]}" dist >"$logs/make" 2>&1 && fail "make dist without git"
grep -q '^dist: the list of files is that of git, and this is no clone$' "$logs/make" || fail "make dist without git says: $(cat "$logs/make")"
if [ "${EXPUNGE_LONG-}" ]; then
    "${make[@]}" all >"$logs/make" 2>&1 || { tail -5 "$logs/make"; fail "make in the tarball"; }
    "expunge-$version/build/expunge" list configs | grep -qF "They lie in $PWD/expunge-$version/configs" || fail "the program that was built"
    "${make[@]}" install PREFIX="$PWD/prefix" >"$logs/make" 2>&1 || fail "make install"
    [ "$(prefix/bin/expunge --version | head -1)" = "expunge $version" ] || fail "the program that was installed"
else
    "${make[@]}" build/release/cli/main.o build/release/base/status.o >"$logs/make" 2>&1 || { tail -5 "$logs/make"; fail "make in the tarball"; }
fi
exit 0

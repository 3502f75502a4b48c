#!/bin/bash
# What a program that was linked with libexpunge.so.0 relies on is still there, by abidiff: functions, their arguments, structs and
# enumerations are those of tests/api/abi.xml; functions and enumeration values may be added. The dump holds no places and nothing
# private, so that it is the same for every compiler. `bash tests/scripts/abi.sh --write` takes up what was added (after make lib).
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
dump=tests/api/abi.xml
build=${EXPUNGE_BUILD:-build/release}
fail() { echo "FAILED: $*"; exit 1; }
for tool in abidiff abidw; do
    command -v $tool >/dev/null || { echo "$tool is missing (Debian: abigail-tools)"; exit 77; }
done
case $build in
*release) ;;
*) echo "$build: the library as it is installed is compared"; exit 77 ;;
esac
library=$build/lib/libexpunge.so.0
[ -f "$library" ] || fail "$library is missing: make lib"
# abidiff's status is a set of bits: 4 is a change, 8 one that breaks programs; what was added is not said
same() { abidiff --no-architecture --no-added-syms $dump "$1"; }
same "$library" || fail "programs that were linked with libexpunge.so.0 could break: undo the change, or rename the library"
if [ "${1-}" = --write ]; then
    abidw --exported-interfaces-only --headers-dir include --drop-private-types --no-show-locs --no-corpus-path --no-comp-dir-path \
        --no-elf-needed --no-architecture --type-id-style hash "$library" >$dump.new && mv $dump.new $dump
    exit
fi
grep -q "name='expunge_[a-z_]*'" $dump || fail "$dump names no function"

# ---- what would break programs is seen: a library of nothing but the header's functions, with the header changed
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
library_of() { # library_of SED-SCRIPT: a library of the header after it, in $work
    sed -E "$1" include/expunge.h >"$work/expunge.h"
    ! cmp -s include/expunge.h "$work/expunge.h" || fail "expunge.h has nothing for $1"
    {
        echo '#include "expunge.h"'
        sed -e 's|/\*.*\*/||' "$work/expunge.h" | sed -e '/\/\*/,/\*\//d' -e '/^#/d' | tr '\n' ' ' | grep -oE 'EXPUNGE_API [^;]*;' |
            sed -E 's/EXPUNGE_API //; /^void [^*]/ { s/;$/ { }/; b }; s/;$/ { return 0; }/'
    } >"$work/all.c"
    ${CC:-cc} -w -g -fPIC -shared -Wl,-soname,libexpunge.so.0 "$work/all.c" -o "$work/all.so" || fail "$1 does not compile"
}
breaks() { library_of "$1"; same "$work/all.so" >"$work/out" && fail "not seen: $1"; }
keeps() { library_of "$1"; same "$work/all.so" >"$work/out" || { cat "$work/out"; fail "counts as a change: $1"; }; }
keeps 's/(void expunge_trim\(void\);)/\1 EXPUNGE_API void expunge_more(void);/'
keeps 's/EXPUNGE_U8 = 6/EXPUNGE_U8 = 6, EXPUNGE_I8 = 7/'
breaks 's/expunge_trim\(void\)/expunge_trims(void)/'
breaks 's/expunge_free\(char \*text\)/expunge_free(int text)/'
breaks 's/double value, lo, hi;/double value, hi, lo;/'
breaks 's/double value, lo, hi;/double value, lo, hi, more;/'
breaks 's/EXPUNGE_U8 = 6/EXPUNGE_U8 = 7/'
exit 0

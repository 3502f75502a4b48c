# What the Makefile does with a caller's flags and with OpenBLAS elsewhere than in Debian's folders, in a copy of the tree.
root=$EXPUNGE_TESTS/..
unset MAKEFLAGS MFLAGS MAKELEVEL MODE WERROR OPENBLAS CC CFLAGS CPPFLAGS LDFLAGS LDLIBS
mkdir copy
(cd "$root" && tar cf - Makefile scripts $(sed -n 's/^\([a-z]*\):.*/\1/p' scripts/layers.txt) bench/rows tests/support tests/base) | tar xf - -C copy
object=build/release/base/status.o
make=(make -s -C copy "$object")
fail() { echo "FAILED: $*"; [ -f out ] && cat out; exit 1; }

# ---- flags: another one builds anew, the same ones nothing; a caller's stand beside ours
"${make[@]}" >out 2>&1 || fail "the first build"
"${make[@]}" -q || fail "a second make has something to do"
made=$(stat -c %y copy/$object)
"${make[@]}" -q CFLAGS=-O2 && fail "CFLAGS=-O2 has nothing to do"
make -C copy $object -n CFLAGS=-O2 >out || fail "make -n"
grep -q -- '-std=c11 .*-fopenmp .*-O2 .*-c base/status.c' out || fail "CFLAGS=-O2 is not beside ours"
"${make[@]}" -q || fail "make -n wrote something"
[ "$(stat -c %y copy/$object)" = "$made" ] || fail "make -n built something"
"${make[@]}" CFLAGS=-O2 >out 2>&1 || fail "make CFLAGS=-O2"
[ "$(stat -c %y copy/$object)" != "$made" ] || fail "CFLAGS=-O2 did not build anew"
"${make[@]}" -q CFLAGS=-O2 || fail "CFLAGS=-O2 a second time has something to do"
"${make[@]}" -q && fail "without CFLAGS=-O2 nothing is to do"
for flag in "CC=cc -pipe" "CPPFLAGS=-DX='\"a b\"'" LDFLAGS=-s LDLIBS=-lrt; do
    "${make[@]}" "$flag" >out 2>&1 || fail "make $flag"
    "${make[@]}" "$flag" -q || fail "$flag a second time has something to do"
done
CFLAGS=-O2 "${make[@]}" >out 2>&1 && CFLAGS=-O2 "${make[@]}" -q || fail "CFLAGS of the environment"
"${make[@]}" -q && fail "without CFLAGS of the environment nothing is to do"
make -C copy build/release/tests/base/test_hash -n LDFLAGS=-Wl,-z,now LDLIBS=-lrt >out || fail "make -n"
grep -q -- '-fopenmp .*-Wl,-z,now .*-lopenblas.*-lrt .*-o build/release/tests/base/test_hash$' out || fail "LDFLAGS or LDLIBS"

# ---- OPENBLAS=
find=$root/scripts/find-openblas
gives() { # gives FLAGS WHAT
    "$find" "$2" >out 2>&1 || fail "find-openblas $2"
    [ "$(cat out)" = "$1" ] || fail "find-openblas $2: not $1"
}
refuses() { # refuses STATUS TEXT WHAT
    "$find" "$3" >out 2>&1
    [ $? -eq "$1" ] && [ "$(wc -l <out)" -eq 1 ] && grep -qF -- "$2" out || fail "find-openblas $3: not status $1, '$2'"
}
mkdir -p opt/lib opt/include usr/lib64 usr/include/openblas two/lib pc
echo "USE_OPENMP LAPACKE_ssyevd_work" >opt/lib/libopenblas.so # what is looked for in the library
echo "void openblas_set_num_threads(int);" >opt/include/cblas.h
touch opt/include/lapacke.h
flags="-L$PWD/opt/lib -I$PWD/opt/include -lopenblas -Wl,-rpath,$PWD/opt/lib"
gives "$flags" "$PWD/opt/lib"
gives "$flags" "$PWD/opt/lib/"
gives "$flags" "$PWD/opt"
gives "$flags" ./opt
cp opt/lib/libopenblas.so usr/lib64/libopenblaso.so # Fedora's names, and its serial build beside
echo serial >usr/lib64/libopenblas.so
cp opt/include/* usr/include/openblas
echo "void cblas_sgemm();" >usr/include/cblas.h # another BLAS's
gives "-L$PWD/usr/lib64 -I$PWD/usr/include/openblas -lopenblaso -Wl,-rpath,$PWD/usr/lib64" "$PWD/usr/lib64"
printf 'libdir=%s\nName: own\nDescription: own\nVersion: 1\nLibs: -L${libdir} -lopenblaso\n' "$PWD/usr/lib64" >pc/own-blas.pc
export PKG_CONFIG_PATH=$PWD/pc
gives "-L$PWD/usr/lib64 -I$PWD/usr/include/openblas -lopenblaso -Wl,-rpath,$PWD/usr/lib64" own-blas
refuses 1 "there is neither a folder of that name with libopenblas.so nor such a name of pkg-config" no-such-blas
refuses 1 "there is neither a folder of that name with libopenblas.so" "$PWD/pc"
echo pthreads >two/lib/libopenblas.so
refuses 1 "two/lib/libopenblas.so is no OpenMP build" "$PWD/two"
echo USE_OPENMP >two/lib/libopenblas.so
CC="cc -nostdinc" refuses 1 "there is no cblas.h of OpenBLAS for $PWD/two/lib/libopenblas.so" "$PWD/two"
cp -r opt/include two
CC=false refuses 2 "has no LAPACKE in it, and there is no liblapacke" "$PWD/two"
touch two/lib/liblapacke.so # a library of its own beside it, as in Debian
gives "-L$PWD/two/lib -I$PWD/two/include -lopenblas -llapacke -Wl,-rpath,$PWD/two/lib" "$PWD/two"
rm two/include/lapacke.h
CC="cc -nostdinc" refuses 2 "there is no lapacke.h" "$PWD/two"

# make says it in its place, and what one OpenBLAS built another builds anew
"${make[@]}" OPENBLAS=no-such-blas >out 2>&1 && fail "make with OPENBLAS=no-such-blas"
grep -q '^expunge: OPENBLAS=no-such-blas: there is neither a folder' out || fail "make OPENBLAS=no-such-blas"
"${make[@]}" OPENBLAS="$PWD/opt" >out 2>&1 || fail "make OPENBLAS=opt"
grep -qF -- "-isystem $PWD/opt/include" copy/build/release/flags || fail "the headers of OPENBLAS=opt"
"${make[@]}" OPENBLAS="$PWD/opt" -q || fail "OPENBLAS=opt a second time has something to do"
"${make[@]}" -q && fail "without OPENBLAS=opt nothing is to do"
exit 0

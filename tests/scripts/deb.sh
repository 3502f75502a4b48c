# scripts/make-deb: its usage. make check-long: its packages, made and used in clean systems of both releases. lintian has nothing to say, the
# demo runs as an ordinary user, C programs build by pkg-config with either library, Python finds its library, and after removal nothing is left.
# limit: 7200 s
. "$EXPUNGE_TESTS/cli/common"
root=$(cd "$EXPUNGE_TESTS/.." && pwd)
bash "$root/scripts/make-deb" now >out 2>&1 && fail "make-deb takes any word"
grep -q 'usage: scripts/make-deb' out || fail "make-deb: $(cat out)"

[ -n "${EXPUNGE_LONG:-}" ] || exit 0
. "$EXPUNGE_TESTS/scripts/clean_system"

# stdout is for the packages
cat >make <<'SH'
exec 3>&1 >&2
set -eux
tools=$(awk '/optional: .*scripts\/make-deb$/ { print $1 }' scripts/packages)
scripts/setup
apt-get install -y -qq --no-install-recommends $tools
scripts/make-deb
lintian --allow-root build/deb/*.changes >said 2>&1 && [ ! -s said ] || { cat said; exit 1; }
tar -C build/deb -cf - . >&3
SH
cat >use <<'SH'
exec >&2
set -eux
export DEBIAN_FRONTEND=noninteractive
mkdir /tmp/debs && tar -C /tmp/debs -xf - && cd /tmp/debs
useradd --create-home user
as_user() { runuser -u user -- env HOME=/home/user sh -euxc "mkdir -p /home/user/$1; cd /home/user/$1; $2"; }
# its dependencies, and what it recommends, but not what these recommend
install() { apt-get install -y -qq --no-install-recommends "$@" $(dpkg-deb -f "$1" Recommends | sed 's/ |[^,]*//g; s/,/ /g'); }
apt-get update -qq
install ./expunge_*.deb
as_user demo 'expunge run demo; test -s results/demo/report.html; ls results/demo/figures/*.svg'

install ./libexpunge-dev_*.deb ./libexpunge0_*.deb ./python3-expunge_*.deb gcc libc6-dev pkgconf
as_user c '
    for source in /usr/share/doc/libexpunge-dev/examples/*.c; do
        name=$(basename $source .c)
        cc $source $(pkg-config --cflags --libs expunge) -lm -o $name
        cc $source $(pkg-config --static --cflags --libs expunge | sed "s/-lexpunge\>/-l:libexpunge.a/") -lm -o $name-static
        case $name in images | unlearn | verdict) continue ;; esac # they read weights: tests/scripts/library.sh
        for program in $name $name-static; do ./$program >said; grep -v "\"seconds\"" said >$program.said; done
        [ $name = audit ] || cmp $name.said $name-static.said
    done
    ! ./attack loss audit-report/signals.h5 2>said
    grep "EFORMAT: .*/target/logits" said # by the helper'
as_user python "python3 -c '
import expunge, expunge._program, numpy as np, subprocess
w = expunge.edit(np.eye(2, dtype=\"f4\"), np.array([[1, 0]], \"f4\"), np.array([[0, 1]], \"f4\"))
assert abs(w - [[1, 0], [0, 0]]).max() < 1e-6, w
assert expunge.version() in subprocess.check_output([expunge._program.program(), \"--version\"], text=True)'"

packages=$(for deb in *.deb; do dpkg-deb -f $deb Package; done)
for package in $packages; do
    dpkg -L $package | while read -r path; do [ -d "$path" ] || echo "$path"; done
done >/tmp/installed
[ "$(wc -l </tmp/installed)" -gt 20 ]
apt-get remove -y -qq $packages
while read -r path; do [ ! -e "$path" ] || { echo "left: $path"; exit 1; }; done </tmp/installed
left=$(find / -xdev \( -path /expunge -o -path /tmp -o -path /home -o -path /var/cache/apt/archives \) -prune -o -name '*expunge*' -print)
[ -z "$left" ] || { echo "left: $left"; exit 1; }
SH
for release in 12 13; do
    in_clean $release "$(cat make)" /dev/null $release.tar "no packages for Debian $release"
    in_clean $release "$(cat use)" $release.tar /dev/null "the packages for Debian $release"
done

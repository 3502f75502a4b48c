# scripts/in-release: its arguments, and on a system made of a few programs of this machine what gets in, the status that
# comes out, and that nothing is left mounted, running or lying about. make check-long: the tests in the other Debian.
# limit: 5400 s
. "$EXPUNGE_TESTS/cli/common"
script=$EXPUNGE_TESTS/../scripts/in-release
expect() { # expect STATUS FILE TEXT ARGS...
    local want=$1 file=$2 text=$3 rc
    shift 3
    bash "$script" "$@" >"$logs/stdout" 2>"$logs/stderr"
    rc=$?
    [ $rc -eq "$want" ] || { cat "$logs/stdout" "$logs/stderr"; fail "exit $rc, not $want: in-release $*"; }
    has "$file" "$text"
}
expect 2 stderr "release '11': must be 12 or 13" 11 true
expect 2 stderr "1 words where a release and a command (in quotes) are needed" 13
expect 2 stderr "3 words where" 13 make test
expect 2 stderr "unknown option --cleen" 13 true --cleen
expect 2 stderr "--mirror needs a URL" 13 true --mirror
expect 2 stderr "the command is empty" 13 ''

[ "$(id -u)" -eq 0 ] || { expect 1 stderr "must be root" 13 true; echo "the rest needs root"; exit 77; }
command -v git >/dev/null || { expect 1 stderr "is missing: scripts/setup --dev" 13 true; echo "git is not installed: scripts/setup --dev"; exit 77; }
unshare --mount --pid --fork --kill-child mount -t tmpfs none /mnt 2>/dev/null || { echo "this machine lets nobody mount"; exit 77; }

# debootstrap's stand-in copies a few programs and their libraries
mkdir -p bin tree/scripts tree/deep
cat >bin/debootstrap <<'SH'
#!/bin/bash
echo "$*" >>"$CALLS"
[ -z "${BROKEN:-}" ] || { echo "E: no such mirror"; exit 1; }
root=$3
mkdir -p "$root"/{proc,sys,dev,etc/apt/apt.conf.d,tmp,root}
for tool in bash env cat sleep ls; do
    tool=$(type -P $tool)
    cp -L --parents "$tool" $(ldd "$tool" | grep -o '/[^ ]*') "$root"
done
SH
printf '#!/bin/sh\necho Avail\necho "${FREE:-9000}M"\n' >bin/df
chmod +x bin/debootstrap bin/df
export PATH=$PWD/bin:$PATH CALLS=$PWD/calls EXPUNGE_IN_RELEASE=$PWD/store
cp "$script" tree/scripts
printf '#!/usr/bin/env bash\necho setup ran\nexec $SETUP\n' >tree/scripts/setup
echo 'ignored' >tree/.gitignore
touch tree/ignored tree/gone "tree/deep/a name" && chmod +x tree/scripts/setup
script=$PWD/tree/scripts/in-release
expect 1 stderr "is no git clone" 13 true
git init -q tree && git -C tree add -A && rm tree/gone && touch tree/untracked
clean() { # clean WHAT
    ! grep -q "$EXPUNGE_IN_RELEASE" /proc/self/mounts || fail "$1: left mounted"
    [ -z "$(find "$EXPUNGE_IN_RELEASE" -maxdepth 1 -name '*.??????' -o -maxdepth 1 -name '*.tmp')" ] ||
        fail "$1: left behind: $(ls "$EXPUNGE_IN_RELEASE")"
}
FREE=17 expect 1 stderr "has 17 MB free and 5000 are needed" 13 true
BROKEN=1 expect 1 stderr "failed (is there a network?): E: no such mirror" 13 true --mirror http://127.0.0.1:9/debian
clean "no network"
http_proxy=http://proxy:1 OMP_NUM_THREADS=7 expect 7 stdout "setup ran" 13 'ls -A . deep; ls /proc/self/fd /sys/kernel /dev/null; env; exit 7'
for text in untracked 'a name' .gitignore /dev/null mm http_proxy=http://proxy:1 HOME=/root; do has stdout "$text"; done
! grep -qxE 'ignored|gone|\.git|OMP_NUM_THREADS=7' "$logs/stdout" || { cat "$logs/stdout"; fail "more got in than the tree"; }
clean "status 7"
[ "$(grep -c "^--variant=minbase trixie .*\.......\ " calls)" -eq 2 ] || { cat calls; fail "other calls of debootstrap"; }
expect 0 stdout "12" 13 'echo 12' --clean
! grep -q "setup ran" "$logs/stdout" || fail "--clean: setup ran"
[ "$(wc -l <calls)" -eq 2 ] || fail "a second call bootstraps again"
expect 0 stdout loaded 13 'cd /var/cache/apt/archives && >new.deb && >lock && >half && echo loaded' --clean
expect 0 stdout new.deb 13 'ls /var/cache/apt/archives' --clean
! grep -qE 'lock|half' "$logs/stdout" || fail "calls share more than packages"
printf 'some input' >input
bash "$script" 13 'cat' --clean <input >"$logs/stdout" 2>/dev/null || fail "its input does not get in"
has stdout "some input"
rm tree/scripts/setup
expect 1 stderr "setup" 13 'true'
expect 0 stderr "in-release: kept: $EXPUNGE_IN_RELEASE/bookworm." 12 'true' --clean --keep
[ -x "$(echo "$EXPUNGE_IN_RELEASE"/bookworm.??????)/expunge/scripts/in-release" ] || fail "--keep: nothing kept"
rm -r "$EXPUNGE_IN_RELEASE"/bookworm.??????

# a signal ends the command, whatever it started, and the mounts
for signal in INT TERM; do
    mark=$((86400 + $$))
    env --default-signal=INT bash "$script" 13 "sleep $mark & sleep $mark" --clean >/dev/null 2>&1 &
    pid=$!
    for try in $(seq 1 200); do grep -qsz "^$mark" /proc/[0-9]*/cmdline && break || sleep 0.05; done
    kill -$signal $pid
    wait $pid
    rc=$?
    [ "$signal $rc" = "INT 130" ] || [ "$signal $rc" = "TERM 143" ] || fail "SIG$signal: exit $rc"
    for try in $(seq 1 100); do grep -qsz "^$mark" /proc/[0-9]*/cmdline && sleep 0.05 || break; done
    ! grep -qsz "^$mark" /proc/[0-9]*/cmdline || fail "SIG$signal: what the command started runs on"
    clean "SIG$signal"
done

[ -n "${EXPUNGE_LONG:-}" ] || exit 0
PATH=${PATH#*:}
unset EXPUNGE_IN_RELEASE
command -v debootstrap >/dev/null || PATH=$PATH:/usr/sbin
command -v debootstrap >/dev/null || { echo "debootstrap is not installed: scripts/setup --dev"; exit 77; }
case $(cat /etc/debian_version) in 12*) other=13 ;; *) other=12 ;; esac
exec bash "$EXPUNGE_TESTS/../scripts/in-release" $other 'make test'

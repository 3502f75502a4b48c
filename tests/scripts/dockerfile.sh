# The steps of the Dockerfile, without Docker: every instruction is one that is known here. make check-long: they are run, each stage in a clean
# Debian (with the files left out that debian:*-slim leaves out), and the image's command makes the demo's report.
# limit: 5400 s
. "$EXPUNGE_TESTS/cli/common"
root=$(cd "$EXPUNGE_TESTS/.." && pwd)
words_of() { tr -d '[]",' <<<"$1"; } # of ["a", "b"]

# ---- to one script for each stage, NUMBER.sh, run in a system whose /context is the build's context, and a list of what others want of it, NUMBER.wanted
stage=0 entry='' command=''
declare -A number
while read -r instruction rest; do
    case $instruction in
    FROM)
        stage=$((stage + 1)) user=root
        [[ $rest =~ ^debian:(12|13)-slim(\ AS\ ([a-z]+))?$ ]] || fail "FROM $rest"
        [ -z "${BASH_REMATCH[3]}" ] || number[${BASH_REMATCH[3]}]=$stage
        echo "${BASH_REMATCH[1]}" >$stage.release
        : >$stage.wanted
        cat >$stage.sh <<'SH'
printf 'path-exclude %s\n' '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/locale/*' >/etc/dpkg/dpkg.cfg.d/docker
mkdir /context && cd /expunge && sed 's,^,./,' .dockerignore | tar --anchored --exclude-from=- -cf - . | tar -C /context -xf -
cd /
as() { # as USER COMMAND...
    local home
    home=$(getent passwd "$1" | cut -d: -f6) || home=/
    setpriv --reuid "$1" --regid "$1" --clear-groups env HOME="$home" "${@:2}"
}
copy() { # copy FROM... TO: a folder's content, as COPY does
    local to=${*: -1}
    for from in "${@:1:$#-1}"; do
        if [ -d "$from" ]; then mkdir -p "$to" && cp -a "$from/." "$to/"; else cp -a "$from" "$to"; fi
    done
}
SH
        ;;
    WORKDIR) printf 'mkdir -p %q && cd %q\n' "$rest" "$rest" >>$stage.sh ;;
    ENV) printf 'export %s\n' "$rest" >>$stage.sh ;;
    USER) user=$rest ;;
    RUN) printf 'as %q sh -c %q\n' "$user" "$rest" >>$stage.sh ;;
    COPY)
        folder=/context
        if [[ $rest =~ ^--from=([a-z]+)\ (.*)$ ]]; then
            from=${number[${BASH_REMATCH[1]}]:-} rest=${BASH_REMATCH[2]}
            [ "$from" ] || fail "COPY --from=${BASH_REMATCH[1]}: there is no such stage"
            [[ $rest = /*\ /* ]] || fail "COPY --from: $rest"
            folder=/from
            echo "${rest% *}" >>"$from.wanted"
            echo "$from" >$stage.needs
        elif [[ $rest = --* ]]; then fail "COPY $rest"; fi
        line=copy
        for word in ${rest% *}; do line+=" $folder/${word#/}"; done
        echo "$line ${rest##* }" >>$stage.sh
        ;;
    ENTRYPOINT) entry=$(words_of "$rest") ;;
    CMD) command=$(words_of "$rest") ;;
    *) fail "the Dockerfile's instruction $instruction is not known here" ;;
    esac
done < <(sed -e '/^#/d; /^$/d' -e ':a; /\\$/ { N; s/\\\n */ /; ba }' "$root/Dockerfile")
[ $stage -gt 1 ] && [ "$user" != root ] || fail "$stage stages, the last one's user is $user"
[ "$entry $command" = "expunge --help" ] || fail "the image runs: $entry $command"

[ -n "${EXPUNGE_LONG:-}" ] || exit 0
. "$EXPUNGE_TESTS/scripts/clean_system"
: >0.tar
cat >>$stage.sh <<SH
as $user $entry $command | grep -q 'expunge COMMAND' || { echo "no help page"; exit 1; }
as 1234 $entry list methods >/dev/null
as $user $entry run demo
[ -s results/demo/report.html ] && ls results/demo/figures/*.svg >/dev/null
! command -v cc || { echo "the image has a compiler"; exit 1; }
SH
for s in $(seq 1 $stage); do
    [ ! -s $s.wanted ] || echo "exec >&3; tar -cf - $(tr '\n' ' ' <$s.wanted)" >>$s.sh
    needs=$(cat $s.needs 2>/dev/null)
    in_clean "$(cat $s.release)" "exec 3>&1 >&2; set -euo pipefail; [ ! ${needs:-} ] || { mkdir /from; tar -C /from -xf -; }
        $(cat $s.sh)" "${needs:-0}.tar" $s.tar "stage $s of the Dockerfile"
done

# Names out of files may hold what a terminal obeys: it is shown as numbers wherever text leaves, and UTF-8 stays.
. "$EXPUNGE_TESTS/cli/common"

# safetensors NAME METADATA: one tensor of that name (JSON text)
safetensors() {
    local header="{\"__metadata__\":{\"note\":\"$2\"},\"$1\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}" LC_ALL=C
    printf "\\x$(printf %02x ${#header})\0\0\0\0\0\0\0%s\0\0\0\0" "$header"
}
obeyed() { LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]' "$@"; }

safetensors 'größe\u001b[2J\u202e\nx' 'a\u001b]0;title\u0007\nexpunge: fake\u009b1m' >w.safetensors
ok inspect w.safetensors
has stdout 'größe\u001b[2J\u202e\u000ax'
has stdout '  note: a\u001b]0;title\u0007\u000aexpunge: fake\u009b1m'
obeyed "$logs/stdout" && fail "inspect prints what a terminal obeys"
lines=$(wc -l <"$logs/stdout")
safetensors 'plain' 'plain' >plain.safetensors
ok inspect plain.safetensors
[ "$(wc -l <"$logs/stdout")" -eq "$lines" ] || fail "a name makes a line of its own"
ok inspect w.safetensors --json
obeyed "$logs/stdout" && fail "the JSON holds what a terminal obeys"
has stdout 'größe\u001b[2J'
has stdout '\u009b1m'

# file names, in errors and in what succeeds
name=$'b\e[31m\u009bö'
cp w.safetensors "$name.safetensors"
ok inspect "$name.safetensors"
has stdout 'b\u001b[31m\u009bö.safetensors: weights'
obeyed "$logs/stdout" && fail "a file's name is obeyed"
refuses 1 'ö.pt' inspect "$name.pt"
obeyed "$logs/stderr" && fail "a file's name is obeyed in an error"
refuses 1 '\x9b.pt' inspect $'c\x9b.pt' # no UTF-8: a terminal of one byte a character obeys it
exit 0

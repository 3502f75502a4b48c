# `expunge cache`: what is kept, what uses it, and what prune takes.
. "$EXPUNGE_TESTS/cli/common"
toy_config 'forget: [0]' 'train: {epochs: 1, batch_size: 1024, augment: false}' 'methods: [none, retrain]'
refuses 2 "no experiment with a folder models" cache list .
refuses 2 "must be list or prune" cache lst
refuses 2 "say what to remove" cache prune
refuses 2 "those go with prune" cache list --unused
refuses 2 "must be bytes" cache prune --max-size much
ok run c.yaml
# what a kept network says of itself: the numbers below are of nothing else
for f in results/t/models/*.safetensors; do
    ok inspect "$f"
    keys=$(sed -n 's/^  expunge\.\([a-z_]*\): .*/\1/p' "$logs/stdout" | tr '\n' ' ')
    [ "$keys" = "key made_by preprocessing wall_seconds cpu_seconds peak_memory samples_retain samples_forget passes " ] ||
        [ "$keys" = "key made_by preprocessing wall_seconds cpu_seconds peak_memory samples_retain samples_forget passes history " ] || fail "$f says $keys"
    grep -q "^  expunge.made_by: .*data gaussians.*arch: mlp.*train: {epochs: 1, batch_size: 1024, " "$logs/stdout" || fail "$f does not say how it was made"
done
ok run c.yaml --set train.epochs=2 # the first two networks are now those of an earlier config
ok cache list
grep -qx 'experiment  *file  *MiB  *days old  *used by *' "$logs/stdout" || fail "the head of the table"
[ "$(grep -cE '^results/t +original-s0-[0-9a-f]+\.[a-z0-9]+ +[0-9]+\.[0-9][0-9] +0\.0 +(3 runs|earlier)' "$logs/stdout")" -eq 2 ] || fail "not two originals with their sizes and ages"
has stdout "3 runs (none, ..)"
has stdout "earlier configs (3 runs)"
has stdout "4 files, "
ok cache prune --unused --older-than 1
has stdout "0 of 4 files"
ok cache prune results/t --unused --dry-run
has stdout "2 of 4 files"
[ "$(ls results/t/models | wc -l)" -eq 4 ] || fail "a dry run removed something"
ok cache prune results --unused --json
[ "$(grep -c '"removed": 1' "$logs/stdout")" -eq 2 ] || fail "not two files removed"
[ "$(ls results/t/models | wc -l)" -eq 2 ] || fail "two files must stay"
ok run c.yaml --set train.epochs=2
has stdout "0 done, 3 already complete"
ok cache prune --max-size 0
has stdout "0 of 2 files"
ok cache prune --max-size 0 --force
[ -z "$(ls results/t/models)" ] || fail "--force left files"

# links lead to files that are nobody's cache
mkdir -p elsewhere/models results/u
echo x >elsewhere/models/search-x-0123456789ab.h5
ln -s ../../elsewhere/models results/u/models
ln -s ../elsewhere results/v
ln -s ../../../elsewhere/models/search-x-0123456789ab.h5 results/t/models/search-y-0123456789ab.h5
ok cache prune results --max-size 0 --force
has stdout "left alone: results/u: it or its folder models is a link, and links are not followed"
has stdout "left alone: results/v: it or its folder models is a link"
[ -e elsewhere/models/search-x-0123456789ab.h5 ] || fail "prune followed a link"
ok cache prune elsewhere --max-size 0 --force
[ -e elsewhere/models/search-x-0123456789ab.h5 ] && fail "a cache that was named stays"
rm -r results/u results/v results/t/models/search-y-0123456789ab.h5 elsewhere

# a sweep at work, and one that was stopped; the queue is what tells that it has begun
rm -f results/t/jobs.board
"$EXPUNGE" run c.yaml --set train.epochs=300 >/dev/null 2>&1 &
pid=$!
for try in $(seq 1 200); do [ "$(head -c 64 results/t/jobs.board | tr -d '\0' | wc -c)" -eq 64 ] && break || sleep 0.05; done
echo x >results/t/models/search-x-0123456789ab.h5
ok cache prune --unused
has stdout "a sweep is running there"
grep -q '^0 of [1-9][0-9]* files, 0\.0 of ' "$logs/stdout" || fail "what is left alone is counted as removed"
kill -9 $pid
wait $pid 2>/dev/null
ok cache prune --unused
has stdout "stopped before its end"
ok cache prune --unused --json
! grep -q '"removed": 1' "$logs/stdout" || fail "what is left alone is shown as removed"
has stdout '"freed": 0'
[ -e results/t/models/search-x-0123456789ab.h5 ] || fail "the cache of a stopped sweep was pruned"
ok cache prune --max-size 0 --force
[ -z "$(ls results/t/models)" ] || fail "--force left files"
exit 0

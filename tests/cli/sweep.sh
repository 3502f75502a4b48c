# `expunge run --jobs 2`: the results of one process; and 20 kills at random moments lose no job that was finished.
. "$EXPUNGE_TESTS/cli/common"
toy_config 'seeds: [0, 1]' 'forget: [0]' 'train: {epochs: 6, batch_size: 512, augment: false}' \
    'attacks: [{name: loss, wiring: forget}]' \
    'methods: [none, retrain, {name: svd, search: {alpha_r: [10, 30, 100], alpha_f: [1, 10, 100]}}, mask_logit]'
ok run c.yaml --results one --threads 1
ok run c.yaml --results two --threads 2 --jobs 2
has stdout "10 done, 0 already complete, 0 failed"
has stderr "] svd, forget 0 ((1,1)), seed 1: ACC_r "
same_facts one/t two/t

storm 20 520

# a worker that dies is replaced; its job is done again
"$EXPUNGE" run c.yaml --results hurt --threads 2 --jobs 2 --quiet >"$logs/stdout" 2>"$logs/stderr" &
pid=$!
for try in $(seq 1 100); do
    sleep 0.02
    victim=$(children $pid | head -1)
    [ -n "$victim" ] && [ -d hurt/t/models ] && kill -9 $victim && break
done
wait $pid || fail "a sweep did not outlive one of its workers: $(cat "$logs/stderr")"
has stderr "a worker was killed by signal 9"
has stdout "10 done"
same_facts one/t hurt/t

# damage: what is no queue, no run or no network is made again
printf 'not a board' >hurt/t/jobs.board
refuses 1 "is not the job queue of a sweep, or is damaged, and would be overwritten: remove it" run c.yaml --results hurt
[ "$(cat hurt/t/jobs.board)" = "not a board" ] || fail "a file that is no queue was overwritten"
rm hurt/t/jobs.board
for f in hurt/t/models/*; do head -c 100 "$f" >x && mv x "$f"; done
for f in hurt/t/svd*.h5; do head -c 1000 "$f" >x && mv x "$f"; done
ok run c.yaml --results hurt --threads 2 --jobs 2
has stdout "2 done, 8 already complete, 0 failed"
same_facts one/t hurt/t

# another config of this name in the same folder, at the same time
"$EXPUNGE" run c.yaml --results busy --threads 1 --set train.epochs=200 >/dev/null 2>&1 &
pid=$!
for try in $(seq 1 100); do [ -s busy/t/jobs.board ] && break || sleep 0.05; done
sleep 0.1
"$EXPUNGE" run c.yaml --results busy --threads 1 >"$logs/stdout" 2>"$logs/stderr"
[ $? -eq 2 ] || fail "two configs ran in one folder"
has stderr "another config of this name"
kill -9 $pid
wait $pid 2>/dev/null
exit 0

# scripts/draw-subclass: the positions of a fine class, which cifar100-coarse then forgets as part of a coarse one.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
need_python numpy
draw=$EXPUNGE_TESTS/../scripts/draw-subclass
mkdir cifar
"$python" - <<'PY'
import numpy as np
rng = np.random.default_rng(0)
for name, n in (("train.bin", 200), ("test.bin", 40)):
    fine = np.arange(n) % 100
    records = np.concatenate([(fine // 5)[:, None], fine[:, None], rng.integers(0, 256, (n, 3072))], 1)
    records.astype(np.uint8).tofile("cifar/" + name)
PY
"$draw" cifar/train.bin 7 >list.txt || fail "no list"
printf '7\n107\n' | cmp - list.txt || fail "other positions than those of fine class 7"
coarse="--arch convnet --data cifar100-coarse:cifar --threads 1"
ok train $coarse --set epochs=1 --set batch_size=20 -o o.safetensors
ok unlearn $coarse --weights o.safetensors --forget-index list.txt --method finetune --set epochs=1 -o f.safetensors
has stdout "forgotten: 2 images of 1 (" # 5 to 9 are coarse class 1
"$draw" cifar/train.bin 100 2>"$logs/stderr" && fail "there is no fine class 100"
has stderr "must be a fine class from 0 to 99"
head -c 5000 cifar/train.bin >short.bin
"$draw" short.bin 7 2>"$logs/stderr" && fail "a file that is cut off"
has stderr "not a file of CIFAR-100"
true

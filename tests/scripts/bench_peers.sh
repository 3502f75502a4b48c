# bench/peers/torch_modern.py makes the published edit of bench/peers/torch_unlearn.py, by primal and dual, with all rows
# and with some of them; settings of this environment that slow a peer do not reach it.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
need_python torch numpy
export BENCH=$EXPUNGE_TESTS/../bench
"$python" - <<'PY' || fail "the edits differ"
import os, sys
sys.path.insert(0, os.path.join(os.environ["BENCH"], "peers"))
import torch
from torch import nn
import torch_modern, torch_unlearn

torch.manual_seed(0)
torch_modern.BATCH = 5  # 12 images: two whole batches and a part
model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3, 2), nn.ReLU(), nn.Flatten(),
                      nn.Linear(6 * 4 * 4, 5)).eval()
plan = {"retain/images": torch.randn(12, 3, 10, 10), "forget/images": torch.randn(12, 3, 10, 10)}
for side, start in (("retain", 0), ("forget", 1)):
    plan[f"{side}/0/window"] = torch.tensor([start, 0, 9, 8])
    plan[f"{side}/0/rows"] = torch.arange(start, 12 * 9 * 8, 3)   # of 27 features: primal
    plan[f"{side}/2/window"] = torch.tensor([0, start, 9, 9])
    plan[f"{side}/2/rows"] = torch.arange(2, 12 * 4 * 4, 6)       # 32 of 36 features: dual
    plan[f"{side}/5/window"] = torch.tensor([0, 0, 1, 1])         # 12 rows of 96 features: dual
want = torch_unlearn.unlearn(model, plan)
torch_modern.choose_f32()
for precision, most in (("f32", 1e-4), ("bf16", 5e-2)):
    got = torch_modern.unlearn(model, plan, precision)
    assert list(got) == list(want) == ["0", "2", "5"]
    for name, edited in want.items():
        was = dict(model.named_parameters())[name + ".weight"].detach()
        apart = float((got[name] - edited).abs().max() / (edited - was).abs().max())
        print(precision, name, apart)
        assert apart <= most, (precision, name, apart)
PY
OPENBLAS_CORETYPE=Prescott GOMP_SPINCOUNT=1 OMP_WAIT_POLICY=passive "$python" - <<'PY' || fail "the peers' environment"
import os, sys
sys.path.insert(0, os.environ["BENCH"])
from table import common
peer, ours = common.environment(False), common.environment()
assert not [name for name in peer if name.startswith(("OPENBLAS_", "GOMP_")) or name == "OMP_WAIT_POLICY"], peer
assert peer["OMP_NUM_THREADS"] == ours["OMP_NUM_THREADS"] == "1" and ours["OPENBLAS_CORETYPE"] == "Prescott"
PY
exit 0

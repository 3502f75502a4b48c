"""memory_25088: peak memory of editing one 25088-wide layer, 999 + 999 samples, 4096 outputs."""
import statistics

from . import common

TOLERANCE = 1e-4  # of the largest entry of the edit, seen as a difference of weights ten times as large, in float32


def rows(setting):
    if not setting.wants("memory_25088"):
        return
    pairs, checks, times = [], [], []
    for _ in range(setting.pairs(1)):
        ours = common.once([setting.program("memory")])
        peer = None
        if setting.python:
            peer = common.once([setting.python, common.peer("torch_memory.py"), common.threads()], False)
        pairs.append((ours["peak_kb"] / 1024, peer["peak_kb"] / 1024 if peer else None))
        times.append((ours["seconds"], peer["seconds"] if peer else float("nan")))
        checks.append(ours["check"])
    ours, peer = (statistics.median(side) for side in zip(*times))
    print(f"memory_25088: {ours:.0f} s, the peer {peer:.0f} s; "
          f"differs from the dual in float64 by {max(checks):.1e} (allowed {TOLERANCE:.0e})")
    yield common.make_row("memory_25088", "MiB", pairs, [p / o for o, p in pairs if p], None, max(checks) <= TOLERANCE,
                          seconds=ours)

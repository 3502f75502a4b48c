"""memory_25088: peak memory of editing one 25088-wide layer, 999 + 999 samples, 4096 outputs."""
from . import common

TOLERANCE = 1e-4  # of the largest entry of the edit, seen as a difference of weights ten times as large, in float32


def rows(setting):
    if not setting.wants("memory_25088"):
        return
    ours = common.once([setting.program("memory")])
    peer = None
    if setting.python:
        peer = common.once([setting.python, common.peer("torch_memory.py"), common.threads()], False)
    pair = (ours["peak_kb"] / 1024, peer["peak_kb"] / 1024 if peer else None)
    print(f"memory_25088: {ours['seconds']:.0f} s, the peer {peer['seconds'] if peer else float('nan'):.0f} s; "
          f"differs from the dual in float64 by {ours['check']:.1e} (allowed {TOLERANCE:.0e})")
    yield common.make_row("memory_25088", "MiB", [pair], [pair[1] / pair[0]] if peer else [], None,
                          ours["check"] <= TOLERANCE, seconds=ours["seconds"])

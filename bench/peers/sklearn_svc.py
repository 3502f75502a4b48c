#!/usr/bin/python3
"""The row svc_60000: scikit-learn's SVC(C=3, gamma='auto', kernel='rbf') beside the svc attack.

  sklearn_svc.py PROGRAM PAIRS [SHIFT ...]    PROGRAM: build/release/bench/rows/svc; one JSON line a SHIFT (default 1 12)

Confidences are logistic(2 normal), members' logits higher by SHIFT: 1 hardly separable, 12 nearly separable. Both are
warmed up on nothing but their libraries: a fit is seconds. Pairs in turn: PAIRS; with 0 three where a peer's fit takes
under 5 s, else one.
"checked": predictions on all 61000 points are equal wherever ours says |d| > 2e-3. Where they are not, scikit-learn's
own stopping rule (a violation of 1e-3) is the reason to look at first: "flips_at" says how far from 0 ours were.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from sklearn.svm import SVC

MEMBERS, NONMEMBERS, AUDITED = 54000, 6000, 1000


def row(program, asked, shift):
    rng = np.random.default_rng(1)
    logits = 2 * rng.normal(size=MEMBERS + NONMEMBERS + AUDITED)
    logits[:MEMBERS] += shift
    x = 1 / (1 + np.exp(-logits))
    x = np.clip(x, 1e-300, 1 - 2.0 ** -53)
    fitted, y = MEMBERS + NONMEMBERS, np.r_[np.ones(MEMBERS), np.zeros(NONMEMBERS)]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "confidences")
        x.tofile(path)
        ours = subprocess.Popen([program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def our_seconds():
            ours.stdin.write("fit\n")
            ours.stdin.flush()
            return json.loads(ours.stdout.readline())["seconds"]

        our_seconds()
        pairs = []
        while not pairs or len(pairs) < (asked or (3 if pairs[0][1] < 5 else 1)):
            mine, start = our_seconds(), time.monotonic()
            model = SVC(C=3, gamma="auto", kernel="rbf").fit(x[:fitted, None], y)
            model.predict(x[fitted:, None])
            pairs.append((mine, time.monotonic() - start))
        scores = np.fromfile(path + ".scores")
        ours.stdin.close()
        ours.wait()
    sure = np.abs(scores) > 2e-3
    flips = sure & ((scores > 0) != (model.predict(x[:, None]) > 0.5))
    ratios = [theirs / mine for mine, theirs in pairs]
    return {"row": "svc_60000", "shift": shift, "ratio": statistics.median(ratios), "ratio_min": min(ratios),
            "ratio_max": max(ratios), "floor_fraction": None, "checked": not flips.any(), "flips": int(flips.sum()),
            "flips_at": float(np.abs(scores[flips]).max()) if flips.any() else 0.0, "points": int(sure.sum()),
            "pairs": len(pairs), "values": pairs, "ours": statistics.median(m for m, _ in pairs), "peer": statistics.median(t for _, t in pairs)}


if __name__ == "__main__":
    for value in [float(v) for v in sys.argv[3:]] or [1.0, 12.0]:
        print(json.dumps(row(sys.argv[1], int(sys.argv[2]), value)), flush=True)

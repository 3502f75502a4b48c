"""Audits of made-up models whose truth is known: how often is the verdict wrong?

    nulls.py PROGRAM TRIALS [SCENARIO ..]      the scenarios below, some or all; status 1 where one is broken

Every image has a difficulty that all models share (sd 0.8), every model its own noise on it (sd 0.6) and its own level (sd
0.2). Only the label's logit varies. Models that never saw the forgotten class know it by 2 less than the original."""
import collections, json, os, subprocess, sys, tempfile

import h5py
import numpy as np

EACH = 300
FALSE = {"leaks", "over-forgotten", "suspicion"}


def too_many(n, p=0.05, error=0.01):
    """The smallest k with P(Bin(n, p) >= k) < error."""
    term, below, k = (1 - p) ** n, 0.0, 0
    while 1 - below >= error:
        below += term
        term *= (n - k) / (k + 1) * p / (1 - p)
        k += 1
    return k


class Signals:
    def __init__(self, rng, R, level=0.2, each=EACH, copies=1):
        self.group = np.repeat(np.arange(4), each)
        self.label = (self.group > 1).astype(np.int32)
        self.cluster = np.arange(4 * each) // copies
        M, own = R + 2, self.cluster.max() + 1
        self.s = 0.8 * rng.standard_normal(own)[self.cluster] + 0.6 * rng.standard_normal((M, own))[:, self.cluster]
        self.s += level * rng.standard_normal((M, 1)) + np.where(self.label == 0, -2, 3)
        self.s[1, self.label == 0] += 4
        self.s[1, self.group == 0] += 1

    def write(self, path, clusters):
        z = np.zeros((*self.s.shape, 3))
        np.put_along_axis(z, self.label[None, :, None], self.s[:, :, None], 2)
        with h5py.File(path, "w") as file:
            file["points/labels"], file["points/group"] = self.label, self.group.astype(np.uint8)
            file["unlearned/logits"], file["original/logits"] = z[0], z[1]
            if clusters:
                file["points/cluster"] = self.cluster
            if len(z) > 2:
                file["retrained/logits"] = z[2:]


def alike(rng, R):
    return Signals(rng, R)


def unlike_levels(rng, R):
    return Signals(rng, R, level=1)


def overfitted(rng, R):
    x = Signals(rng, R)
    x.s[:, x.group == 2] += 0.5 + 0.2 * rng.standard_normal((R + 2, 1))
    return x


def other_mix(rng, R):
    """Kept images are of two classes, more of the first in training; unlearning moved the second, members and others alike."""
    x = Signals(rng, R)
    second = (x.group > 1) & (rng.random(4 * EACH) < np.where(x.group == 2, 0.3, 0.5))
    x.label[second] = 2
    x.s[0, second] += 1.5
    return x


def copies(rng, R):
    return Signals(rng, R, copies=5)


def pairs(rng, R):
    """A hundred persons with one forgotten and one held-out image, who look more familiar than the others."""
    x = Signals(rng, R)
    x.cluster[x.group == 1] = np.where(np.arange(EACH) < 100, x.cluster[x.group == 0], x.cluster[x.group == 1])
    x.s[:, (x.label == 0) & (np.arange(4 * EACH) % EACH < 100)] += 1
    return x


def unlike_shapes(rng, R):
    """Two forgotten classes, of which one has a long tail and more members."""
    x = Signals(rng, R)
    second = (x.group < 2) & (rng.random(4 * EACH) < np.where(x.group == 0, 0.75, 0.5))
    x.label[second] = 2
    x.s[:, second] = np.exp(x.s[:, second] + 2)
    return x


def few_exposed(rng, R):
    x = Signals(rng, R)
    x.s[0, rng.choice(EACH, EACH // 50, replace=False)] += 8
    return x


def forgot_nothing(rng, R):
    x = Signals(rng, R)
    x.s[0] = x.s[1] + 0.1 * rng.standard_normal(4 * EACH)
    return x


def leaking(rng, R):
    x = Signals(rng, R)
    x.s[0, x.group == 0] += 0.5
    return x


# made by, retrained models, verdicts that are false, never allowed, or wanted in 4 of 5
SCENARIOS = {f"{make.__name__}-{R}": (make, R, FALSE, (), ()) for make in (alike, unlike_levels, overfitted, other_mix, copies)
             for R in (0, 1, 2, 3, 5)}
SCENARIOS |= {f"{make.__name__}-{R}": (make, R, FALSE, (), ()) for make in (pairs, unlike_shapes) for R in (0, 1, 5)}
SCENARIOS["few_exposed-6"] = (few_exposed, 6, (), {"indistinguishable"}, ())
SCENARIOS["forgot_nothing-4"] = (forgot_nothing, 4, (), {"indistinguishable"}, ())
SCENARIOS["leaking-5"] = (leaking, 5, (), (), {"leaks"})


def verdict(program, signals, clusters):
    with tempfile.TemporaryDirectory() as folder:
        signals.write(f"{folder}/logits.h5", clusters)
        command = [program, "audit", "--signals", f"{folder}/logits.h5", "--set", "draws=100", "-o", f"{folder}/audit"]
        alone = dict(os.environ, OMP_NUM_THREADS="1", PATH="/none")  # gnuplot draws figures that nobody looks at
        done = subprocess.run(command, capture_output=True, text=True, env=alone)
        if done.returncode:
            sys.exit(f"status {done.returncode}: {done.stderr}")
        with open(f"{folder}/audit/report.json") as file:
            return json.load(file)["verdict"]


def main(program, trials, *only):
    broken = []
    for name, (make, R, false, never, wanted) in SCENARIOS.items():
        if only and name not in only:
            continue
        seen = collections.Counter(verdict(program, make(np.random.default_rng([11, t]), R), make in (copies, pairs))
                                   for t in range(int(trials)))
        count = lambda words: sum(seen[word] for word in words)
        bad = count(false) >= too_many(int(trials)) or count(never) > 0 or (wanted and count(wanted) < 0.8 * int(trials))
        broken += [name] if bad else []
        print(name, "BROKEN" if bad else "holds", dict(seen), flush=True)
    sys.exit(f"broken: {', '.join(broken)}" if broken else 0)


main(*sys.argv[1:])

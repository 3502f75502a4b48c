"""What the groups of rows share: processes that answer lines, pairs in turn, finding the peers."""
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAIRS, SLOW_PAIRS = 5, 2  # a peer over a minute gets SLOW_PAIRS, unless --long


def threads():
    return os.environ.get("OMP_NUM_THREADS", str(len(os.sched_getaffinity(0))))


OURS = {}  # what the program sets for itself, which our rows' programs do not go through: bench/run asks it


def environment(ours=True):
    """Ours: as the program restarts itself, with short spins at barriers and the right kernels of OpenBLAS
    (cli/start.c). Peers keep their defaults: what a user set for OpenBLAS and OpenMP here was not meant for their
    libraries, and slows some."""
    kept = dict(os.environ)
    if not ours:
        kept = {k: v for k, v in kept.items() if not k.startswith(("OPENBLAS_", "GOMP_", "OMP_", "KMP_", "MKL_"))}
    return dict(kept, OMP_NUM_THREADS=threads(), **(OURS if ours else {}))


def ask_environment(program):
    found = subprocess.run([program, "--environment"], stdout=subprocess.PIPE, text=True, check=True).stdout
    OURS.update(line.split("=", 1) for line in found.splitlines())


def find_python(*modules):
    """.venv (scripts/setup --dev) before others: its torch is the faster one."""
    venv = os.path.join(os.path.dirname(HERE), ".venv", "bin", "python")
    for python in (venv, sys.executable, "/usr/bin/python3"):
        if os.access(python, os.X_OK) and subprocess.run([python, "-c", "import " + ", ".join(modules)],
                                                         capture_output=True).returncode == 0:
            return python
    return None


def peer(name):
    return os.path.join(HERE, "peers", name)


class Setting:
    def __init__(self, folder, python, long, asked, only, cache, expunge):
        self.folder, self.python, self.long, self.only, self.cache = folder, python, long, only, cache
        self.asked, self.expunge = asked, expunge
        self.found = None

    def program(self, name):
        path = os.path.join(self.folder, name)
        if not os.access(path, os.X_OK):
            sys.exit(f"bench: {path} is not built: make bench")
        return path

    def wants(self, row):
        return not self.only or row in self.only

    def precisions(self):
        """Those that this CPU runs; says once what is left out."""
        if self.found is None:
            net = Side([self.program("net"), "convnet", "serve"])
            self.found = ["f32"] + ["bf16"] * net.ask("available bf16 0")["available"]
            net.close()
            if "bf16" not in self.found:
                print("rows in bf16 are left out: this CPU has no bf16 instructions")
        return self.found

    def pairs(self, few=PAIRS):
        """How many: few of them but with --long, or as --pairs says."""
        return self.asked or (PAIRS if self.long else few)


def once(command, ours=True):
    """Runs a command, gives the JSON of its last line."""
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment(ours))
    if found.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} failed")
    return json.loads(found.stdout.strip().splitlines()[-1])


class Side:
    """A process that answers each line with one line of JSON."""

    def __init__(self, command, ours=True, env=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=env or environment(ours))

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"bench: {self.process.args[0]} ended during {line}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def make_row(name, unit, pairs, ratios, floor, checked, **more):
    """pairs: (ours, peer's), peer's None where there is no peer; ratios: of the pairs, higher is better for us."""
    row = {"row": name, "unit": unit, "pairs": len(pairs), "ours": statistics.median(o for o, _ in pairs),
           "floor_fraction": floor, "checked": bool(checked), "values": pairs}
    have = [p for _, p in pairs if p is not None]
    row["peer"] = statistics.median(have) if have else None
    row["ratio"] = statistics.median(ratios) if ratios else None
    row["ratio_min"], row["ratio_max"] = (min(ratios), max(ratios)) if ratios else (None, None)
    row.update(more)
    return row


def amount(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"

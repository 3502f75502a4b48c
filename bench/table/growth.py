"""growth: how unlearning's cost grows with samples, features, classes, patches and threads, and that memory does not grow
with the samples. Only when it is asked for, or with --long: bench/run PROGRAM ROWS growth. Writes build/growth.json and, with gnuplot,
build/growth.svg; yields no row. Exponents: least squares of log(seconds) on log(value)."""
import json
import math
import os
import shutil
import statistics
import subprocess

from . import common

REPEATS = 3
# what, values, arguments of bench/rows/growth.c for a value, other words
SERIES = (
    ("samples", (1024, 2048, 4096, 8192, 16384), lambda v: ("unlearn", v, 64, 2, 0), "images a side, patches: all, 576 features"),
    ("features", (16, 32, 64, 128, 256), lambda v: ("unlearn", 512, v, 10, 8192), "channels of the layer before: features / 9; 8192 patches"),
    ("classes", (10, 20, 40, 80), lambda v: ("unlearn", 0, 64, v, 0), "classes, 20 images of each retained one, patches: all"),
    ("patches", (4096, 8192, 16384, 32768), lambda v: ("unlearn", 512, 64, 10, v), "rows of the layer, 576 features"),
    ("training", (2048, 4096, 8192, 16384), lambda v: ("train", v, 64, 10, 0), "images of one epoch"),
)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555")
THREADED = (("unlearn", 4096, 64, 2, 0), ("unlearn", 512, 256, 10, 8192), ("train", 4096, 64, 10, 0))


def run(setting, arguments, threads):
    env = dict(common.environment(True), OMP_NUM_THREADS=str(threads))
    out = [json.loads(subprocess.run([setting.program("growth")] + [str(a) for a in arguments], check=True,
                                     stdout=subprocess.PIPE, text=True, env=env).stdout)
           for _ in range(setting.asked or REPEATS)]
    return {"seconds": statistics.median(o["seconds"] for o in out), "low": min(o["seconds"] for o in out),
            "high": max(o["seconds"] for o in out), "peak_mib": max(o["peak_kb"] for o in out) / 1024}


def exponent(points):
    x, y = [math.log(v) for v, _ in points], [math.log(s) for _, s in points]
    mx, my = statistics.mean(x), statistics.mean(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)


def style(number):
    return f"linewidth 2 pointtype {4 + number} pointsize 0.7 linecolor '{COLOURS[number]}'"


def draw(found, path):
    if not shutil.which("gnuplot"):
        print("growth: gnuplot is not installed: no figure")
        return
    lines, curves = [], []
    for number, series in enumerate(found["series"]):
        lines.append(f"$d{number} << EOD\n" + "\n".join(
            f"{p['value'] / series['points'][0]['value']} {p['seconds'] / series['points'][0]['seconds']} "
            f"{p['peak_mib']}" for p in series["points"]) + "\nEOD")
        curves.append((number, f"{series['what']}, exponent {series['exponent']:.2f}"))
    script = "\n".join(lines) + f"""
set terminal svg size 900,380 font 'sans-serif,12'
set output '{path}'
set multiplot layout 1,2
set logscale xy 2
set border 3
set tics nomirror
set key left top Left reverse
set grid linecolor '#e0e0e0' linetype 1
set xlabel 'times as many'
set ylabel 'times as long'
plot x with lines dashtype 2 linecolor '#999999' title 'in proportion', """ + ", ".join(
        f"$d{n} using 1:2 with linespoints {style(n)} title '{t}'" for n, t in curves) + """
unset logscale y
set yrange [0:*]
set ylabel 'peak memory of the work, MiB'
plot """ + ", ".join(f"$d{n} using 1:3 with linespoints {style(n)} title '{s['what']}'"
                      for n, s in enumerate(found["series"]) if s["what"] in ("samples", "training")) + "\nunset multiplot\n"
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    print(f"written: {os.path.relpath(path)}")


def rows(setting):
    if "growth" not in setting.only and not (setting.long and not setting.only):
        return
    found = {"threads": common.threads(), "series": [], "by_threads": []}
    for what, values, arguments, words in SERIES:
        points = [dict(run(setting, arguments(v), common.threads()), value=v) for v in values]
        series = {"what": what, "words": words, "points": points,
                  "exponent": exponent([(p["value"], p["seconds"]) for p in points])}
        found["series"].append(series)
        print(f"growth, {what} ({words}): exponent {series['exponent']:.2f}; " + "; ".join(
            f"{p['value']}: {p['seconds']:.3f} s, {p['peak_mib']:.0f} MiB" for p in points), flush=True)
    for arguments in THREADED:
        one, two = run(setting, arguments, 1), run(setting, arguments, 2)
        found["by_threads"].append({"work": " ".join(map(str, arguments)), "one": one, "two": two})
        print(f"growth, {' '.join(map(str, arguments))}: 1 thread {one['seconds']:.3f} s, 2 threads "
              f"{two['seconds']:.3f} s: {one['seconds'] / two['seconds']:.2f} times as fast", flush=True)
    path = os.path.join(os.path.dirname(setting.cache), "growth")
    with open(path + ".json", "w") as file:
        json.dump(found, file, indent=1)
        file.write("\n")
    draw(found, path + ".svg")
    yield from ()

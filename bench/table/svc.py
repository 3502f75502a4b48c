"""svc_60000: the svc attack on 54000 + 6000 confidences, 1000 audited, beside scikit-learn's SVC; the row without a shift is
the worse of the two."""
import json
import subprocess

from . import common


def rows(setting):
    python = common.find_python("sklearn", "numpy")
    if not setting.wants("svc_60000"):
        return
    if not python:
        print("svc_60000: left out, no Python here has sklearn (scripts/setup --dev)")
        return
    command = [python, common.peer("sklearn_svc.py"), setting.program("svc"), str(setting.pairs(0))]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True,
                           env=common.environment(False)).stdout
    found = [json.loads(line) for line in lines.splitlines()]
    for row in found:
        row.update(row=f"svc_60000_shift_{row['shift']:.0f}", unit="s")
        yield row
    worst = min(found, key=lambda row: row["ratio"])
    yield dict(worst, row="svc_60000", checked=all(row["checked"] for row in found))

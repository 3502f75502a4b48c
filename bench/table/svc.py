"""svc_60000: the svc attack on 54000 + 6000 confidences, 1000 audited, beside scikit-learn's SVC."""
import json
import subprocess

from . import common


def rows(setting):
    python = common.find_python("sklearn", "numpy")
    if not setting.wants("svc_60000"):
        return
    if not python:
        print("svc_60000: left out, python3-sklearn is not installed")
        return
    command = [python, common.peer("sklearn_svc.py"), setting.program("svc")]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=common.environment()).stdout
    for line in lines.splitlines():
        found = json.loads(line)
        found.update(row=f"svc_60000_shift_{found['shift']:.0f}", unit="s")
        yield found

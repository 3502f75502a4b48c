"""Builds the Python package: make builds the library, its helper and the program, which are copied into the package."""

import os
import re
import shutil
import subprocess

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70.1
    from wheel.bdist_wheel import bdist_wheel

ROOT = os.path.dirname(os.path.abspath(__file__))
# where python/expunge/_library.py looks, and where the library looks for its helper: built file -> folder of the package
BUILT = {
    "build/release/lib/libexpunge.so.0": "lib",
    "build/release/libexec/expunge/expunge-helper": "libexec/expunge",
    "build/expunge": "bin",
}
CONFIGS = "configs"  # beside bin, where the program looks


class Build(build_py):
    """Runs make, and takes what it made along; an editable installation finds it in build/."""

    def run(self):
        subprocess.check_call(["make", "lib", "build/expunge"], cwd=ROOT)
        super().run()
        if getattr(self, "editable_mode", False):
            return
        for source, folder in BUILT.items():
            target = os.path.join(self.build_lib, "expunge", folder)
            os.makedirs(target, exist_ok=True)
            copy = shutil.copy(os.path.join(ROOT, source), target)
            if shutil.which("strip"):
                subprocess.check_call(["strip", "--strip-debug", copy])
        shutil.copytree(os.path.join(ROOT, CONFIGS), os.path.join(self.build_lib, "expunge", CONFIGS), dirs_exist_ok=True)


class Binary(Distribution):
    """Not for any machine."""

    def has_ext_modules(self):
        return True


class Wheel(bdist_wheel):
    """For any Python 3: the library is called by ctypes."""

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


with open(os.path.join(ROOT, "session/program.h")) as header:
    version = re.search(r'#define SESSION_PROGRAM_VERSION "(.*)"', header.read()).group(1)
setup(version=version, distclass=Binary, cmdclass={"build_py": Build, "bdist_wheel": Wheel})

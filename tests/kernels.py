"""The notebooks once more, as other processors run them. `make kernels` runs it.

NumPy and OpenBLAS choose among several codes for the same sum by what the processor can do, and
those differ in the last digits. No stored output may hang on them.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(ROOT.glob("book/**/*.ipynb")) + sorted(ROOT.glob("tests/assignments/*/*.ipynb"))
WHAT_RUNS = """
import numpy as np, scipy.linalg, threadpoolctl
found = np.show_config(mode="dicts")["SIMD Extensions"].get("found") or ["its baseline"]
core = {pool["architecture"] for pool in threadpoolctl.threadpool_info() if "architecture" in pool}
print("OpenBLAS for", *core, "and NumPy with", *found)
"""


def choices():
    """The settings that this processor can run; a core type that it lacks crashes OpenBLAS."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        print(f"left out on {platform.platform()}: the names are those of Linux on x86-64")
        return
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    yield {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": " ".join(found)}
    if "X86_V3" in found:
        yield {"OPENBLAS_CORETYPE": "Haswell"}
    else:
        print("OPENBLAS_CORETYPE=Haswell left out: this processor has no AVX2")


def main():
    failed = 0
    for choice in choices():
        names = " ".join(f'{name}="{value}"' for name, value in choice.items())
        env = os.environ | choice
        runs = subprocess.run([sys.executable, "-c", WHAT_RUNS], env=env, text=True, stdout=-1)
        print(f"{names}: {runs.stdout.strip()}", flush=True)
        failed |= subprocess.run(
            [sys.executable, "-m", "pytest", *NOTEBOOKS], env=env, cwd=ROOT
        ).returncode
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())

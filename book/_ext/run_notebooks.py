"""Run notebooks in place and store what they print and draw: ``make notebooks``.

What changes from run to run or from machine to machine is left out or counted anew, so that running
an unchanged notebook again changes no byte of it.
"""

import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

import nbformat
from nbclient import NotebookClient

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
REFERENCE = re.compile(r"IPY_MODEL_([\w-]+)")


def shown_widgets(notebook):
    """The state of the models that some output shows, and of what those refer to.

    Their ids, which a kernel draws at random, are replaced by ids that count up.
    """
    saved = notebook.metadata.get("widgets", {}).get(STATE, {"state": {}})
    models, names, count = saved["state"], {}, Counter()

    def name(model_id, new):
        if model_id not in names:
            names[model_id] = new
            for key, value in sorted(models[model_id]["state"].items()):
                for i, part in enumerate(REFERENCE.findall(json.dumps(value))):
                    name(part, f"{new}-{key}-{i + 1}" if i else f"{new}-{key}")

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if view := output.get("data", {}).get(VIEW):
                model_id, model = view["model_id"], models[view["model_id"]]
                kind = model["state"].get("_anywidget_id", model["model_name"])
                kind = kind.rpartition(".")[2].lower()
                count[kind] += model_id not in names
                name(model_id, f"{kind}-{count[kind]}")
                view["model_id"] = names[model_id]

    kept = {new: models[model_id] for model_id, new in names.items()}
    renamed = REFERENCE.sub(lambda m: f"IPY_MODEL_{names.get(m[1], m[1])}", json.dumps(kept))
    return {**saved, "state": json.loads(renamed)}


def run(path):
    """Execute one notebook, in its own folder, and write it back."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    shown = shown_widgets(notebook)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    if shown["state"]:
        notebook.metadata["widgets"] = {STATE: shown}
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # quicker for small matrices, on any machine
    for name in sys.argv[1:]:
        print(f"running {name}", flush=True)
        run(Path(name))

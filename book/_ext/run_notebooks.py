"""Run notebooks in place and store what they print and draw: ``make notebooks``.

What changes from run to run or from machine to machine is left out, so that running an unchanged
notebook again changes no byte of it.
"""

import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"


def shown_widgets(notebook):
    """The state of the widgets that some output shows, and of what those refer to."""
    saved = notebook.metadata.get("widgets", {}).get(STATE, {"state": {}})
    wanted = [
        output.data[VIEW]["model_id"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if VIEW in output.get("data", {})
    ]
    kept = {}
    while wanted:
        model_id = wanted.pop()
        if model_id not in kept:
            kept[model_id] = saved["state"][model_id]
            wanted += re.findall(r"IPY_MODEL_([\w-]+)", str(kept[model_id]["state"]))
    return {**saved, "state": dict(sorted(kept.items()))}


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
    for name in sys.argv[1:]:
        print(f"running {name}", flush=True)
        run(Path(name))

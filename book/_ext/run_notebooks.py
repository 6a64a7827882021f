"""Run notebooks in place and store what they print and draw: ``make notebooks``.

What changes from run to run or from machine to machine is left out, so that running an unchanged
notebook again changes no byte of it.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def run(path):
    """Execute one notebook, in its own folder, and write it back."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    widgets = notebook.metadata.get("widgets")
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    if widgets:
        notebook.metadata["widgets"] = widgets
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"running {name}", flush=True)
        run(Path(name))

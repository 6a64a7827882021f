"""The texts that the chapters count and code, and digits; `data/README.md` names their licence."""

from collections import namedtuple
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np

LANGUAGES = ("en", "fr")


def load_declaration(language="en"):
    """The Universal Declaration of Human Rights of 1948, the same text in two languages.

    Parameters
    ----------
    language : {"en", "fr"}
        English or French.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If `language` is another one.

    Notes
    -----
    Used in chapter 5, "A real text".
    Source: United Nations General Assembly, resolution 217 A (III) (1948), in the public domain.

    Examples
    --------
    >>> print(load_declaration("fr")[:45])
    Déclaration universelle des droits de l’homme
    """
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, got {language!r}")
    return files("xentlib").joinpath(f"data/declaration-{language}.txt").read_text("utf-8")


Digits = namedtuple("Digits", ["data", "target"])


def load_digits():
    """The 1797 handwritten digits that scikit-learn brings along, without importing it.

    Returns
    -------
    Digits
        A pair: ``data``, shape (1797, 64), has the grey values from 0 to 16 of a picture in each
        row; ``target``, shape (1797,), the digits.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.

    Notes
    -----
    Used in problem set 5.
    Source: Alpaydin and Kaynak (1998), UCI repository, "Optical Recognition of Handwritten Digits".
    Elsewhere: ``sklearn.datasets.load_digits``, whose import takes about a second.

    Examples
    --------
    >>> digits = load_digits()
    >>> print(digits.data.shape, digits.target[:5])
    (1797, 64) [0 1 2 3 4]
    """
    found = find_spec("sklearn")
    if found is None:
        raise ModuleNotFoundError("the digits come with scikit-learn: install scikit-learn")
    place = Path(found.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
    table = np.loadtxt(place, delimiter=",")
    return Digits(table[:, :-1], table[:, -1].astype(int))

"""The texts that the chapters count and code; `data/README.md` names their source and licence."""

from importlib.resources import files

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

"""What every interactive figure shares: its script, its identity and its still picture."""

import base64
import math
from pathlib import Path

import anywidget
import numpy as np
import traitlets

HERE = Path(__file__).parent


class Probabilities(traitlets.List):
    """Probabilities that sum to 1: a list, or a table (a list of rows), in the default's shape."""

    def __init__(self, default_value, **kwargs):
        self.shape = np.shape(default_value)
        super().__init__(None, default_value, **kwargs)

    def validate(self, obj, value):
        where = f"{type(obj).__name__}.{self.name}"
        try:
            p = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise traitlets.TraitError(f"{where} must be numbers, not {value!r}") from None
        if p.shape != self.shape:
            size = " × ".join(map(str, self.shape))
            raise traitlets.TraitError(f"{where} must be {size} numbers, not {value!r}")
        if not np.all((p >= 0) & (p <= 1)):
            raise traitlets.TraitError(f"{where} must lie in [0, 1], not {p.tolist()}")
        if abs(p.sum() - 1) > np.sqrt(np.finfo(float).eps):
            raise traitlets.TraitError(f"{where} must sum to 1, not {p.sum():g}: {p.tolist()}")
        return p.tolist()


class Names(traitlets.List):
    """A list of as many names as the default has."""

    def __init__(self, default_value, **kwargs):
        size = len(default_value)
        super().__init__(traitlets.Unicode(), default_value, minlen=size, maxlen=size, **kwargs)


class Numbers(traitlets.List):
    """Numbers in [low, high], as a list or as rows; None in `shape` stands for any length."""

    def __init__(self, shape, default_value=traitlets.Undefined, low=-np.inf, high=np.inf):
        self.shape, self.low, self.high = shape, low, high
        super().__init__(default_value=default_value)

    def validate(self, obj, value):
        where = f"{type(obj).__name__}.{self.name}"
        try:
            numbers = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise traitlets.TraitError(f"{where} must be numbers, not {value!r}") from None
        fits = len(numbers.shape) == len(self.shape) and all(
            size > 0 if wanted is None else size == wanted
            for size, wanted in zip(numbers.shape, self.shape, strict=True)
        )
        if not fits:
            size = " × ".join("n" if n is None else str(n) for n in self.shape)
            raise traitlets.TraitError(
                f"{where} must be {size} numbers, not of shape {numbers.shape}"
            )
        wrong = numbers[~(np.isfinite(numbers) & (numbers >= self.low) & (numbers <= self.high))]
        if wrong.size:
            bounded = f"lie in [{self.low:g}, {self.high:g}]"
            wanted = bounded if math.isfinite(self.high) else "be finite"
            raise traitlets.TraitError(f"{where} must {wanted}, not {wrong[0]}")
        return numbers.tolist()


def at_least_0(n):
    """The number of steps `n`, which cannot be negative."""
    if n < 0:
        raise ValueError(f"n must be at least 0 steps, got {n}")
    return n


class Figure(anywidget.AnyWidget):
    """Base of the interactive figures.

    A subclass `Name` has a script `name.js` beside this file, traits, and two methods:
    `_summary()`, one sentence that states the figure, and `_static()`, its matplotlib twin.
    The height that a page keeps for it stands in figure.css.
    """

    _css = (HERE / "figure.css").read_text("utf-8")

    def __init_subclass__(cls, **kwargs):
        # One module without imports runs in Jupyter and on the static site alike.
        if not hasattr(cls, "_esm"):  # ipywidgets.add_traits makes subclasses of its own
            files = HERE / "shared.js", HERE / f"{cls.__name__.lower()}.js"
            cls._esm = "\n".join(f.read_text("utf-8") for f in files)
        super().__init_subclass__(**kwargs)

    def _summary(self):
        raise NotImplementedError

    def _static(self):
        raise NotImplementedError

    def __repr__(self):
        return f"{type(self).__name__}: {self._summary()}"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        png, size = self._static()._repr_png_()
        data = {
            **data,
            "image/png": base64.b64encode(png).decode("ascii"),
            "text/plain": repr(self),
        }
        return data, {**metadata, "image/png": size}

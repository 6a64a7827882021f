"""What every interactive figure shares: its script, its traits and its still picture."""

import base64
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from xentlib import _inputs

HERE = Path(__file__).parent


class Checked(traitlets.TraitType):
    """What `check` makes of a value; its errors name the trait, such as ``LossBars.q``.

    Arrays and lists become tuples, because a list could be changed without the figure being told.
    """

    def validate(self, obj, value):
        try:
            value = self.check(f"{type(obj).__name__}.{self.name}", value)
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None
        return frozen(value.tolist() if isinstance(value, np.ndarray) else value)


def frozen(value):
    return tuple(map(frozen, value)) if isinstance(value, list) else value


class Numbers(Checked):
    """A number, a list of numbers or a list of rows; None in `shape` stands for any length."""

    def __init__(self, shape, default=traitlets.Undefined, **bounds):
        self.shape, self.bounds = shape, bounds
        super().__init__(default)

    def check(self, where, value):
        return _inputs.numbers(where, value, self.shape, **self.bounds)


class Probability(Numbers):
    """One probability; what exceeds 1 by the rounding of a float32 counts as 1."""

    def __init__(self, default):
        super().__init__((), default)

    def check(self, where, value):
        (p,), _ = _inputs.probabilities(**{where: super().check(where, value)})
        return p


class Distribution(Numbers):
    """Probabilities that sum to 1, as a list or a table in the default's shape.

    They are kept as they are given; the library allows for what rounding does to their sum.
    """

    def __init__(self, default):
        super().__init__(np.shape(default), default)

    def check(self, where, value):
        p = super().check(where, value)
        _inputs.sum_to_1(where, p, None)
        return p


class Names(Checked):
    """As many strings as the default has."""

    def check(self, where, value):
        return _inputs.texts(where, value, len(self.default_value))


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

    def __new__(cls, *args, **kwargs):
        known = set(cls.class_trait_names())
        unknown = [f"{name}=" for name in kwargs if name not in known | {"model_id"}]
        if args or unknown:  # ipywidgets would ignore them, with a warning that few see
            own = sorted(known - set(anywidget.AnyWidget.class_trait_names()))
            takes = ", ".join(f"{name}=" for name in own)
            raise TypeError(
                f"{cls.__name__} takes {takes}, got {', '.join([*map(repr, args), *unknown])}"
            )
        return super().__new__(cls, *args, **kwargs)

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

"""xentlib: the small library of the course on cross-entropy.

Everything in `information` is here too. The figures are in `xentlib.plots` and the interactive
ones in `xentlib.widgets`; both are loaded only when asked for.
"""

from xentlib.information import *  # noqa: F403
from xentlib.information import __all__ as __all__

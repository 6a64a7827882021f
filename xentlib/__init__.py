"""xentlib: the small library of the course on cross-entropy.

Everything in `information`, `coding` and `trees` is here too. The figures are in `xentlib.plots`
and the interactive ones in `xentlib.widgets`; both are loaded only when asked for.
"""

from xentlib import coding, information, trees
from xentlib.coding import *  # noqa: F403
from xentlib.information import *  # noqa: F403
from xentlib.trees import *  # noqa: F403

__all__ = sorted([*coding.__all__, *information.__all__, *trees.__all__])

"""xentlib: the small library of the course on cross-entropy.

Everything in `information`, `activations`, `losses`, `coding` and `trees` is here too. The figures
are in `xentlib.plots` and the interactive ones in `xentlib.widgets`; both are loaded only when
asked for.
"""

from xentlib import activations, coding, information, losses, trees
from xentlib.activations import *  # noqa: F403
from xentlib.coding import *  # noqa: F403
from xentlib.information import *  # noqa: F403
from xentlib.losses import *  # noqa: F403
from xentlib.trees import *  # noqa: F403

__all__ = sorted(
    [
        *activations.__all__,
        *coding.__all__,
        *information.__all__,
        *losses.__all__,
        *trees.__all__,
    ]
)

"""Interactive figures: in Jupyter they are widgets, on the site they run without a kernel."""

from xentlib.widgets.base import Figure
from xentlib.widgets.entropyshaper import EntropyShaper
from xentlib.widgets.lossbars import LossBars
from xentlib.widgets.surprise import Surprise

__all__ = ["EntropyShaper", "Figure", "LossBars", "Surprise"]

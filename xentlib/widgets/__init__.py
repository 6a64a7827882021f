"""Interactive figures: in Jupyter they are widgets, on the site they run without a kernel."""

from xentlib.widgets.base import Figure
from xentlib.widgets.codelengths import CodeLengths
from xentlib.widgets.coinlikelihood import CoinLikelihood
from xentlib.widgets.divergences import Divergences
from xentlib.widgets.entropyshaper import EntropyShaper
from xentlib.widgets.jointtable import JointTable
from xentlib.widgets.lossbars import LossBars
from xentlib.widgets.surprise import Surprise

__all__ = [
    "CodeLengths",
    "CoinLikelihood",
    "Divergences",
    "EntropyShaper",
    "Figure",
    "JointTable",
    "LossBars",
    "Surprise",
]

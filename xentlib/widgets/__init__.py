"""Interactive figures: in Jupyter they are widgets, on the site they run without a kernel."""

from xentlib.widgets.base import Figure
from xentlib.widgets.binaryloss import BinaryLoss
from xentlib.widgets.codelengths import CodeLengths
from xentlib.widgets.coinlikelihood import CoinLikelihood
from xentlib.widgets.divergences import Divergences
from xentlib.widgets.entropyshaper import EntropyShaper
from xentlib.widgets.jointtable import JointTable
from xentlib.widgets.logitsteps import LogitSteps
from xentlib.widgets.lossbars import LossBars
from xentlib.widgets.sigmoidgradients import SigmoidGradients
from xentlib.widgets.softmaxtraining import SoftmaxTraining
from xentlib.widgets.surprise import Surprise

__all__ = [
    "BinaryLoss",
    "CodeLengths",
    "CoinLikelihood",
    "Divergences",
    "EntropyShaper",
    "Figure",
    "JointTable",
    "LogitSteps",
    "LossBars",
    "SigmoidGradients",
    "SoftmaxTraining",
    "Surprise",
]

"""Two variables: their joint distribution as areas, their entropies as bars that add up."""

import numpy as np

from xentlib import plots
from xentlib.information import entropy, joint_entropy, mutual_information
from xentlib.widgets.base import Distribution, Figure, Names


class JointTable(Figure):
    """Divide the unit square among four pairs (x, y), and read what X tells about Y.

    The square is cut upright at p(x0), then each column at p(y0|x): an area is a joint
    probability. Level cuts mean independence. Beside it, H(X,Y) is cut up in four ways.

    Attributes
    ----------
    pxy : tuple of tuple of float
        The joint probabilities: two rows for X, two columns for Y.
    x_names, y_names : tuple of str
        The two values of X, and those of Y.

    Examples
    --------
    >>> JointTable(pxy=[[0.5, 0], [0.25, 0.25]])
    JointTable: p = ((0.5, 0), (0.25, 0.25)): H(X) = 1.0000, H(Y) = 0.8113, H(X,Y) = 1.5000, \
I(X;Y) = 0.3113 bits

    Taught in chapter 3, on joint entropy and mutual information.
    """

    pxy = Distribution([[0.24, 0.06], [0.14, 0.56]]).tag(sync=True)
    x_names = Names(["x0", "x1"]).tag(sync=True)
    y_names = Names(["y0", "y1"]).tag(sync=True)

    def _summary(self):
        table = ", ".join(f"({', '.join(f'{p:.4g}' for p in row)})" for row in self.pxy)
        x, y = (entropy(np.sum(self.pxy, axis=axis), base=2) for axis in (1, 0))
        joint, both = joint_entropy(self.pxy, base=2), mutual_information(self.pxy, base=2)
        return (
            f"p = ({table}): H(X) = {x:.4f}, H(Y) = {y:.4f}, "
            f"H(X,Y) = {joint:.4f}, I(X;Y) = {both:.4f} bits"
        )

    def _static(self):
        return plots.joint_table(self.pxy, self.x_names, self.y_names)

"""Code lengths: columns whose area is the mean length, and the budget they must keep."""

import numpy as np

from xentlib import plots
from xentlib.information import entropy
from xentlib.widgets.base import Distribution, Figure, Names, Numbers

MOST_BITS = 6


class CodeLengths(Figure):
    """Give each word a code of whole bits, and see what the mean length exceeds the entropy by.

    A column is as wide as the word is frequent and as high as its code is long, so its area is
    what it adds to the mean length. The ideal height is −log₂ p. The bits above it always cost
    at least what the bits below it save, as long as the words share a budget: 2⁻ᴸ each, 1 in all.

    Attributes
    ----------
    names : tuple of str
        The four words.
    p : tuple of float
        How often they are said.
    lengths : tuple of int
        The lengths of their code words, from 1 to 6 bits.

    Examples
    --------
    Bob's words in Alice's code:

    >>> CodeLengths(p=[1 / 2, 1 / 4, 1 / 8, 1 / 8], lengths=[3, 1, 2, 3])
    CodeLengths: p = (0.5, 0.25, 0.125, 0.125), lengths (3, 1, 2, 3): mean 2.3750 bits = \
H(p) 1.7500 + extra 0.6250, Kraft sum 1

    Taught in chapter 5, on codes.
    """

    names = Names(["dog", "cat", "fish", "bird"]).tag(sync=True)
    p = Distribution([1 / 2, 1 / 4, 1 / 8, 1 / 8]).tag(sync=True)
    lengths = Numbers((4,), [3, 1, 2, 3], low=1, high=MOST_BITS, whole=True).tag(sync=True)

    def _summary(self):
        p = ", ".join(f"{x:.4g}" for x in self.p)
        lengths = np.array(self.lengths)
        mean, bits = np.dot(self.p, lengths), entropy(self.p, base=2)
        extra = f"{abs(mean - bits):.4f}"
        sign = "−" if mean < bits and float(extra) else "+"
        kraft = np.sum(2.0**-lengths)
        too_much = ", no prefix code" if kraft > 1 else ""
        return (
            f"p = ({p}), lengths ({', '.join(map(str, lengths))}): mean {mean:.4f} bits = "
            f"H(p) {bits:.4f} {sign} extra {extra}, Kraft sum {kraft:g}{too_much}"
        )

    def _static(self):
        return plots.code_lengths(self.p, self.lengths, self.names)

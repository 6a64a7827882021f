"""Codes of 0s and 1s: the shortest one, its length, and messages in it.

A code is a list with one code word for each symbol, and a symbol is an index into that list. An
empty code word means that the symbol has none: `huffman_code` gives no word to a symbol of
probability 0.
"""

import heapq
import itertools
import math
import re
from reprlib import repr as short

import numpy as np

from xentlib.information import _array, _distributions, _first

__all__ = ["decode", "encode", "expected_length", "huffman_code", "kraft_sum"]


def huffman_code(p):
    """A prefix-free code of the least expected length ``L``: ``H(p) <= L < H(p) + 1``, in bits.

    Huffman's algorithm: merge the two least likely symbols into one until a single one is left. The
    code word of a symbol is as long as the number of mergers that it took part in.

    Parameters
    ----------
    p : array_like, shape (K,)
        The distribution of the symbols.

    Returns
    -------
    list of str
        A code word for each symbol, in the order of `p`; ``""``, which is no word, for a symbol of
        probability 0. A symbol that is certain gets ``"0"``, because a message must have a length;
        this is the one case in which ``L`` reaches ``H(p) + 1``.

    Raises
    ------
    ValueError
        If `p` is not one distribution.

    Notes
    -----
    Taught in chapter 5, "The best code".
    Source: Huffman (1952), "A Method for the Construction of Minimum-Redundancy Codes".
    Where weights tie, symbols are merged before what is merged already: then no optimal code has a
    shorter longest word, says Schwartz (1964), "An Optimum Encoding with Minimum Longest Code and
    Total Number of Digits". The words are canonical: numbered upwards by length, then by position.
    Of equally likely symbols the first get the shorter words; otherwise order plays no role.
    Elsewhere: ``bitarray.util.huffman_code``, from a dict of frequencies.

    Examples
    --------
    >>> huffman_code([0.125, 0.5, 0.25, 0.125])
    ['110', '0', '10', '111']
    >>> huffman_code([0.5, 0, 0.5])
    ['0', '', '1']
    """
    p = _one_distribution(p)
    likeliest_first = np.argsort(-p, kind="stable")[: np.count_nonzero(p)]
    symbols = likeliest_first[::-1].tolist()
    n = len(symbols)

    # Nodes 0 to n - 1 are the symbols, least likely first; n, n + 1, ... are made by merging. Equal
    # weights leave the heap in this order, so the order of p changes nothing, not even a rounding.
    heap = [(weight, node) for node, weight in enumerate(p[symbols].tolist())]
    parent = {}
    for node in range(n, 2 * n - 1):
        (a, lightest), (b, second) = heapq.heappop(heap), heapq.heappop(heap)
        parent[lightest] = parent[second] = node
        heapq.heappush(heap, (a + b, node))

    root = 2 * n - 2
    depth = {root: 0}
    for node in reversed(range(root)):
        depth[node] = depth[parent[node]] + 1
    return _canonical_code({s: max(depth[rank], 1) for rank, s in enumerate(symbols)}, p.size)


def expected_length(p, lengths):
    """The mean number of bits that a symbol takes: ``L = sum p_k L_k``.

    Never below ``H(p)`` in bits for a code that can be decoded.

    Parameters
    ----------
    p : array_like, shape (K,)
        The distribution of the symbols.
    lengths : array_like of int, shape (K,)
        The length of each symbol's code word, at least 1. Where ``p`` is 0 the length plays no role
        and may be 0, for no word.

    Returns
    -------
    scalar

    Raises
    ------
    ValueError
        If `p` is not one distribution, `lengths` are not whole numbers or negative or not one for
        each symbol, or a symbol that occurs has length 0.

    Notes
    -----
    Taught in chapter 5, "Frequent words, short code words".
    Source: Cover and Thomas (2006), section 5.1.
    Elsewhere: ``numpy.average(lengths, weights=p)``.

    Examples
    --------
    >>> p = [0.5, 0.25, 0.25]
    >>> print(expected_length(p, [len(word) for word in huffman_code(p)]))
    1.5
    """
    p = _one_distribution(p)
    lengths = _lengths(lengths, least=0)
    if lengths.size != p.size:
        raise ValueError(
            f"p has {p.size} symbols and lengths has {lengths.size}; "
            "both must range over the same symbols"
        )
    wordless = np.flatnonzero((lengths == 0) & (p > 0))
    if wordless.size:
        raise ValueError(
            f"lengths must be at least 1 where p is above 0, got 0 for symbol {wordless[0]}, "
            "which then has no code word"
        )
    return (p * lengths.astype(p.dtype)).sum()


def kraft_sum(lengths, *, radix=2):
    """How much of the room for code words these lengths take: ``sum radix**-L <= 1`` or too much.

    A prefix-free code with these lengths exists exactly if the sum is at most 1, and so does a code
    that can be decoded at all. Below 1 some room is left.

    Parameters
    ----------
    lengths : array_like of int
        The length of each code word, at least 1. Leave out the symbols without one.
    radix : int
        How many digits the words are made of: 2 for bits.

    Returns
    -------
    float
        The sum rounded only once, and above 1 whenever the exact sum is.

    Raises
    ------
    ValueError
        If a length is not a whole number of at least 1, or `radix` not one of at least 2.

    Notes
    -----
    Taught in chapter 5, "What lengths are possible?".
    Source: Kraft (1949), "A Device for Quantizing, Grouping, and Coding Amplitude-Modulated
    Pulses"; McMillan (1956) for all codes that can be decoded.
    Elsewhere: ``numpy.sum(2.0 ** -lengths)``.

    Examples
    --------
    >>> kraft_sum([1, 2, 3, 3])
    1.0
    >>> kraft_sum([1, 2, 2, 2])
    1.25
    """
    lengths = [int(length) for length in _lengths(lengths, least=1)]
    if not _is_whole(radix) or radix < 2:
        raise ValueError(f"radix must be a whole number of at least 2, got {radix!r}")
    radix = int(radix)
    longest = min(max(lengths), 2000)  # what a longer word takes is too little for a float
    room = radix**longest
    taken = sum(radix ** (longest - length) for length in lengths if length <= longest)
    taken += _rounded_up([length for length in lengths if length > longest], radix, longest)
    if taken > room:
        return max(taken / room, math.nextafter(1, 2))
    return taken / room


def encode(symbols, code):
    """Write a message in a code: ``"".join(code[symbol] for symbol in symbols)``.

    Parameters
    ----------
    symbols : sequence of int
        The message; a symbol is an index into `code`.
    code : list of str
        A code word of 0s and 1s for each symbol; ``""`` for a symbol without one. It need not be
        prefix-free, but ``decode`` wants that.

    Returns
    -------
    str
        The bits.

    Raises
    ------
    ValueError
        If `symbols` are not whole numbers from 0 to ``len(code) - 1``, one of them has no code
        word, or `code` holds anything but strings of 0 and 1.

    Notes
    -----
    Taught in chapter 5, "Frequent words, short code words".
    Source: Cover and Thomas (2006), section 5.1, as "extension" of a code.
    Elsewhere: ``bitarray.bitarray.encode``.

    Examples
    --------
    >>> encode([1, 0, 2], ["0", "10", "11"])
    '10011'
    """
    words = _words(code)
    if not np.iterable(symbols):
        raise ValueError(f"symbols must be a sequence of whole numbers, got {short(symbols)}")
    bits = []
    for symbol in symbols:
        if not _is_whole(symbol):
            raise ValueError(f"symbols must be whole numbers (indices into code), got {symbol!r}")
        if not 0 <= symbol < len(words):
            raise ValueError(f"symbols must lie between 0 and {len(words) - 1}, got {symbol}")
        if not words[symbol]:
            raise ValueError(f"symbols must have a code word each, but symbol {symbol} has none")
        bits.append(words[symbol])
    return "".join(bits)


def decode(bits, code):
    """Read a message back: ``decode(encode(symbols, code), code) == symbols``.

    No code word begins another, so each word ends where it is first complete, and the next begins.

    Parameters
    ----------
    bits : str
        0s and 1s.
    code : list of str
        A prefix-free code: a code word for each symbol; ``""`` for a symbol without one.

    Returns
    -------
    list of int
        The symbols: indices into `code`.

    Raises
    ------
    ValueError
        If `bits` is not a string of 0s and 1s, ends within a code word, or goes on with what is no
        code word; if `code` is not prefix-free or holds anything but strings of 0 and 1.

    Notes
    -----
    Taught in chapter 5, "Frequent words, short code words".
    Source: Cover and Thomas (2006), section 5.1, as "instantaneous" codes.
    Elsewhere: ``bitarray.bitarray.decode``.

    Examples
    --------
    >>> decode("10011", ["0", "10", "11"])
    [1, 0, 2]
    """
    tree = _code_tree(_words(code))
    if not isinstance(bits, str):
        raise ValueError(f"bits must be a string of 0s and 1s, got {short(bits)}")
    wrong = re.search("[^01]", bits)
    if wrong:
        where = wrong.start()
        raise ValueError(f"bits must hold only 0 and 1, got {bits[where]!r} at position {where}")
    symbols, node, start = [], tree, 0
    for position, bit in enumerate(bits):
        node = node.get(bit)
        if isinstance(node, int):
            symbols.append(node)
            node, start = tree, position + 1
        elif node is None:
            piece = short(bits[start : position + 1])
            raise ValueError(
                f"no code word begins with {piece}, which bits hold at position {start}"
            )
    if node is not tree:
        piece = short(bits[start:])
        raise ValueError(f"bits end within a code word, of which they hold {piece}")
    return symbols


# What follows makes code words, adds up long ones, and checks the input.


def _canonical_code(lengths, n_symbols):
    """Words of the given lengths, {symbol: length}, that are numbered upwards."""
    code = [""] * n_symbols
    number = previous = 0
    for symbol, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        number <<= length - previous
        code[symbol] = f"{number:0{length}b}"
        number, previous = number + 1, length
    return code


def _code_tree(words):
    """Nested dicts: a bit leads to a subtree or, where a word ends, to the symbol."""
    for first, second in itertools.pairwise(sorted(filter(None, words))):
        if first == second:
            raise ValueError(f"code has the word {short(first)} twice")
        if second.startswith(first):  # in the order of a dictionary, what it begins comes next
            raise ValueError(f"code is not prefix-free: {short(first)} begins {short(second)}")
    tree = {}
    for symbol, word in enumerate(words):
        if word:
            node = tree
            for bit in word[:-1]:
                node = node.setdefault(bit, {})
            node[word[-1]] = symbol
    return tree


def _rounded_up(lengths, radix, at):
    """How many words of length `at` take as much room as these longer ones, rounded up.

    A sum of whole numbers and of this is above a whole number exactly if it was before rounding.
    """
    words, reached = 0, at
    for length in [*sorted(lengths, reverse=True), at]:
        steps = min(max(reached - length, 0), words.bit_length())  # more make it no smaller than 1
        words = -(-words // radix**steps) + (length > at)
        reached = length
    return words


def _words(code):
    if isinstance(code, str) or not np.iterable(code):
        raise ValueError(f"code must be a list of code words, got {short(code)}")
    words = list(code)
    if not words:
        raise ValueError("code is empty")
    for word in words:
        if not isinstance(word, str) or word.strip("01"):
            raise ValueError(f"code must hold strings of 0 and 1, got {short(word)}")
    return words


def _one_distribution(p):
    (p,) = _distributions(-1, p=p)
    if p.ndim != 1:
        raise ValueError(f"p must be one distribution, got shape {p.shape}")
    return p


def _lengths(lengths, least):
    array = _array("lengths", lengths)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"lengths must be whole numbers, got dtype {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"lengths must be one list of whole numbers, got shape {array.shape}")
    wrong = ~(np.isfinite(array) & (array >= least) & (array == np.floor(array)))
    if wrong.any():
        raise ValueError(
            f"lengths must be whole numbers of at least {least}, got {_first(array, wrong)}"
        )
    return array


def _is_whole(x):
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)

"""Codes of 0s and 1s: the shortest one, its length, and messages in it.

A code is a list with one code word for each symbol, and a symbol is an index into that list; or it
is a dict, whose keys are the symbols. An empty code word means that the symbol has none:
`huffman_code` gives no word to a symbol of probability 0.
"""

import math
import re
from collections.abc import Mapping, Set
from decimal import Decimal
from itertools import pairwise
from numbers import Integral, Real
from reprlib import repr as short

import numpy as np

from xentlib import _inputs

try:
    from bitarray import bitarray
except ImportError:  # `decode` can do without it
    bitarray = None

__all__ = ["decode", "encode", "expected_length", "huffman_code", "kraft_sum"]


def huffman_code(p):
    """A prefix-free code of the least expected length ``L``: ``H(p) <= L < H(p) + 1``, in bits.

    Huffman's algorithm: merge the two least likely symbols into one until a single one is left. The
    code word of a symbol is as long as the number of mergers that it took part in.

    Parameters
    ----------
    p : array_like, shape (K,), or dict
        The distribution of the symbols; or a dict or ``Counter`` with a count for each symbol.
        Counts need not sum to 1, as only their ratios matter. Floats are taken as rounded, all
        other numbers as exact. (For a Series of pandas use ``to_dict()``.)

    Returns
    -------
    list of str, or dict of str
        A code word for each symbol, in the order of `p`; ``""``, which is no word, for a symbol of
        probability 0. A symbol that is certain gets ``"0"``, because a message must have a length;
        this is the one case in which ``L`` reaches ``H(p) + 1``. A dict from symbols to their words
        if `p` is a dict.

    Raises
    ------
    ValueError
        If `p` is not one distribution; of a dict, if a count is negative, infinite or no real
        number, or all are 0.

    Notes
    -----
    Taught in chapter 5, "The best code".
    Source: Huffman (1952), "A Method for the Construction of Minimum-Redundancy Codes".
    Where weights tie, symbols are merged before what is merged already: then no optimal code has a
    shorter longest word, says Schwartz (1964), "An Optimum Encoding with Minimum Longest Code and
    Total Number of Digits". Sums are exact, and floats tie if they differ by no more than rounding
    explains, 1 part in 2**50, or in 2**21 for float32; to that precision ``L`` is the least. So
    counts divided by their total get the code of the counts, for a total of up to 10**14, in
    float32 up to 10**6. Numbers that were rounded more, in print or to float32 on their way to
    float64, need not. The words are canonical: numbered upwards by length, then by position. Of
    equally likely symbols the first get the shorter words; otherwise order plays no role.
    Elsewhere: ``bitarray.util.huffman_code``, from a dict of frequencies.

    Examples
    --------
    >>> huffman_code([0.125, 0.5, 0.25, 0.125])
    ['110', '0', '10', '111']
    >>> huffman_code([0.5, 0, 0.5])
    ['0', '', '1']
    >>> huffman_code({"dog": 4, "cat": 2, "fish": 1, "bird": 1})
    {'dog': '0', 'cat': '10', 'fish': '110', 'bird': '111'}
    """
    if isinstance(p, Mapping):
        counts, digits = _counts(p)
        return dict(zip(p, _shortest_words(counts, digits), strict=True))
    p, dtype = _one_distribution(p)
    return _shortest_words(p.tolist(), np.finfo(dtype).nmant)


def expected_length(p, lengths):
    """The mean number of bits that a symbol takes: ``L = sum p_k L_k``.

    Never below ``H(p)`` in bits if the code can be read without marks between its words.

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
    named = {"p": p, "lengths": lengths}
    p, dtype = _one_distribution(p)
    lengths = _lengths(lengths, least=0)
    _inputs.check_names(-1, named)
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
    return (p * lengths).sum().astype(dtype)


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
    if not _whole_type(type(radix)) or radix < 2:
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
    symbols : sequence
        The message. A symbol is an index into `code`, or a key if `code` is a dict: then a string
        is a sequence of letters.
    code : list of str, or dict of str
        A code word of 0s and 1s for each symbol; ``""`` for a symbol without one. It need not be
        prefix-free, but ``decode`` wants that.

    Returns
    -------
    str
        The bits.

    Raises
    ------
    ValueError
        If `symbols` are not whole numbers from 0 to ``len(code) - 1``, or keys of the dict `code`;
        if one of them has no code word, or `code` holds anything but strings of 0 and 1.

    Notes
    -----
    Taught in chapter 5, "Frequent words, short code words".
    Source: Cover and Thomas (2006), section 5.1, as "extension" of a code.
    Elsewhere: ``bitarray.bitarray.encode``.

    Examples
    --------
    >>> encode([1, 0, 2], ["0", "10", "11"])
    '10011'
    >>> encode("banana", {"a": "0", "n": "10", "b": "11"})
    '110100100'
    """
    words = _words(code)
    if not np.iterable(symbols) or isinstance(symbols, (Mapping, Set)):
        raise ValueError(f"symbols must be a sequence, such as a list, got {short(symbols)}")
    by_index = not isinstance(code, Mapping)
    symbols = symbols.tolist() if by_index and hasattr(symbols, "tolist") else list(symbols)
    word_of = {symbol: word for symbol, word in words.items() if word}
    try:
        if by_index and not all(map(_whole_type, set(map(type, symbols)))):
            raise KeyError  # True is the key 1, too, and 1.0
        return "".join(map(word_of.__getitem__, symbols))
    except (KeyError, TypeError):  # TypeError: what cannot be a key
        raise ValueError(_first_offence(symbols, words, by_index)) from None


def decode(bits, code):
    """Read a message back: ``decode(encode(symbols, code), code) == symbols``.

    No code word begins another, so each word ends where it is first complete, and the next begins.

    Parameters
    ----------
    bits : str
        0s and 1s.
    code : list of str, or dict of str
        A prefix-free code: a code word for each symbol; ``""`` for a symbol without one.

    Returns
    -------
    list
        The symbols: indices into `code`, or keys if it is a dict.

    Raises
    ------
    ValueError
        If `bits` is not a string of 0s and 1s, ends within a code word, or goes on with what is no
        code word; if `code` is not prefix-free or holds anything but strings of 0 and 1.

    Notes
    -----
    Taught in chapter 5, "Frequent words, short code words".
    Source: Cover and Thomas (2006), section 5.1, as "instantaneous" codes.
    Elsewhere: ``bitarray.bitarray.decode``. If ``bitarray`` is installed it reads here, too, ten to
    twenty times as fast, words of up to 256 bits.

    Examples
    --------
    >>> decode("10011", ["0", "10", "11"])
    [1, 0, 2]
    >>> "".join(decode("110100100", {"a": "0", "n": "10", "b": "11"}))
    'banana'
    """
    words = {symbol: word for symbol, word in _words(code).items() if word}
    _check_prefix_free(words)
    if not isinstance(bits, str):
        raise ValueError(f"bits must be a string of 0s and 1s, got {short(bits)}")
    if not re.fullmatch("[01]*", bits):
        where = re.search("[^01]", bits).start()
        raise ValueError(f"bits must hold only 0 and 1, got {bits[where]!r} at position {where}")
    if bitarray:
        try:
            return _decode_in_c(bits, words)
        except ValueError:
            pass  # the bits are wrong, as the loop will tell, or a word is too long for it
    tree = _code_tree(words)
    symbols, node, start = [], tree, 0
    for position, bit in enumerate(bits):
        node = node.get(bit)
        if isinstance(node, tuple):
            symbols += node
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


# What follows makes and reads code words, adds up long ones, and checks the input.


def _shortest_words(weights, right):
    """Huffman's words for weights whose first `right` bits are right, all of them if it is None."""
    weights = _whole_numbers(weights)
    occurring = [k for k, weight in enumerate(weights) if weight]
    symbols = sorted(occurring, key=weights.__getitem__, reverse=True)[::-1]
    n = len(symbols)

    # Nodes 0 to n - 1 are the symbols, the least likely first; n, n + 1, ... are made by merging,
    # also from the least likely on. So the next to merge is the next symbol or the next of these.
    weight = [weights[k] for k in symbols]
    parent = [0] * (2 * n - 2)
    symbol, merged = 0, n
    for node in range(n, 2 * n - 1):
        weight.append(0)
        for _ in range(2):
            if symbol < n and (merged == node or _at_most(weight[symbol], weight[merged], right)):
                lightest, symbol = symbol, symbol + 1
            else:
                lightest, merged = merged, merged + 1
            parent[lightest] = node
            weight[node] += weight[lightest]

    depth = [0] * (2 * n - 1)
    for node in reversed(range(2 * n - 2)):
        depth[node] = depth[parent[node]] + 1
    return _canonical_code({k: max(depth[i], 1) for i, k in enumerate(symbols)}, len(weights))


def _at_most(a, b, right):
    """Whether a <= b, or is so but for the rounding of a few units in the last right bit."""
    return a <= b or (right is not None and a - b <= b >> right - 2)


def _whole_numbers(weights):
    """Whole numbers in the same ratios: adding them rounds nothing."""
    ratios = [(int(w), 1) if isinstance(w, Integral) else w.as_integer_ratio() for w in weights]
    common = math.lcm(*{below for _, below in ratios})
    return [above * (common // below) for above, below in ratios]


def _canonical_code(lengths, n_symbols):
    """Words of the given lengths, {symbol: length}, that are numbered upwards."""
    code = [""] * n_symbols
    number = previous = 0
    for symbol, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        number <<= length - previous
        code[symbol] = f"{number:0{length}b}"
        number, previous = number + 1, length
    return code


def _check_prefix_free(words):
    for one, other in pairwise(sorted(words.values())):
        if one == other:
            raise ValueError(f"code has the word {short(one)} twice")
        if other.startswith(one):  # in the order of a dictionary, what it begins comes next
            raise ValueError(f"code is not prefix-free: {short(one)} begins {short(other)}")


def _code_tree(words):
    """Nested dicts: a bit leads to a subtree or, where a word ends, to its symbol in a tuple."""
    tree = {}
    for symbol, word in words.items():
        node = tree
        for bit in word[:-1]:
            node = node.setdefault(bit, {})
        node[word[-1]] = (symbol,)
    return tree


def _decode_in_c(bits, words):
    """What the loop in `decode` does, at the speed of C."""
    packed = bitarray(endian="big")
    packed.frombytes(np.packbits(np.frombuffer(bits.encode(), np.uint8) & 1))
    del packed[len(bits) :]  # the zeros that fill the last byte
    return list(packed.decode({symbol: bitarray(word) for symbol, word in words.items()}))


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
    """The code as a dict from symbols to words."""
    if isinstance(code, (str, Set)) or not np.iterable(code):
        raise ValueError(f"code must be a list of code words or a dict, got {short(code)}")
    words = dict(code if isinstance(code, Mapping) else enumerate(code))
    if not words:
        raise ValueError("code is empty")
    for word in words.values():
        if not isinstance(word, str) or word.strip("01"):
            raise ValueError(f"code must hold strings of 0 and 1, got {short(word)}")
    return words


def _first_offence(symbols, words, by_index):
    """What to say of the first symbol that cannot be written."""
    for symbol in symbols:
        if by_index and not _whole_type(type(symbol)):
            return (
                f"symbols must be whole numbers (indices into code), got {symbol!r}; "
                "for other symbols make code a dict"
            )
        try:
            if not words[symbol]:
                return f"symbols must have a code word each, but symbol {symbol!r} has none"
        except (KeyError, TypeError):
            if by_index:
                return f"symbols must lie between 0 and {len(words) - 1}, got {symbol}"
            return f"symbols must be keys of code, got {symbol!r}"


def _counts(counts):
    """The values of a dict of counts, and how many of their bits are right."""
    if not counts:
        raise ValueError("p is empty: it has no symbols")
    for symbol, count in counts.items():
        number = isinstance(count, (Real, Decimal)) and not isinstance(count, bool)
        if not (number and count == count and 0 <= count < math.inf):
            raise ValueError(
                "p must hold a number for each symbol, finite and not negative, "
                f"got {short(count)} for {short(symbol)}"
            )
    if not any(counts.values()):
        raise ValueError("p must hold a count above 0, got none")
    floating = [t for t in set(map(type, counts.values())) if issubclass(t, (float, np.floating))]
    return list(counts.values()), min((np.finfo(t).nmant for t in floating), default=None)


def _one_distribution(p):
    (p,), dtype = _inputs.distributions(-1, p=p)
    if p.ndim != 1:
        raise ValueError(f"p must be one distribution, got shape {p.shape}")
    return p, dtype


def _lengths(lengths, least):
    found = _inputs.array("lengths", lengths)
    if found.dtype == object:
        found = _inputs.from_objects("lengths", found)
    if found.dtype.kind not in "iuf":
        words = "; use [len(word) for word in code]" if found.dtype.kind in "US" else ""
        raise ValueError(f"lengths must be whole numbers, got dtype {found.dtype}{words}")
    if found.ndim != 1:
        raise ValueError(f"lengths must be one list of whole numbers, got shape {found.shape}")
    wrong = ~(np.isfinite(found) & (found >= least) & (found == np.floor(found)))
    if wrong.any():
        raise ValueError(
            f"lengths must be whole numbers of at least {least}, got {_inputs.first(found, wrong)}"
        )
    return found


def _whole_type(kind):
    return issubclass(kind, (int, np.integer)) and kind is not bool

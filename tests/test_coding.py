"""Code words, lengths and messages of `xentlib.coding`."""

import functools
import heapq
import itertools
import math
import re
import tracemalloc
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_laws import one_distribution

import xentlib
from xentlib import (
    coding,
    cross_entropy,
    encode,
    entropy,
    expected_length,
    huffman_code,
    kraft_sum,
    normalize,
)

TOL = 1e-12  # bits; see test_laws

# The codes of Bob and Alice (dog, cat, fish, bird), and the table-tennis match
BOB, ALICE = [1 / 2, 1 / 4, 1 / 8, 1 / 8], [1 / 8, 1 / 2, 1 / 4, 1 / 8]
MATCH = [63 / 64, 1 / 64]
CODE = ["0", "10", "110", "111"]


def lengths_of(code):
    return [len(word) for word in code]


def decode(bits, code):
    """With `bitarray` and without: what is read, or the complaint, must be the same."""
    without = mock.patch.object(coding, "bitarray", None)
    try:
        read = xentlib.decode(bits, code)
    except ValueError as error:
        with without, pytest.raises(ValueError, match="^" + re.escape(str(error)) + r"\Z"):
            xentlib.decode(bits, code)
        raise
    with without:
        assert xentlib.decode(bits, code) == read
    return read


# --- Strategies -----------------------------------------------------------------------------------

counts_with_ties = st.lists(st.integers(0, 5), min_size=1, max_size=40).filter(any)
lists_of_lengths = st.lists(st.integers(1, 7), min_size=1, max_size=16)


@st.composite
def dyadic(draw):
    """Distributions of powers of 1/2, in any order."""
    lengths = [0]
    for _ in range(draw(st.integers(0, 20))):
        length = lengths.pop(draw(st.integers(0, len(lengths) - 1)))
        lengths += [length + 1, length + 1]
    return 2.0 ** -np.array(draw(st.permutations(lengths)))


@st.composite
def prefix_free_codes(draw):
    """Prefix-free codes, some with room left, some with symbols that have no word."""
    words = [""]
    for _ in range(draw(st.integers(1, 15))):
        word = words.pop(draw(st.integers(0, len(words) - 1)))
        words += [word + "0", word + "1"]
    words = words[: draw(st.integers(1, len(words)))]
    return draw(st.permutations(words + [""] * draw(st.integers(0, 2))))


# --- Oracles --------------------------------------------------------------------------------------


@functools.cache
def feasible_lengths(k):
    """All lengths of k code words that fit, with none longer than k - 1."""
    possible = range(1, max(k, 2))
    fits = [
        lengths
        for lengths in itertools.product(possible, repeat=k)
        if sum(Fraction(1, 2**length) for length in lengths) <= 1
    ]
    return np.array(fits)


def huffman_total(weights):
    """The sum of the merged weights, which is the least sum of weight times length, exactly."""
    heap = [Fraction(w) for w in weights if w > 0]
    if len(heap) == 1:
        return heap[0]
    heapq.heapify(heap)
    total = 0
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        total += merged
        heapq.heappush(heap, merged)
    return total


# --- Known values ---------------------------------------------------------------------------------


def test_the_codes_of_bob_and_alice():
    assert huffman_code(BOB) == CODE
    assert huffman_code(ALICE) == ["110", "0", "10", "111"]
    bob, alice = lengths_of(huffman_code(BOB)), lengths_of(huffman_code(ALICE))
    assert expected_length(BOB, bob) == expected_length(ALICE, alice) == 1.75
    assert expected_length(BOB, alice) == 2.375
    assert expected_length(ALICE, bob) == 2.25


def test_the_wrong_code_costs_what_the_book_says():
    p, q = [0.5, 0.25, 0.25], [0.25, 0.25, 0.5]
    assert expected_length(p, lengths_of(huffman_code(p))) == 1.5
    assert expected_length(p, lengths_of(huffman_code(q))) == 1.75
    p, q = [0.5, 0.5, 0, 0], [0.25] * 4
    assert expected_length(p, lengths_of(huffman_code(p))) == 1
    assert expected_length(p, lengths_of(huffman_code(q))) == 2


def test_longer_blocks_of_matches_come_closer_to_the_entropy():
    per_match, p = [], [1]
    for n in range(1, 11):
        p = np.kron(p, MATCH)
        per_match.append(expected_length(p, lengths_of(huffman_code(p))) / n)
        assert 0 <= per_match[-1] - entropy(MATCH, base=2) < 1 / n
    assert per_match[:3] == pytest.approx([1, 0.523315, 0.364581], abs=5e-7)
    assert per_match == sorted(per_match, reverse=True)


def test_huffmans_code_of_counts():
    # Cover and Thomas (2006), example 5.6.1: lengths 2, 2, 2, 3, 3 and 2.3 bits
    p = [0.25, 0.25, 0.2, 0.15, 0.15]
    assert huffman_code(p) == ["00", "01", "10", "110", "111"]
    assert expected_length(p, [2, 2, 2, 3, 3]) == pytest.approx(2.3, rel=1e-15)


# --- Huffman --------------------------------------------------------------------------------------


def test_one_symbol_takes_one_bit_because_a_message_must_have_a_length():
    assert huffman_code([1]) == ["0"]
    assert huffman_code([0, 1.0, 0]) == ["", "0", ""]
    assert expected_length([0, 1, 0], lengths_of(huffman_code([0, 1, 0]))) == 1


def test_symbols_that_never_occur_take_no_room():
    assert huffman_code([0, 0.5, 0, 0.25, 0.25, 0]) == ["", "0", "", "10", "11", ""]


@given(one_distribution(), st.data())
def test_a_symbol_that_never_occurs_changes_no_other_word(p, data):
    at = data.draw(st.integers(0, p.size))
    code = huffman_code(p)
    assert huffman_code(np.insert(p, at, 0)) == [*code[:at], "", *code[at:]]


def test_the_first_of_equally_likely_symbols_have_the_shorter_words_in_upward_order():
    assert huffman_code([1 / 3] * 3) == ["0", "10", "11"]
    assert huffman_code([0.2] * 5) == ["00", "01", "10", "110", "111"]


@given(one_distribution())
def test_every_symbol_that_occurs_has_a_word_and_no_word_begins_another(p):
    code = huffman_code(p)
    assert [word != "" for word in code] == (p > 0).tolist()
    words = [word for word in code if word]
    assert all(set(word) <= {"0", "1"} for word in words)
    for a, b in itertools.permutations(words, 2):
        assert not b.startswith(a)


@given(one_distribution())
def test_huffmans_code_leaves_no_room(p):
    words = [word for word in huffman_code(p) if word]
    assert kraft_sum(lengths_of(words)) == (1 if len(words) > 1 else 0.5)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_no_lengths_that_fit_are_shorter_on_average(weights):
    fits = feasible_lengths(len(weights))
    lengths = np.array(lengths_of(huffman_code(normalize(weights))))
    assert lengths @ weights == (fits @ weights).min()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.sampled_from([float, np.float32]))
def test_no_optimal_code_has_a_shorter_longest_word_or_shorter_words_in_all(weights, dtype):
    fits = feasible_lengths(len(weights))
    optimal = fits[fits @ weights == (fits @ weights).min()]
    lengths = lengths_of(huffman_code(normalize(np.array(weights, dtype))))
    assert max(lengths) == optimal.max(axis=1).min()
    assert sum(lengths) == optimal.sum(axis=1).min()


def test_rounding_breaks_no_tie_of_small_counts():
    assert lengths_of(huffman_code(normalize([1, 4, 4, 5]))) == [2, 2, 2, 2]  # not 3, 2, 3, 1
    for k in range(2, 6):
        for counts in itertools.combinations_with_replacement(range(1, 10), k):
            code = list(huffman_code(dict(enumerate(counts))).values())
            assert huffman_code(normalize(counts)) == code
            assert huffman_code(normalize(np.float32(counts))) == code


@st.composite
def near_ties(draw, total):
    """Counts of about this total of which sums are equal, or differ by little."""
    counts = draw(st.lists(st.integers(1, 9), min_size=2, max_size=12))
    return [k * (total // sum(counts)) - draw(st.integers(0, 2)) for k in counts]


@pytest.mark.parametrize(("total", "dtype"), [(10**14, np.float64), (10**6, np.float32)])
@given(data=st.data())
def test_frequencies_get_the_code_of_their_counts(total, dtype, data):
    counts = data.draw(near_ties(total))
    code = list(huffman_code(dict(enumerate(counts))).values())
    assert huffman_code(normalize(np.array(counts, dtype))) == code
    assert np.dot(lengths_of(code), counts) == huffman_total(counts)


@given(one_distribution(k=st.integers(1, 60)))
def test_expected_length_is_that_of_the_textbook_algorithm_in_exact_fractions(p):
    length = expected_length(p, lengths_of(huffman_code(p)))
    assert length == pytest.approx(float(huffman_total(p)), rel=TOL)


@given(counts_with_ties)
def test_expected_length_of_counts_is_that_of_the_textbook_algorithm(counts):
    total = np.dot(counts, lengths_of(huffman_code(normalize(counts))))
    assert total == huffman_total(counts)


@given(one_distribution())
def test_expected_length_lies_between_the_entropy_and_a_bit_more(p):
    length, bits = expected_length(p, lengths_of(huffman_code(p))), entropy(p, base=2)
    assert bits - TOL <= length < bits + 1 + TOL


@given(dyadic())
def test_powers_of_one_half_reach_the_entropy_exactly(p):
    length = expected_length(p, lengths_of(huffman_code(p)))
    if p.size == 1:
        assert length == 1
    else:
        assert lengths_of(huffman_code(p)) == (-np.log2(p)).tolist()
        assert length == -(p * np.log2(p)).sum()  # all of it exact
        assert length == pytest.approx(entropy(p, base=2), rel=TOL)


@given(dyadic(), st.data())
def test_the_code_for_q_costs_the_cross_entropy_when_q_has_powers_of_one_half(q, data):
    p = data.draw(one_distribution(k=q.size))
    if q.size > 1:
        length = expected_length(p, lengths_of(huffman_code(q)))
        assert length == pytest.approx(cross_entropy(p, q, base=2), rel=TOL)


@given(st.one_of(one_distribution(), counts_with_ties.map(normalize)), st.data())
def test_the_order_of_the_symbols_plays_no_role(p, data):
    order = data.draw(st.permutations(range(p.size)))

    def pairs(p):
        return sorted(zip(p.tolist(), lengths_of(huffman_code(p)), strict=True))

    assert pairs(p[order]) == pairs(p)
    if len(set(p)) == p.size:  # without ties every symbol keeps the length of its word
        lengths = np.array(lengths_of(huffman_code(p)))
        assert lengths_of(huffman_code(p[order])) == lengths[order].tolist()


@given(one_distribution())
def test_likelier_symbols_have_words_no_longer_and_first_ones_of_a_length_come_first(p):
    code = huffman_code(p)
    support = np.flatnonzero(p)
    by_rank = sorted(support, key=lambda k: (-p[k], k))
    lengths = [len(code[k]) for k in by_rank]
    assert lengths == sorted(lengths)
    in_order = sorted(support, key=lambda k: (len(code[k]), k))
    words = [code[k] for k in in_order]
    assert words == sorted(words)


# --- Huffman, from a dict -------------------------------------------------------------------------

names = st.one_of(st.text(max_size=2), st.integers(), st.none(), st.tuples(st.integers(0, 3)))
dicts_of_counts = st.dictionaries(names, st.integers(0, 6), min_size=1).filter(
    lambda counts: any(counts.values())
)


def test_a_text_goes_into_bits_and_comes_back():
    counts = Counter("abracadabra")
    code = huffman_code(counts)
    assert code == {"a": "0", "b": "100", "r": "101", "c": "110", "d": "111"}
    bits = encode("abracadabra", code)
    assert len(bits) == huffman_total(counts.values()) == 23
    assert "".join(decode(bits, code)) == "abracadabra"


@given(dicts_of_counts)
def test_a_dict_gets_the_words_of_its_values_in_their_order(counts):
    code = huffman_code(counts)
    assert list(code) == list(counts)
    assert list(code.values()) == huffman_code(normalize(list(counts.values())))


@given(dicts_of_counts, st.data())
def test_what_is_encoded_in_a_dict_is_decoded_to_its_keys(counts, data):
    code = huffman_code(counts)
    message = data.draw(st.lists(st.sampled_from([key for key, word in code.items() if word])))
    bits = encode(message, code)
    assert bits == "".join(code[key] for key in message)
    assert decode(bits, code) == message
    numbers = [list(code).index(key) for key in message]
    assert encode(numbers, list(code.values())) == bits


@given(
    counts_with_ties,
    st.one_of(
        st.integers(1, 10**400),
        st.fractions(Fraction(1, 10**9), 10**9).filter(bool),
        st.decimals(Decimal("0.001"), 1000, places=3),
        st.sampled_from([0.5, 1.5, 2.0**-1000, np.float32(3), np.int64(7)]),
    ),
)
def test_only_the_ratios_of_counts_matter_and_any_numbers_will_do(counts, scale):
    code = huffman_code(dict(enumerate(counts)))
    assert huffman_code({k: count * scale for k, count in enumerate(counts)}) == code


def test_counts_are_exact_beyond_every_float():
    huge = 10**400
    for least, lengths in (1, [3, 3, 2, 1]), (2, [2, 2, 2, 2]):
        counts = {0: least, 1: huge, 2: huge + 1, 3: huge + 2}
        assert lengths_of(huffman_code(counts).values()) == lengths
    third = Fraction(1, 3)
    assert lengths_of(huffman_code({0: third, 1: third, 2: 2 * third}).values()) == [2, 2, 1]


def test_probabilities_in_a_dict_are_taken_as_rounded_as_in_a_list():
    for p in (normalize([1, 4, 4, 5]), normalize(np.float32([1, 4, 4, 5]))):
        assert list(huffman_code(dict(enumerate(p))).values()) == huffman_code(p)
        assert huffman_code(p) == ["00", "01", "10", "11"]


def test_counts_of_numpy_arrays_are_a_dict_of_counts():
    values, counts = np.unique(np.array(["no", "yes", "yes"]), return_counts=True)
    code = huffman_code(dict(zip(values, counts, strict=True)))
    assert code == {"no": "0", "yes": "1"} or code == {"yes": "0", "no": "1"}
    assert decode(encode(np.array(["yes", "no"]), code), code) == ["yes", "no"]


# --- Huffman, many symbols and small probabilities ------------------------------------------------


def test_ten_thousand_symbols():
    p = np.random.default_rng(0).dirichlet(np.ones(10_000))
    code = huffman_code(p)
    assert expected_length(p, lengths_of(code)) == pytest.approx(float(huffman_total(p)))
    assert kraft_sum(lengths_of(code)) == 1
    assert set(lengths_of(huffman_code(np.full(10_000, 1e-4)))) == {13, 14}


def test_words_of_a_thousand_bits():
    p = 2.0 ** -np.arange(1, 1001)
    p[-1] = p[-2]  # sums to 1
    code = huffman_code(p)
    assert lengths_of(code) == [*range(1, 1000), 999]
    assert kraft_sum(lengths_of(code)) == 1
    message = [999, 0, 998, 500, 999]
    assert decode(encode(message, code), code) == message


def test_the_smallest_probabilities_count():
    assert huffman_code([1e-300, 5e-324, 0, 1]) == ["10", "11", "", "0"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_a_code_does_not_depend_on_the_dtype(dtype):
    assert huffman_code(np.array(BOB, dtype)) == CODE
    assert expected_length(np.array(BOB, dtype), [1, 2, 3, 3]) == 1.75


def test_float32_lengths_stay_float32():
    assert expected_length(np.float32(BOB), [1, 2, 3, 3]).dtype == np.float32
    assert expected_length(BOB, np.float32([1, 2, 3, 3])).dtype == np.float64


# --- Lengths --------------------------------------------------------------------------------------


def test_lengths_of_symbols_that_never_occur_do_not_count():
    assert expected_length([0.5, 0.5, 0], [1, 1, 0]) == 1
    assert expected_length([0.5, 0.5, 0], [1, 1, 10**9]) == 1


def test_labels_of_pandas_that_contradict_the_positions_are_refused():
    pandas = pytest.importorskip("pandas")
    p, lengths = pandas.Series([0.75, 0.25], list("ab")), pandas.Series([2, 1], list("ba"))
    with pytest.raises(ValueError, match="p and lengths are taken by position, but are labelled"):
        expected_length(p, lengths)
    assert expected_length(p, lengths[["a", "b"]]) == 1.25
    assert huffman_code(p) == ["0", "1"]
    assert huffman_code((8 * p).to_dict()) == {"a": "0", "b": "1"}


def test_lengths_may_be_whole_numbers_of_any_type():
    p = [0.5, 0.3, 0.2]
    for lengths in (np.ceil(-np.log2(p)), np.uint8([1, 2, 3]), (1, 2, 3)):
        assert expected_length(p, lengths) == pytest.approx(1.7)
        assert kraft_sum(lengths) == 0.875


def test_kraft_sums():
    assert kraft_sum([1]) == 0.5
    assert kraft_sum([1, 2, 3, 3]) == 1
    assert kraft_sum([1, 1, 2]) == 1.25
    assert kraft_sum([1, 1, 1], radix=3) == kraft_sum([1] * 10, radix=10) == 1
    assert kraft_sum([2] * 49, radix=7) == 1  # a sum of floats is 1.0000000000000002 or so
    assert kraft_sum([1, 2], radix=np.int8(100)) == 0.0101


@given(lists_of_lengths, st.integers(2, 12))
def test_the_kraft_sum_is_the_exact_one_rounded(lengths, radix):
    assert kraft_sum(lengths, radix=radix) == float(sum(Fraction(1, radix**n) for n in lengths))


@given(lists_of_lengths)
def test_words_of_these_lengths_can_be_chosen_one_by_one_exactly_if_the_sum_is_at_most_1(lengths):
    words = []
    for length in sorted(lengths):
        candidates = (f"{number:0{length}b}" for number in range(2**length))
        free = (w for w in candidates if not any(w.startswith(word) for word in words))
        word = next(free, None)
        if word is None:
            break
        words.append(word)
    assert (len(words) == len(lengths)) == (kraft_sum(lengths) <= 1)


@pytest.mark.parametrize("extra", [53, 60, 1100, 1500, 10**6, 2**63 - 1])
def test_a_kraft_sum_above_1_never_rounds_to_1(extra):
    full = [*range(1, 1000), 999]
    assert kraft_sum(full) == 1
    assert kraft_sum([*full, extra]) > 1


def test_huge_lengths_do_not_overflow():
    assert kraft_sum([10**18] * 3) == 0
    assert kraft_sum([1, 10**18]) == kraft_sum([1, 10**30]) == 0.5
    assert kraft_sum(np.uint64([2**64 - 1, 2])) == 0.25
    assert kraft_sum([1, 1500, 1500], radix=10**6) == 1e-6
    assert kraft_sum([1074]) == 5e-324
    fills = [*range(1, 2001), 2001]  # but for one word of 2001 digits
    assert kraft_sum([*fills, 2001]) == kraft_sum([*fills, 9000]) == 1
    assert kraft_sum([*fills, 2001, 10**18]) > 1


# --- Messages -------------------------------------------------------------------------------------


@given(prefix_free_codes(), st.data())
def test_what_is_encoded_is_decoded(code, data):
    symbols = [k for k, word in enumerate(code) if word]
    message = data.draw(st.lists(st.sampled_from(symbols)))
    bits = encode(message, code)
    assert bits == "".join(code[k] for k in message)
    assert decode(bits, code) == message


@given(counts_with_ties, st.data())
def test_a_text_has_the_expected_length_in_its_own_code(counts, data):
    text = data.draw(st.permutations(np.repeat(np.arange(len(counts)), counts).tolist()))
    p = normalize(counts)
    code = huffman_code(p)
    bits = encode(text, code)
    assert len(bits) == pytest.approx(len(text) * expected_length(p, lengths_of(code)), rel=TOL)
    assert decode(bits, code) == text


@given(prefix_free_codes(), st.text("01", max_size=60))
def test_bits_are_decoded_to_what_gives_the_same_bits_or_refused(code, bits):
    try:
        message = decode(bits, code)
    except ValueError as error:
        assert re.match("no code word begins with|bits end within a code word", str(error))
    else:
        assert encode(message, code) == bits


@given(st.lists(st.text("01", min_size=1, max_size=4), min_size=1, max_size=6))
def test_a_code_is_refused_exactly_if_a_word_begins_another(code):
    prefix_free = not any(b.startswith(a) for a, b in itertools.permutations(code, 2))
    try:
        assert decode("", code) == []
        assert prefix_free
    except ValueError as error:
        assert re.match("code is not prefix-free|code has the word", str(error))
        assert not prefix_free


def test_the_empty_message_has_no_bits():
    assert encode([], CODE) == ""
    assert decode("", CODE) == []
    assert encode(np.array([]), CODE) == ""


@pytest.mark.parametrize("length", [1, 7, 8, 9, 255, 256, 257, 10_000])
def test_words_and_messages_of_any_length(length):
    code = ["1" * length, "0"]
    for message in ([0], [0, 1, 0], [1] * length):
        assert decode(encode(message, code), code) == message


def test_long_messages_take_little_memory():
    message = np.random.default_rng(0).integers(0, 4, 200_000).tolist()
    bits = encode(message, CODE)
    tracemalloc.start()
    assert xentlib.decode(bits, CODE) == message
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * len(message) + len(bits) * 4


def test_messages_and_codes_may_be_arrays_and_tuples():
    assert encode(np.array([3, 0], np.uint8), tuple(CODE)) == "1110"
    assert encode((k for k in [3, 0]), np.array(CODE)) == "1110"
    assert decode(np.str_("1110"), np.array(CODE)) == [3, 0]
    assert all(type(symbol) is int for symbol in decode("1110", np.array(CODE)))


def test_a_code_that_cannot_be_decoded_can_be_written():
    ambiguous = ["0", "1", "01"]
    assert encode([0, 1], ambiguous) == encode([2], ambiguous) == "01"


def test_a_million_bits():
    message = np.random.default_rng(0).choice(4, 570_000, p=BOB).tolist()
    bits = encode(message, CODE)
    assert len(bits) == pytest.approx(1.75 * 570_000, rel=0.01)
    assert decode(bits, CODE) == message


# --- Errors ---------------------------------------------------------------------------------------

HALF = [0.5, 0.5]

ERRORS = {
    # distributions
    "counts": (
        lambda: huffman_code([3, 1]),
        "p must sum to 1, got a sum of 4.0 (shape (2,)); "
        "call normalize() if these are counts or rounded numbers, one_hot() if they are classes",
    ),
    "negative": (
        lambda: huffman_code([1.5, -0.5]),
        "p must hold probabilities, got -0.5; call softmax() if these are logits, exp() if "
        "logarithms",
    ),
    "NaN": (
        lambda: huffman_code([math.nan, 1]),
        "p must hold probabilities, got nan; leave out or replace what is missing",
    ),
    "no symbols": (lambda: huffman_code([]), "p is empty: it has shape (0,)"),
    "a number": (
        lambda: huffman_code(1.0),
        "p must hold a distribution, got the single number 1.0; for two outcomes write [p, 1 - p]",
    ),
    "two distributions": (
        lambda: huffman_code([HALF, HALF]),
        "p must be one distribution, got shape (2, 2)",
    ),
    "counts, length": (
        lambda: expected_length([3, 1], [1, 1]),
        "p must sum to 1, got a sum of 4.0 (shape (2,)); "
        "call normalize() if these are counts or rounded numbers, one_hot() if they are classes",
    ),
    "two distributions, length": (
        lambda: expected_length([HALF, HALF], [1, 1]),
        "p must be one distribution, got shape (2, 2)",
    ),
    # dicts of counts
    "no counts": (lambda: huffman_code({}), "p is empty: it has no symbols"),
    "counts of 0": (lambda: huffman_code({"a": 0}), "p must hold a count above 0, got none"),
    **{
        f"a count of {count!r}": (
            lambda count=count: huffman_code({"a": count, "b": 1}),
            f"p must hold a number for each symbol, finite and not negative, got {count!r} for 'a'",
        )
        for count in (-1, math.nan, math.inf, "1", None, True, np.True_, 1j, [1], Decimal("NaN"))
    },
    "a dict, length": (
        lambda: expected_length({"a": 1}, [1]),
        "p must be a list or an array, got a dict; use list(p.values())",
    ),
    # lengths
    "a missing length": (
        lambda: kraft_sum([1, None]),
        "lengths must hold real numbers, got None (NoneType); leave out or replace what is missing",
    ),
    "too few lengths": (
        lambda: expected_length([0.2, 0.3, 0.5], [1, 2]),
        "p has 3 symbols and lengths has 2; both must range over the same symbols",
    ),
    "one length for all": (
        lambda: expected_length(HALF, [1]),
        "p has 2 symbols and lengths has 1; both must range over the same symbols",
    ),
    "negative length": (
        lambda: expected_length(HALF, [1, -1]),
        "lengths must be whole numbers of at least 0, got -1",
    ),
    "half a bit": (
        lambda: expected_length(HALF, [1, 1.5]),
        "lengths must be whole numbers of at least 0, got 1.5",
    ),
    "infinite length": (
        lambda: expected_length([1, 0], [1, math.inf]),
        "lengths must be whole numbers of at least 0, got inf",
    ),
    "no word for a symbol that occurs": (
        lambda: expected_length([0.5, 0.25, 0.25], [1, 1, 0]),
        "lengths must be at least 1 where p is above 0, got 0 for symbol 2, "
        "which then has no code word",
    ),
    "words for lengths": (
        lambda: expected_length(HALF, ["0", "1"]),
        "lengths must be whole numbers, got dtype <U1; use [len(word) for word in code]",
    ),
    "table of lengths": (
        lambda: expected_length(HALF, [[1, 1]]),
        "lengths must be one list of whole numbers, got shape (1, 2)",
    ),
    "no lengths": (lambda: kraft_sum([]), "lengths is empty: it has shape (0,)"),
    "length 0": (lambda: kraft_sum([1, 0]), "lengths must be whole numbers of at least 1, got 0"),
    "length NaN": (
        lambda: kraft_sum([1, math.nan]),
        "lengths must be whole numbers of at least 1, got nan",
    ),
    "length inf": (
        lambda: kraft_sum([math.inf]),
        "lengths must be whole numbers of at least 1, got inf",
    ),
    "length True": (lambda: kraft_sum([True]), "lengths must be whole numbers, got dtype bool"),
    "a single length": (
        lambda: kraft_sum(3),
        "lengths must be one list of whole numbers, got shape ()",
    ),
    "radix 1": (
        lambda: kraft_sum([1], radix=1),
        "radix must be a whole number of at least 2, got 1",
    ),
    "radix float": (
        lambda: kraft_sum([1], radix=2.0),
        "radix must be a whole number of at least 2, got 2.0",
    ),
    "radix True": (
        lambda: kraft_sum([1], radix=True),
        "radix must be a whole number of at least 2, got True",
    ),
    # codes
    "a string for a code": (
        lambda: encode([0], "01"),
        "code must be a list of code words or a dict, got '01'",
    ),
    "no code": (lambda: decode("0", None), "code must be a list of code words or a dict, got None"),
    "a set of words": (
        lambda: decode("0", {"0"}),
        "code must be a list of code words or a dict, got {'0'}",
    ),
    "an empty code": (lambda: encode([], []), "code is empty"),
    "an empty dict": (lambda: decode("0", {}), "code is empty"),
    "a dict of counts": (
        lambda: encode("a", {"a": 5}),
        "code must hold strings of 0 and 1, got 5",
    ),
    "a word of letters": (
        lambda: encode([0], ["0", "1O"]),
        "code must hold strings of 0 and 1, got '1O'",
    ),
    "a word with a 2": (
        lambda: encode([0], ["0", "12"]),
        "code must hold strings of 0 and 1, got '12'",
    ),
    "a gap in a word": (
        lambda: decode("0", ["0", "1 1"]),
        "code must hold strings of 0 and 1, got '1 1'",
    ),
    "None for a word": (
        lambda: decode("0", ["0", None]),
        "code must hold strings of 0 and 1, got None",
    ),
    "a word that begins another": (
        lambda: decode("0", ["10", "0", "101"]),
        "code is not prefix-free: '10' begins '101'",
    ),
    "a word twice": (lambda: decode("0", ["0", "11", "0"]), "code has the word '0' twice"),
    # messages
    "a symbol too large": (
        lambda: encode([0, 4], CODE),
        "symbols must lie between 0 and 3, got 4",
    ),
    "a negative symbol": (
        lambda: encode(np.array([-1]), CODE),
        "symbols must lie between 0 and 3, got -1",
    ),
    "a symbol without a word": (
        lambda: encode([0, 1], ["0", "", "1"]),
        "symbols must have a code word each, but symbol 1 has none",
    ),
    "half a symbol": (
        lambda: encode([0.5], CODE),
        "symbols must be whole numbers (indices into code), got 0.5; "
        "for other symbols make code a dict",
    ),
    "letters": (
        lambda: encode("dog", CODE),
        "symbols must be whole numbers (indices into code), got 'd'; "
        "for other symbols make code a dict",
    ),
    "a truth value": (
        lambda: encode([True], CODE),
        "symbols must be whole numbers (indices into code), got True; "
        "for other symbols make code a dict",
    ),
    "a table of symbols": (
        lambda: encode(np.array([[0, 1]]), CODE),
        "symbols must be whole numbers (indices into code), got [0, 1]; "
        "for other symbols make code a dict",
    ),
    "a whole float": (
        lambda: encode(np.array([0, 1.0]), CODE),
        "symbols must be whole numbers (indices into code), got 0.0; "
        "for other symbols make code a dict",
    ),
    "a truth value of NumPy": (
        lambda: encode([0, np.True_], CODE),
        "symbols must be whole numbers (indices into code), got np.True_; "
        "for other symbols make code a dict",
    ),
    "a masked symbol": (
        lambda: encode(np.ma.array([0, 1], mask=[0, 1]), CODE),
        "symbols must be whole numbers (indices into code), got None; "
        "for other symbols make code a dict",
    ),
    "one symbol": (lambda: encode(3, CODE), "symbols must be a sequence, such as a list, got 3"),
    "a set of symbols": (
        lambda: encode({3}, CODE),
        "symbols must be a sequence, such as a list, got {3}",
    ),
    "a dict of symbols": (
        lambda: encode({"a": 3}, {"a": "0"}),
        "symbols must be a sequence, such as a list, got {'a': 3}",
    ),
    "an unknown symbol": (
        lambda: encode("abc", {"a": "0", "b": "1"}),
        "symbols must be keys of code, got 'c'",
    ),
    "an index instead of a key": (
        lambda: encode([0], {"a": "0", "b": "1"}),
        "symbols must be keys of code, got 0",
    ),
    "what cannot be a key": (
        lambda: encode(["a", ["b"]], {"a": "0", "b": "1"}),
        "symbols must be keys of code, got ['b']",
    ),
    "a key without a word": (
        lambda: encode("ab", {"a": "0", "b": ""}),
        "symbols must have a code word each, but symbol 'b' has none",
    ),
    # bits
    "a 2": (lambda: decode("0102", CODE), "bits must hold only 0 and 1, got '2' at position 3"),
    "a space": (lambda: decode("0 10", CODE), "bits must hold only 0 and 1, got ' ' at position 1"),
    "a new line": (
        lambda: decode("010\n", CODE),
        "bits must hold only 0 and 1, got '\\n' at position 3",
    ),
    "an Arabic digit": (
        lambda: decode("٠", CODE),
        "bits must hold only 0 and 1, got '٠' at position 0",
    ),
    "a list of bits": (
        lambda: decode([0, 1], CODE),
        "bits must be a string of 0s and 1s, got [0, 1]",
    ),
    "bytes": (lambda: decode(b"01", CODE), "bits must be a string of 0s and 1s, got b'01'"),
    "a word cut off": (
        lambda: decode("01011", CODE),
        "bits end within a code word, of which they hold '11'",
    ),
    "no word begins so": (
        lambda: decode("10001111", ["0", "10", "110"]),
        "no code word begins with '111', which bits hold at position 4",
    ),
    "a bit that no word begins with": (
        lambda: decode("001", ["0"]),
        "no code word begins with '1', which bits hold at position 2",
    ),
    "no words at all": (
        lambda: decode("0", [""]),
        "no code word begins with '0', which bits hold at position 0",
    ),
    "a long word": (
        lambda: decode("0" * 999, ["0" * 1000]),
        "bits end within a code word, of which they hold '000000000000...0000000000000'",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_bad_input_names_the_argument_and_the_offence(name):
    call, message = ERRORS[name]
    with pytest.raises(ValueError, match="^" + re.escape(message) + r"\Z"):
        call()


def test_input_is_left_as_it_was():
    p, lengths, code, symbols = np.array(BOB), np.array([1, 2, 3, 3]), list(CODE), [0, 3]
    huffman_code(p), expected_length(p, lengths), kraft_sum(lengths)
    decode(encode(symbols, code), code)
    np.testing.assert_array_equal(p, BOB)
    np.testing.assert_array_equal(lengths, [1, 2, 3, 3])
    assert (code, symbols) == (CODE, [0, 3])

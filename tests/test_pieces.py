"""Counts add: an entropy of data in pieces comes from summed counts, here on two processes.

The computations are those of chapter 5, without the scheduler that the book names for one computer.
"""

import os
import unicodedata
from collections import Counter
from operator import add

import dask.array
import dask.bag
import numpy as np
import pytest
from dask.distributed import Client, LocalCluster
from hypothesis import given
from hypothesis import strategies as st
from test_laws import TOL, at_most, equal

from xentlib import conditional_entropy, entropy, normalize
from xentlib.datasets import LANGUAGES, load_declaration

ALPHABET = " abcdefghijklmnopqrstuvwxyz"
SIZES = [1000, 997, 10**6]  # of a piece; the last is more than a text has


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Connected to two processes on this computer, which then do what Dask computes."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # any free port
            memory_limit=0,  # none; the machine's other work must not pause them
            local_directory=tmp_path_factory.mktemp("workers"),
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module", params=LANGUAGES)
def text(request):
    """A text in small letters without accents, and spaces."""
    parts = unicodedata.normalize("NFD", load_declaration(request.param).lower())
    plain = [c for c in parts if not unicodedata.combining(c)]
    return " ".join("".join(c if c.isalpha() else " " for c in plain).split())


def cut(data, size):
    return [data[i : i + size] for i in range(0, len(data), size)]


def entropy_of_counts(counts):
    return entropy(normalize(list(counts.values())), base=2)


# --- On the cluster -------------------------------------------------------------------------------
# The workers run Dask's and Python's own functions: they need not find this file.


def test_two_other_processes_do_the_work(client):
    workers = set(client.run(os.getpid).values())
    assert len(workers) == 2
    assert os.getpid() not in workers
    used = dask.bag.from_sequence(range(20), npartitions=20).map(lambda _: os.getpid())
    assert set(used.compute()) <= workers


@pytest.mark.parametrize("size", SIZES)
def test_letters_counted_in_pieces_give_the_entropy_of_the_whole(client, text, size):
    pieces = cut(text, size)
    total = dask.bag.from_sequence(pieces).map(Counter).fold(add).compute()
    assert total == Counter(text)
    whole = entropy(normalize([text.count(a) for a in ALPHABET]), base=2)
    assert np.isclose(entropy_of_counts(total), whole, rtol=TOL)
    mean = np.mean([entropy_of_counts(Counter(piece)) for piece in pieces])
    assert mean < whole or len(pieces) == 1


@pytest.mark.parametrize("size", SIZES)
def test_pairs_of_letters_counted_in_chunks_give_the_conditional_entropy(client, text, size):
    numbers = np.array([ALPHABET.index(a) for a in text])
    x = dask.array.from_array(numbers, chunks=size)
    pairs = dask.array.bincount(27 * x[:-1] + x[1:], minlength=27**2).compute().reshape(27, 27)
    once = np.zeros((27, 27), dtype=int)
    np.add.at(once, (numbers[:-1], numbers[1:]), 1)
    assert np.array_equal(pairs, once)
    # H(next | this), letter by letter, without a joint table
    followers = [once[a] for a in range(27) if once[a].any()]
    known = [row.sum() / once.sum() * entropy(normalize(row), base=2) for row in followers]
    found = conditional_entropy(normalize(pairs, axis=(0, 1)), given=0, base=2)
    assert np.isclose(found, sum(known), rtol=TOL)


# --- Any data, cut anyhow -------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=30), min_size=1, max_size=8))
def test_summed_counts_give_the_entropy_of_the_whole_and_the_pieces_have_less(pieces):
    counts = np.array([np.bincount(piece, minlength=6) for piece in pieces])
    together = np.bincount(np.concatenate(pieces), minlength=6)
    assert np.array_equal(counts.sum(axis=0), together)
    whole = entropy(normalize(counts.sum(axis=0)))
    equal(whole, entropy(normalize(together)))
    shares = normalize(counts.sum(axis=1))
    at_most(shares @ entropy(normalize(counts)), whole)

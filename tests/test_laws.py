"""Laws of information theory, tried on random distributions.

The distributions hold zeros, ties, near-ties and numbers down to 1e-300, because that is where
formulas break. Both sides of a law are rounded: each is a sum of at most 144 terms that are right
to a few units in the last place, 2e-16 of the largest term, which is at most log(1e300) = 700. So
1e-12 bounds the difference; a looser tolerance says why.
"""

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xentlib import (
    binary_cross_entropy,
    binary_entropy,
    conditional_entropy,
    cross_entropy,
    entropy,
    information_content,
    information_gain,
    joint_entropy,
    js_divergence,
    kl_divergence,
    mutual_information,
    negative_log_likelihood,
    normalize,
    one_hot,
    perplexity,
)

TOL = 1e-12


def equal(a, b, tol=TOL):
    np.testing.assert_allclose(a, b, rtol=tol, atol=tol)


def at_most(a, b, tol=TOL):
    """a <= b but for rounding, where both may be infinite."""
    a, b = np.broadcast_arrays(a, b)
    assert (a <= b + tol).all(), f"{a} is above {b}"


# --- Strategies -----------------------------------------------------------------------------------

classes = st.integers(1, 12)
leading_dims = hnp.array_shapes(min_dims=0, max_dims=2, max_side=3)
probabilities = st.one_of(st.floats(0, 1), st.sampled_from([1e-300, 1e-16, 1 - 1e-9, 1 - 2**-53]))
sides = st.integers(1, 5)
fractions = st.floats(0.01, 0.99)
seeds = st.integers(0, 2**32 - 1)

POSITIVE = st.one_of(
    st.sampled_from([1.0, 1.0, 1 + 1e-12, 1 - 1e-9, 1e-3, 1e-9, 1e-30, 1e-300]),
    st.floats(1e-3, 1e3),
)
WITH_ZEROS = st.one_of(st.just(0.0), POSITIVE)


@st.composite
def distributions(draw, k=classes, leading=leading_dims, zeros=True):
    """Distributions over k classes; `k` and `leading` are values or strategies."""
    k, leading = (draw(s) if isinstance(s, st.SearchStrategy) else s for s in (k, leading))
    elements = WITH_ZEROS if zeros else POSITIVE
    weights = draw(hnp.arrays(float, (*leading, k), elements=elements, fill=st.nothing()))
    weights[..., 0] += weights.sum(axis=-1) == 0
    return weights / weights.sum(axis=-1, keepdims=True)


def one_distribution(**options):
    return distributions(leading=(), **options)


@st.composite
def families(draw, n, zeros=True):
    """n distributions over the same classes; often one is a near-tie of the first."""
    k = draw(classes)
    family = [draw(one_distribution(k=k, zeros=zeros)) for _ in range(n)]
    if n > 1 and draw(st.booleans()):
        tilt = 1 + 1e-9 * np.cos(np.arange(k) + draw(st.integers(0, 9)))
        family[1] = family[0] * tilt / (family[0] * tilt).sum()
    return family


@st.composite
def broadcastable(draw):
    """Two arrays of distributions whose leading dimensions broadcast."""
    k = draw(classes)
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3))
    return [draw(distributions(k=k, leading=shape)) for shape in shapes.input_shapes]


@st.composite
def joints(draw, leading=leading_dims):
    """Joint tables."""
    rows, columns = draw(sides), draw(sides)
    flat = draw(distributions(k=rows * columns, leading=leading))
    return flat.reshape(*flat.shape[:-1], rows, columns)


@st.composite
def channels(draw, inputs):
    """A stochastic matrix with `inputs` rows."""
    rng = np.random.default_rng(draw(seeds))
    outputs = draw(st.integers(1, 5))
    return rng.dirichlet(np.full(outputs, draw(st.sampled_from([0.1, 1, 10]))), inputs)


def total_variation(p, q):
    return np.abs(p - q).sum(axis=-1) / 2


# --- Entropy --------------------------------------------------------------------------------------


@given(distributions())
def test_entropy_lies_between_0_and_log_k(p):
    at_most(0, entropy(p))
    at_most(entropy(p), math.log(p.shape[-1]))


@given(distributions())
def test_entropy_falls_short_of_log_k_by_the_divergence_from_uniform(p):
    k = p.shape[-1]
    short = math.log(k) - entropy(p)
    equal(short, kl_divergence(p, np.full(k, 1 / k)))
    assert (short[total_variation(p, 1 / k) > 1e-5] > 0).all()  # so only uniform reaches log K


@given(classes)
def test_the_uniform_distribution_reaches_log_k(k):
    equal(entropy(np.full(k, 1 / k)), math.log(k))


@given(distributions())
def test_entropy_is_zero_only_for_a_certain_outcome(p):
    certain = p.max(axis=-1) == 1
    assert (entropy(p)[certain] < TOL).all()
    assert (entropy(p)[p.max(axis=-1) < 1 - 1e-9] > TOL).all()


@given(one_distribution(), st.data())
def test_entropy_of_a_choice_made_in_two_steps_is_a_weighted_sum(p, data):
    """Shannon's grouping axiom."""
    groups = data.draw(hnp.arrays(int, p.shape, elements=st.integers(0, 2)))
    members = [p[groups == g] for g in range(3)]
    weights = np.array([m.sum() for m in members])
    within = sum(w * entropy(m / w) for w, m in zip(weights, members, strict=True) if w > 0)
    equal(entropy(p), entropy(weights) + within)


@given(families(2), fractions)
def test_entropy_is_concave(family, t):
    p, q = family
    at_most(t * entropy(p) + (1 - t) * entropy(q), entropy(t * p + (1 - t) * q))


@given(distributions())
def test_entropy_is_the_expected_information_content(p):
    possible = p > 0
    information = information_content(np.where(possible, p, 1))
    equal(entropy(p), (p * information).sum(axis=-1))


@given(st.floats(1e-150, 1), st.floats(1e-150, 1))
def test_information_of_independent_events_adds_up(p, q):
    equal(information_content(p * q), information_content(p) + information_content(q))


@given(st.floats(0, 1), st.floats(0, 1))
def test_rarer_events_carry_more_information(p, q):
    at_most(information_content(max(p, q)), information_content(min(p, q)), tol=0)


# --- Divergence and cross-entropy -----------------------------------------------------------------


@given(broadcastable())
def test_divergence_is_never_negative(pair):
    """Gibbs' inequality, in both its forms."""
    p, q = pair
    at_most(0, kl_divergence(p, q))
    at_most(entropy(p), cross_entropy(p, q))


@given(broadcastable())
def test_divergence_is_cross_entropy_less_entropy(pair):
    p, q = pair
    equal(kl_divergence(p, q), cross_entropy(p, q) - entropy(p))


@given(distributions())
def test_divergence_from_itself_is_exactly_zero(p):
    assert (kl_divergence(p, p) == 0).all()
    assert (js_divergence(p, p) == 0).all()
    equal(cross_entropy(p, p), entropy(p))


@given(families(2))
def test_divergence_is_zero_only_for_equal_distributions(family):
    p, q = family
    assume(total_variation(p, q) > 1e-5)
    assert kl_divergence(p, q) > TOL
    assert js_divergence(p, q) > TOL


@given(families(2))
def test_divergence_is_infinite_exactly_when_the_model_excludes_a_possible_outcome(family):
    p, q = family
    excluded = ((q == 0) & (p > 0)).any()
    assert np.isinf(kl_divergence(p, q)) == np.isinf(cross_entropy(p, q)) == excluded


@given(families(2))
def test_divergence_bounds_the_total_variation(family):
    """Pinsker's inequality."""
    p, q = family
    at_most(2 * total_variation(p, q) ** 2, kl_divergence(p, q))


@given(families(4), fractions)
def test_divergence_is_jointly_convex(family, t):
    p1, q1, p2, q2 = family
    mixed = kl_divergence(t * p1 + (1 - t) * p2, t * q1 + (1 - t) * q2)
    at_most(mixed, t * kl_divergence(p1, q1) + (1 - t) * kl_divergence(p2, q2))


@given(families(3), fractions)
def test_cross_entropy_is_linear_in_the_truth_and_convex_in_the_model(family, t):
    a, b, c = family
    equal(
        cross_entropy(t * a + (1 - t) * b, c),
        t * cross_entropy(a, c) + (1 - t) * cross_entropy(b, c),
    )
    at_most(
        cross_entropy(c, t * a + (1 - t) * b),
        t * cross_entropy(c, a) + (1 - t) * cross_entropy(c, b),
    )


@given(families(2), st.data())
def test_processing_reduces_divergence(family, data):
    p, q = family
    channel = data.draw(channels(inputs=p.size))
    at_most(kl_divergence(p @ channel, q @ channel), kl_divergence(p, q))
    at_most(js_divergence(p @ channel, q @ channel), js_divergence(p, q))


@given(broadcastable())
def test_jensen_shannon_is_symmetric_and_at_most_one_bit(pair):
    p, q = pair
    np.testing.assert_array_equal(js_divergence(p, q), js_divergence(q, p))
    assert (js_divergence(p, q) >= 0).all()  # exactly, so that the root exists
    at_most(js_divergence(p, q, base=2), 1)


@given(broadcastable())
def test_jensen_shannon_is_the_gain_in_entropy_by_mixing(pair):
    p, q = pair
    equal(js_divergence(p, q), entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2)


@given(families(3))
def test_the_root_of_jensen_shannon_obeys_the_triangle_inequality(family):
    p, q, r = family
    root = np.sqrt([js_divergence(p, r), js_divergence(p, q), js_divergence(q, r)])
    at_most(root[0], root[1] + root[2], tol=1e-7)  # the root of rounding, 1e-15, is 3e-8


@given(broadcastable())
def test_perplexity_is_the_exponential_of_entropy_in_any_base(pair):
    p, q = pair
    equal(perplexity(p), 2 ** entropy(p, base=2))
    at_most(1, perplexity(p))
    at_most(perplexity(p), p.shape[-1], tol=1e-11)  # TOL relative to K
    equal(np.log(perplexity(p, q)), cross_entropy(p, q))
    equal(perplexity(p, p), perplexity(p))


# --- Two outcomes ---------------------------------------------------------------------------------


@given(probabilities, probabilities)
def test_binary_functions_are_those_of_two_classes(p, q):
    equal(binary_entropy(p), entropy([1 - p, p]))
    assume(q == 0 or 1 - q < 1)  # below 1e-16 the two classes cannot hold q
    equal(binary_cross_entropy(p, q), cross_entropy([1 - p, p], [1 - q, q]))


@given(st.integers(0, 2**30), st.integers(0, 2**30))
def test_binary_functions_do_not_care_which_outcome_is_called_1(i, j):
    p, q = i / 2**30, j / 2**30  # so that 1 - p is exact
    equal(binary_entropy(p), binary_entropy(1 - p))
    equal(binary_cross_entropy(p, q), binary_cross_entropy(1 - p, 1 - q))


# --- Two variables --------------------------------------------------------------------------------


@given(joints())
def test_entropy_obeys_the_chain_rule_in_both_orders(pxy):
    x, y = pxy.sum(axis=-1), pxy.sum(axis=-2)
    equal(joint_entropy(pxy), entropy(x) + conditional_entropy(pxy, given=0))
    equal(joint_entropy(pxy), entropy(y) + conditional_entropy(pxy, given=1))


@given(joints())
def test_mutual_information_is_what_knowing_one_takes_off_the_other(pxy):
    x, y = pxy.sum(axis=-1), pxy.sum(axis=-2)
    equal(mutual_information(pxy), entropy(y) - conditional_entropy(pxy, given=0))
    equal(mutual_information(pxy), entropy(x) - conditional_entropy(pxy, given=1))
    equal(mutual_information(pxy), entropy(x) + entropy(y) - joint_entropy(pxy))


@given(joints())
def test_mutual_information_is_symmetric_and_never_negative(pxy):
    at_most(0, mutual_information(pxy))
    equal(mutual_information(pxy), mutual_information(np.swapaxes(pxy, -1, -2)))


@given(joints())
def test_conditioning_reduces_entropy_and_never_below_zero(pxy):
    at_most(conditional_entropy(pxy, given=0), entropy(pxy.sum(axis=-2)))
    at_most(conditional_entropy(pxy, given=1), entropy(pxy.sum(axis=-1)))
    assert (conditional_entropy(pxy, given=0) >= 0).all()
    assert (conditional_entropy(pxy, given=1) >= 0).all()


@given(joints(leading=()))
def test_conditional_entropy_is_the_mean_entropy_of_the_rows(pxy):
    rows = pxy[pxy.sum(axis=1) > 0]
    weights = rows.sum(axis=1)
    equal(conditional_entropy(pxy, given=0), weights @ entropy(rows / weights[:, None]))


@given(joints())
def test_given_the_rows_is_given_the_columns_of_the_transpose(pxy):
    turned = np.swapaxes(pxy, -1, -2)
    equal(conditional_entropy(pxy, given=0), conditional_entropy(turned, given=1))
    equal(joint_entropy(pxy), joint_entropy(turned))


@given(joints())
def test_joint_entropy_is_the_entropy_of_the_pairs(pxy):
    equal(joint_entropy(pxy), entropy(pxy.reshape(*pxy.shape[:-2], -1)))


@given(one_distribution(), one_distribution())
def test_independent_variables_add_their_entropies_and_share_nothing(x, y):
    pxy = np.outer(x, y)
    equal(joint_entropy(pxy), entropy(x) + entropy(y))
    equal(conditional_entropy(pxy, given=0), entropy(y))
    equal(mutual_information(pxy), 0)


@given(one_distribution())
def test_a_variable_tells_everything_about_itself(p):
    equal(mutual_information(np.diag(p)), entropy(p))
    equal(conditional_entropy(np.diag(p), given=0), 0)


@given(joints(leading=()), st.data())
def test_processing_reduces_mutual_information(pxy, data):
    """In a Markov chain X - Y - Z, I(X; Z) is at most I(X; Y)."""
    pxz = pxy @ data.draw(channels(inputs=pxy.shape[1]))
    at_most(mutual_information(pxz), mutual_information(pxy))


@given(joints(leading=()))
def test_what_stays_uncertain_bounds_the_error_of_the_best_guess(pxy):
    """Fano's inequality for guessing X from Y."""
    error = min(max(1 - pxy.max(axis=0).sum(), 0), 1)
    k = pxy.shape[0]
    bound = binary_entropy(error) + error * math.log(max(k - 1, 1))
    at_most(conditional_entropy(pxy, given=1), bound, tol=1e-12 if error > 1e-9 else 1e-7)


@given(hnp.arrays(int, (3, 4), elements=st.integers(0, 50)))
def test_information_gain_is_the_entropy_a_split_takes_off_the_class(counts):
    counts[0, 0] += counts.sum() == 0
    n = counts.sum()
    gain = entropy(normalize(counts.sum(axis=0)))
    for branch in counts[counts.sum(axis=1) > 0]:
        gain -= branch.sum() / n * entropy(normalize(branch))
    equal(information_gain(counts), gain)
    equal(information_gain(counts), mutual_information(counts / n))
    equal(information_gain(7 * counts), gain)


# --- From data ------------------------------------------------------------------------------------

labels_of_four = hnp.arrays(int, st.integers(1, 20), elements=st.integers(0, 3))


@given(labels_of_four, one_distribution(k=4))
def test_mean_loss_of_a_fixed_model_is_its_cross_entropy_from_the_frequencies(labels, q):
    frequencies = normalize(np.bincount(labels, minlength=4))
    rows = np.tile(q, (len(labels), 1))
    equal(negative_log_likelihood(rows, labels), cross_entropy(frequencies, q))
    at_most(entropy(frequencies), negative_log_likelihood(rows, labels))  # the best constant model


@given(distributions(k=4), st.data())
def test_loss_is_the_cross_entropy_of_the_one_hot_label(q, data):
    labels = data.draw(hnp.arrays(int, q.shape[:-1], elements=st.integers(0, 3)))
    losses = negative_log_likelihood(q, labels, reduction="none")
    equal(losses, cross_entropy(one_hot(labels, 4), q))
    equal(losses, kl_divergence(one_hot(labels, 4), q))
    equal(negative_log_likelihood(q, labels, reduction="sum"), losses.sum())
    equal(negative_log_likelihood(q, labels), losses.mean())


@given(hnp.arrays(int, hnp.array_shapes(min_dims=0, max_dims=3), elements=st.integers(0, 6)))
def test_one_hot_is_certain_and_argmax_undoes_it(labels):
    targets = one_hot(labels, 7)
    assert (entropy(targets) == 0).all()
    np.testing.assert_array_equal(targets.argmax(axis=-1), labels)


@given(
    hnp.arrays(float, (3, 4), elements=st.floats(1e-3, 1e9)),
    st.floats(1e-6, 1e6),
    st.sampled_from([0, 1, -1, (0, 1)]),
)
def test_normalize_sums_to_1_and_forgets_the_scale(counts, scale, axis):
    p = normalize(counts, axis=axis)
    equal(p.sum(axis=axis), 1)
    equal(normalize(scale * counts, axis=axis), p)
    equal(normalize(p, axis=axis), p)
    equal(p * counts.sum(axis=axis, keepdims=True), counts)


@given(hnp.arrays(int, classes, elements=st.integers(0, 99)), st.floats(1e-3, 1e3))
def test_a_pseudocount_mixes_in_the_uniform_distribution(counts, a):
    n, k = counts.sum(), counts.size
    p = normalize(counts, pseudocount=a)
    equal((n + a * k) * p, counts + a)
    assert (p > 0).all()
    uniform = np.full(k, 1 / k)
    at_most(kl_divergence(uniform, normalize(counts, pseudocount=2 * a)), kl_divergence(uniform, p))


# --- Conventions ----------------------------------------------------------------------------------


@given(families(2), st.sampled_from([2, 10, math.e, 1.5, 256]))
def test_the_base_only_changes_the_unit(family, base):
    p, q = family
    pxy, label = np.outer(p, q), q.size - 1
    for in_base, in_nats in [
        (information_content(p, base=base), information_content(p)),
        (entropy(p, base=base), entropy(p)),
        (cross_entropy(p, q, base=base), cross_entropy(p, q)),
        (kl_divergence(p, q, base=base), kl_divergence(p, q)),
        (js_divergence(p, q, base=base), js_divergence(p, q)),
        (binary_entropy(p, base=base), binary_entropy(p)),
        (binary_cross_entropy(p, q, base=base), binary_cross_entropy(p, q)),
        (joint_entropy(pxy, base=base), joint_entropy(pxy)),
        (conditional_entropy(pxy, given=0, base=base), conditional_entropy(pxy, given=0)),
        (mutual_information(pxy, base=base), mutual_information(pxy)),
        (information_gain(pxy, base=base), information_gain(pxy)),
        (negative_log_likelihood(q, label, base=base), negative_log_likelihood(q, label)),
    ]:
        equal(in_base * math.log(base), in_nats)


@given(families(2), seeds)
def test_the_names_of_the_classes_do_not_matter(family, seed):
    order = np.random.default_rng(seed).permutation(family[0].size)
    p, q = family
    for measure in (cross_entropy, kl_divergence, js_divergence, perplexity):
        equal(measure(p[order], q[order]), measure(p, q))
    equal(entropy(p[order]), entropy(p))


@given(families(2))
def test_an_impossible_class_more_changes_nothing(family):
    p, q = family
    padded = [np.append(d, 0) for d in family]
    for measure in (cross_entropy, kl_divergence, js_divergence, perplexity):
        equal(measure(*padded), measure(p, q))
    equal(entropy(padded[0]), entropy(p))


@given(broadcastable())
def test_broadcasting_is_a_loop_over_pairs(pair):
    p, q = pair
    shape = np.broadcast_shapes(p.shape, q.shape)
    ps, qs = np.broadcast_to(p, shape), np.broadcast_to(q, shape)
    for measure in (cross_entropy, kl_divergence, js_divergence, perplexity):
        result = measure(p, q)
        assert result.shape == shape[:-1]
        for i in np.ndindex(result.shape):
            equal(result[i], measure(ps[i], qs[i]))


@given(joints())
def test_each_table_is_taken_on_its_own(pxy):
    for i in np.ndindex(pxy.shape[:-2]):
        equal(joint_entropy(pxy)[i], joint_entropy(pxy[i]))
        equal(mutual_information(pxy)[i], mutual_information(pxy[i]))
        equal(conditional_entropy(pxy, given=1)[i], conditional_entropy(pxy[i], given=1))
        equal(information_gain(pxy)[i], information_gain(pxy[i]))

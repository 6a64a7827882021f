"""What the appendix on conventions says of Keras. Its listings are bodies of these tests."""

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras reads it while it is imported
pytest.importorskip("jax")
keras = pytest.importorskip("keras")


def test_truth_first_then_probabilities():
    import numpy as np
    from keras.losses import CategoricalCrossentropy

    p, q = np.array([[1.0, 0, 0]]), np.array([[0.4, 0.1, 0.5]])
    assert np.isclose(CategoricalCrossentropy()(p, q), 0.916291)
    loss = CategoricalCrossentropy(from_logits=True)
    assert np.isclose(loss(p, np.log(q)), 0.916291)

    # Three mistakes that raise no error:
    assert np.isclose(CategoricalCrossentropy()(q, p), 9.670857)  # order
    assert np.isclose(CategoricalCrossentropy()(p, np.log(q)), 1.451476)
    assert np.isclose(loss(p, q), 1.045911)  # softmax twice


def test_rows_are_normalised_and_then_clipped():
    import numpy as np
    from keras.losses import CategoricalCrossentropy

    p, loss = np.array([[1.0, 0, 0]]), CategoricalCrossentropy()
    assert np.isclose(loss(p, np.array([[4.0, 1, 5]])), 0.916291)
    clipped = loss(p, np.array([[0.0, 0.5, 0.5]]))
    assert np.isclose(clipped, -np.log(1e-7))  # 16.118, and not infinite
    assert loss(p, np.array([[1e-9, 0.5, 0.5]])) == clipped  # and not 20.7
    assert np.isclose(loss(2 * p, np.array([[4.0, 1, 5]])), 2 * 0.916291)


def test_sample_weights_divide_by_the_number_of_rows():
    import numpy as np
    from keras.losses import SparseCategoricalCrossentropy as Loss

    q = np.array([[0.4, 0.1, 0.5], [0.2, 0.7, 0.1]])
    labels, weights = np.array([0, 1]), np.array([3.0, 1.0])
    total = 3 * 0.916291 + 1 * 0.356675
    mean = Loss()(labels, q, sample_weight=weights)
    assert np.isclose(mean, total / 2)
    loss = Loss(reduction="mean_with_sample_weight")
    assert np.isclose(loss(labels, q, sample_weight=weights), total / 4)
    assert Loss(reduction="none")(labels, q).shape == (2,)


def test_binary_loss_is_a_mean_over_the_last_axis_and_clips():
    import numpy as np
    from keras.losses import BinaryCrossentropy

    p, q = np.array([[1.0, 0, 1, 1]]), np.array([[0.9, 0.2, 0.7, 0.4]])
    assert np.isclose(BinaryCrossentropy()(p, q), 0.400367)
    z = np.log(q / (1 - q))
    loss = BinaryCrossentropy(from_logits=True)
    assert np.isclose(loss(p, z), 0.400367)

    one = np.array([[1.0]])
    assert np.isclose(BinaryCrossentropy()(one, 0 * one), -np.log(1e-7))
    assert BinaryCrossentropy()(one, 3 * one) < 1e-6  # 3 is no probability
    assert loss(one, -1000 * one) == 1000


def test_kl_divergence_clips_and_does_not_normalise():
    import numpy as np
    from keras.losses import KLDivergence

    p, q = np.array([[0.5, 0.25, 0.25]]), np.array([[0.4, 0.1, 0.5]])
    assert np.isclose(KLDivergence()(p, q), np.sum(p * np.log(p / q)))
    assert np.isclose(KLDivergence()(p, q), 0.167358)  # truth first
    assert KLDivergence()(p, 2 * q) < 0 and KLDivergence()(p / 2, q) < 0
    zero, fair = np.array([[1.0, 0]]), np.array([[0.5, 0.5]])
    infinite = KLDivergence()(fair, zero)
    assert np.isclose(infinite, 0.5 * np.log(0.5 / 1e-7) + 0.5 * np.log(0.5))


class TestWithoutListing:
    """What the text says in words."""

    def test_sparse_loss_takes_indices(self):
        import numpy as np
        from keras.losses import SparseCategoricalCrossentropy

        q = np.array([[0.4, 0.1, 0.5], [0.2, 0.7, 0.1]])
        mean = SparseCategoricalCrossentropy()(np.array([0, 1]), q)
        assert np.isclose(mean, (0.916291 + 0.356675) / 2)
        loss = SparseCategoricalCrossentropy(ignore_class=-1)
        assert np.isclose(loss(np.array([0, -1]), q), 0.916291)
        assert loss(np.array([-1, -1]), q) == 0  # the mean over nothing

    @pytest.mark.skipif(keras.backend.backend() != "jax", reason="what JAX does")
    def test_labels_out_of_range_cost_nothing_on_jax(self):
        import numpy as np
        from keras.losses import SparseCategoricalCrossentropy

        q = np.array([[0.4, 0.1, 0.5]])
        for label in [-1, 3]:
            assert SparseCategoricalCrossentropy()(np.array([label]), q) == 0

    def test_binary_clipping_is_not_symmetric(self):
        import numpy as np
        from keras.losses import BinaryCrossentropy

        one, zero = np.array([[1.0]]), np.array([[0.0]])
        assert np.isclose(BinaryCrossentropy()(one, zero), 16.12, atol=0.005)
        assert np.isclose(BinaryCrossentropy()(zero, one), 15.94, atol=0.005)

    def test_small_binary_losses_from_scores_are_kept_but_those_of_a_no_on_pytorch(self):
        import numpy as np
        from keras.losses import BinaryCrossentropy

        loss, z = BinaryCrossentropy(from_logits=True), np.array([[16.0]])
        small = 1.125352e-7  # ln(1 + exp(-16))
        assert np.isclose(float(loss(np.array([[1.0]]), z)), small, rtol=1e-5, atol=0)
        no = float(loss(np.array([[0.0]]), -z))
        if keras.backend.backend() == "torch":
            assert no == 0
        else:
            assert np.isclose(no, small, rtol=1e-5, atol=0)

    def test_small_categorical_losses_from_scores_are_rounded_to_0(self):
        """In 32 bits; ln(1 + exp(-17)) is 4e-8."""
        import numpy as np
        from keras.losses import CategoricalCrossentropy

        p, z = np.array([[1.0, 0]]), np.array([[17.0, 0]])
        assert float(CategoricalCrossentropy(from_logits=True)(p, z)) == 0

    def test_kl_divergence_makes_ones_of_counts(self):
        import numpy as np
        from keras.losses import KLDivergence

        q = np.array([[0.4, 0.1, 0.5]])
        counts, ones = np.array([[2.0, 1, 1]]), np.array([[1.0, 1, 1]])
        assert np.isclose(KLDivergence()(counts, q), KLDivergence()(ones, q))

    def test_a_masked_class_makes_the_categorical_loss_from_scores_nan(self):
        import numpy as np
        from keras.losses import CategoricalCrossentropy

        no, sure = np.array([[0.0, -np.inf]]), np.array([[1.0, 0.0]])
        assert np.isnan(float(CategoricalCrossentropy(from_logits=True)(sure, no)))

    def test_label_smoothing_gives_each_class_epsilon_over_k(self):
        import numpy as np
        from keras.losses import BinaryCrossentropy, CategoricalCrossentropy

        p, q = np.array([[1.0, 0, 0]]), np.array([[0.4, 0.1, 0.5]])
        smoothed = CategoricalCrossentropy(label_smoothing=0.3)(p, q)
        by_hand = CategoricalCrossentropy()(np.array([[0.8, 0.1, 0.1]]), q)
        assert np.isclose(smoothed, by_hand)
        masked = np.array([[0.0, 0.0, -np.inf]])
        loss = CategoricalCrossentropy(from_logits=True, label_smoothing=0.3)
        assert float(loss(p, masked)) == np.inf
        one, q = np.array([[1.0]]), np.array([[0.4]])
        smoothed = BinaryCrossentropy(label_smoothing=0.3)(one, q)
        assert np.isclose(smoothed, BinaryCrossentropy()(0.85 * one, q))

    @pytest.mark.parametrize(
        "name", ["CategoricalCrossentropy", "BinaryCrossentropy", "KLDivergence"]
    )
    def test_all_take_the_mean_over_rows(self, name):
        import keras
        import numpy as np

        p, q = np.array([[1.0, 0], [0.3, 0.7]]), np.array([[0.4, 0.6], [0.2, 0.8]])
        each = np.asarray(getattr(keras.losses, name)(reduction="none")(p, q))
        assert each.shape == (2,)
        assert np.isclose(getattr(keras.losses, name)()(p, q), each.mean())

"""What the appendix on conventions says of optax. Its listings are bodies of these tests."""

import pytest

pytest.importorskip("jax")
pytest.importorskip("optax")


def test_logits_first_and_one_loss_a_row():
    import jax.numpy as jnp
    import optax

    logits = jnp.log(jnp.array([[0.4, 0.1, 0.5], [0.2, 0.7, 0.1]]))
    labels = jnp.array([0, 1])
    one_hot = jnp.eye(3)[labels]
    expected = jnp.array([0.916291, 0.356675])  # no mean is taken

    each = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    assert jnp.allclose(each, expected)
    each = optax.softmax_cross_entropy(logits, one_hot)
    assert jnp.allclose(each, expected)
    each = optax.softmax_cross_entropy(logits.T, one_hot.T, axis=0)
    assert jnp.allclose(each, expected)
    # Labels are not checked to sum to 1.
    each = optax.softmax_cross_entropy(logits, 2 * one_hot)
    assert jnp.allclose(each, 2 * expected)


def test_labels_out_of_range_are_no_error():
    import jax.numpy as jnp
    import optax

    logits = jnp.log(jnp.array([0.4, 0.1, 0.5]))
    loss = optax.softmax_cross_entropy_with_integer_labels
    assert jnp.isnan(loss(logits, 3)) and jnp.isnan(loss(logits, -100))
    assert jnp.allclose(loss(logits, -1), loss(logits, 2))  # from the end
    many = jnp.arange(200.0)
    assert jnp.allclose(loss(many, -100), loss(many, 100))

    z, labels = jnp.stack([logits, logits]), jnp.array([0, -100])
    weights = jnp.array([1.0, 0.0])
    assert jnp.isnan(jnp.sum(weights * loss(z, labels)))  # 0 * nan
    valid = jnp.where(weights > 0, labels, 0)
    mean = jnp.sum(weights * loss(z, valid)) / jnp.sum(weights)
    assert jnp.allclose(mean, 0.916291)


def test_kl_divergence_takes_the_log_of_the_model_first():
    import jax.numpy as jnp
    import optax

    p, q = jnp.array([0.5, 0.25, 0.25]), jnp.array([0.4, 0.1, 0.5])
    kl = optax.kl_divergence(jnp.log(q), p)  # KL(p || q)
    assert jnp.allclose(kl, jnp.sum(p * jnp.log(p / q)))
    assert jnp.allclose(kl, 0.167358)
    assert optax.kl_divergence(q, p) < 0  # the log is missing
    # Neither is checked to sum to 1.
    assert jnp.allclose(optax.kl_divergence(jnp.log(2 * q), p), kl - jnp.log(2))
    assert optax.kl_divergence(jnp.log(q), p / 2) < 0


def test_q_of_zero_gives_inf_and_zero_times_inf_is_nan():
    import jax.numpy as jnp
    import optax

    no = jnp.array([0.0, -jnp.inf])  # the logits, and the log, of q = (1, 0)
    p, sure = jnp.array([0.5, 0.5]), jnp.array([1.0, 0.0])
    assert optax.softmax_cross_entropy(no, p) == jnp.inf
    assert optax.kl_divergence(no, p) == jnp.inf
    assert jnp.isnan(optax.softmax_cross_entropy(no, sure))  # should be 0
    assert jnp.isnan(optax.kl_divergence(no, sure))  # should be 0
    assert optax.losses.safe_softmax_cross_entropy(no, sure) == 0
    two = jnp.array([0.0, -jnp.inf, -jnp.inf])
    second = jnp.array([0.0, 1.0, 0.0])
    assert jnp.isnan(optax.softmax_cross_entropy(two, second))  # should be inf
    assert optax.losses.safe_softmax_cross_entropy(two, second) == jnp.inf


class TestWithoutListing:
    """What the text says in words."""

    def test_sigmoid_loss_takes_logits_and_gives_one_loss_each(self):
        import jax.numpy as jnp
        import optax

        p, q = jnp.array([1.0, 0, 1, 1]), jnp.array([0.9, 0.2, 0.7, 0.4])
        logits = jnp.log(q / (1 - q))
        each = optax.sigmoid_binary_cross_entropy(logits, p)
        assert each.shape == (4,) and jnp.allclose(each.mean(), 0.400367)
        assert optax.sigmoid_binary_cross_entropy(jnp.array(-1000.0), 1) == 1000

    def test_small_losses_from_scores_are_rounded_to_0_and_the_binary_one_is_not(self):
        """In 32 bits; ln(1 + exp(-17)) is 4e-8."""
        import jax.numpy as jnp
        import optax

        z = jnp.array([17.0, 0])
        assert optax.softmax_cross_entropy(z, jnp.array([1.0, 0])) == 0
        assert optax.softmax_cross_entropy_with_integer_labels(z, 0) == 0
        for score, label in [(17.0, 1), (-17.0, 0)]:
            loss = optax.sigmoid_binary_cross_entropy(jnp.array(score), label)
            assert jnp.allclose(loss, 4.139938e-8, rtol=1e-5, atol=0)

    def test_smooth_labels_gives_each_class_alpha_over_k(self):
        import jax.numpy as jnp
        import optax

        smoothed = optax.smooth_labels(jnp.array([1.0, 0, 0]), alpha=0.3)
        assert jnp.allclose(smoothed, jnp.array([0.8, 0.1, 0.1]))
        masked = jnp.array([0.0, 0.0, -jnp.inf])
        assert optax.softmax_cross_entropy(masked, smoothed) == jnp.inf

    def test_indices_where_one_hot_labels_are_due_are_an_error(self):
        import jax.numpy as jnp
        import optax

        with pytest.raises(ValueError, match=r"[Ii]ncompatible shapes"):
            optax.softmax_cross_entropy(jnp.zeros((2, 3)), jnp.array([0, 1]))

    def test_but_shapes_that_broadcast_are_none(self):
        import jax.numpy as jnp
        import optax

        column, row = jnp.zeros((4, 1)), jnp.array([0, 1, 1, 0])
        assert optax.sigmoid_binary_cross_entropy(column, row).shape == (4, 4)
        square = optax.softmax_cross_entropy(jnp.zeros((3, 3)), jnp.array([0, 1, 2]))
        assert jnp.allclose(square, 3 * jnp.log(3))  # one value a row, of no meaning

    def test_a_masked_class_is_no_problem_with_integer_labels(self):
        import jax.numpy as jnp
        import optax

        no = jnp.array([0.0, -jnp.inf])
        assert optax.softmax_cross_entropy_with_integer_labels(no, 0) == 0
        assert optax.softmax_cross_entropy_with_integer_labels(no, 1) == jnp.inf
        assert jnp.isnan(optax.sigmoid_binary_cross_entropy(jnp.array(-jnp.inf), 0))

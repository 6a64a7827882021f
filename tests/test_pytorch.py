"""What the appendix on conventions says of PyTorch. Its listings are bodies of these tests."""

import pytest

torch = pytest.importorskip("torch")


def test_cross_entropy_takes_logits_and_indices_or_probabilities():
    import torch
    from torch.nn.functional import cross_entropy

    logits = torch.tensor([[0.4, 0.1, 0.5], [0.2, 0.7, 0.1]]).log()
    index = torch.tensor([0, 1])
    one_hot = torch.tensor([[1.0, 0, 0], [0, 1, 0]])

    each = cross_entropy(logits, index, reduction="none")
    assert [round(x, 4) for x in each.tolist()] == [0.9163, 0.3567]
    assert torch.isclose(cross_entropy(logits, index), each.mean())
    assert torch.isclose(cross_entropy(logits, one_hot), each.mean())
    # Targets are not checked to sum to 1.
    assert torch.isclose(cross_entropy(logits, 2 * one_hot), 2 * each.mean())


def test_classes_are_on_axis_1():
    import torch
    from torch.nn.functional import cross_entropy

    logits = torch.arange(24.0).sin().reshape(2, 3, 4)  # n, classes, places
    index = torch.tensor([[0, 1, 2, 0], [2, 1, 0, 1]])  # n, places
    log_q = logits.log_softmax(dim=1)
    picked = log_q.gather(1, index[:, None])
    assert torch.isclose(cross_entropy(logits, index), -picked.mean())


def test_the_mean_over_nothing_is_nan():
    import torch
    from torch.nn.functional import cross_entropy

    z = torch.tensor([[0.4, 0.1, 0.5], [0.2, 0.7, 0.1]]).log().requires_grad_()
    some, none = torch.tensor([0, -100]), torch.tensor([-100, -100])
    assert round(cross_entropy(z, some).item(), 4) == 0.9163
    assert cross_entropy(z, none, reduction="sum") == 0
    loss = cross_entropy(z, none)
    loss.backward()
    assert loss.isnan() and (z.grad == 0).all()

    def gradient(mean):  # of two losses, none of which counts
        each = cross_entropy(z, torch.tensor([0, 1]), reduction="none")
        return torch.autograd.grad(mean(each, torch.zeros(2)), z)[0]

    assert (gradient(lambda each, mask: each[mask == 1].mean()) == 0).all()
    multiplied = gradient(lambda each, mask: (each * mask).sum() / mask.sum())
    assert multiplied.isnan().all()


def test_weights_divide_by_their_sum_for_indices_only():
    import torch
    from torch.nn.functional import cross_entropy

    logits = torch.tensor([[0.4, 0.1, 0.5], [0.2, 0.7, 0.1]]).log()
    index, weight = torch.tensor([0, 1]), torch.tensor([3.0, 1, 1])
    one_hot = torch.eye(3)[index]
    total = 3 * 0.916291 + 1 * 0.356675

    mean = cross_entropy(logits, index, weight=weight)
    assert round(mean.item(), 4) == round(total / (3 + 1), 4)
    mean = cross_entropy(logits, one_hot, weight=weight)
    assert round(mean.item(), 4) == round(total / 2, 4)  # 2 rows


def test_label_smoothing_gives_each_class_epsilon_over_k():
    import torch
    from torch.nn.functional import cross_entropy

    logits = torch.tensor([[0.4, 0.1, 0.5]]).log()
    smoothed = cross_entropy(logits, torch.tensor([0]), label_smoothing=0.3)
    by_hand = cross_entropy(logits, torch.tensor([[0.8, 0.1, 0.1]]))
    assert torch.isclose(smoothed, by_hand)  # 0.7 + 0.3 / 3 = 0.8


@pytest.mark.filterwarnings("ignore:reduction")
def test_kl_div_takes_the_log_of_the_model_first():
    import math

    import torch
    from torch.nn.functional import kl_div

    p = torch.tensor([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]])
    q = torch.tensor([[0.4, 0.1, 0.5], [0.2, 0.7, 0.1]])
    kl = (p * (p / q).log()).sum(dim=1)  # KL(p || q), one a row
    assert [round(x, 4) for x in kl.tolist()] == [0.1674, 0.8245]

    right = kl_div(q.log(), p, reduction="batchmean")
    assert torch.isclose(right, kl.mean())
    assert torch.isclose(kl_div(q.log(), p), kl.mean() / 3)  # and a warning
    assert kl_div(q, p, reduction="batchmean") < 0  # the log is missing
    # Neither is checked to sum to 1.
    lower = kl_div((2 * q).log(), p, reduction="batchmean")
    assert torch.isclose(lower, kl.mean() - math.log(2))
    assert kl_div(q.log(), p / 2, reduction="batchmean") < 0


def test_q_of_zero_gives_inf_or_nan_or_100():
    import torch
    from torch.nn.functional import binary_cross_entropy, cross_entropy, kl_div

    no = torch.tensor([[0.0, -torch.inf]])  # logits, and log, of q = (1, 0)
    assert cross_entropy(no, torch.tensor([1])) == torch.inf
    assert cross_entropy(no, torch.tensor([0])) == 0
    p, sure = torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0, 0]])
    assert cross_entropy(no, p) == torch.inf
    assert kl_div(no, p, reduction="batchmean") == torch.inf
    # Where the target is 0, too: 0 * inf. It should be 0.
    assert cross_entropy(no, sure).isnan()
    assert kl_div(no, sure, reduction="batchmean").isnan()
    # So here, where it should be inf.
    two = torch.tensor([[0.0, -torch.inf, -torch.inf]])
    assert cross_entropy(two, torch.tensor([[0.0, 1, 0]])).isnan()
    assert cross_entropy(two, torch.tensor([1])) == torch.inf

    zero, one = torch.tensor([0.0]), torch.tensor([1.0])
    assert binary_cross_entropy(zero, one) == 100  # the log stops at -100


def test_binary_cross_entropy_takes_the_model_first():
    import torch
    from torch.nn import functional as F

    p, q = torch.tensor([1.0, 0, 1, 1]), torch.tensor([0.9, 0.2, 0.7, 0.4])
    assert round(F.binary_cross_entropy(q, p).item(), 6) == 0.400367
    logits = (q / (1 - q)).log()
    loss = F.binary_cross_entropy_with_logits(logits, p)
    assert round(loss.item(), 6) == 0.400367

    z, one = torch.tensor([-1000.0]), torch.tensor([1.0])
    assert F.binary_cross_entropy_with_logits(z, one) == 1000
    assert F.binary_cross_entropy(z.sigmoid(), one) == 100

    small, zero = torch.tensor([16.0]), torch.tensor([0.0])
    yes = F.binary_cross_entropy_with_logits(small, one)
    assert round(yes.item(), 8) == 1.1e-7  # ln(1 + exp(-16))
    no = F.binary_cross_entropy_with_logits(-small, zero)
    assert no == 0  # should be the same


def test_softmax_twice_has_a_floor():
    import math

    import torch
    from torch.nn.functional import cross_entropy

    for k, floor in [(3, 0.5514), (10, 1.4612)]:
        sure = torch.zeros(1, k)
        sure[0, 0] = 100
        right = cross_entropy(sure, torch.tensor([0]))
        twice = cross_entropy(sure.softmax(dim=1), torch.tensor([0]))
        assert right == 0 and round(twice.item(), 4) == floor
        assert round(math.log(math.e + k - 1) - 1, 4) == floor


def test_autodiff_finds_the_gradient_of_the_sigmoid_loss():
    import numpy as np
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    from xentlib.losses import sigmoid_binary_cross_entropy_value_and_grad

    z = torch.tensor([-5.0, 0.3, 2.0], requires_grad=True)
    y = torch.tensor([1.0, 0.0, 1.0])
    loss = binary_cross_entropy_with_logits(z, y)
    loss.backward()  # fills z.grad
    assert torch.allclose(z.grad, (torch.sigmoid(z) - y) / 3)

    labels = np.array([1, 0, 1])
    value, grad = sigmoid_binary_cross_entropy_value_and_grad([-5, 0.3, 2], labels)
    assert np.isclose(value, loss.item()) and np.allclose(grad, z.grad)


def test_autodiff_finds_the_gradient_of_the_softmax_loss():
    import numpy as np
    import torch
    from torch.nn.functional import cross_entropy

    from xentlib.losses import softmax_cross_entropy_value_and_grad

    z = torch.tensor([[0.4, 0.1, 0.5]]).log().requires_grad_()
    loss = cross_entropy(z, torch.tensor([0]))
    loss.backward()  # fills z.grad
    assert torch.allclose(z.grad, torch.tensor([[-0.6, 0.1, 0.5]]))

    logits = np.log([[0.4, 0.1, 0.5]])
    value, grad = softmax_cross_entropy_value_and_grad(logits, np.array([0]))
    assert np.isclose(value, loss.item()) and np.allclose(grad, z.grad)


class TestWithoutListing:
    """What the text says in words."""

    def test_kl_div_warns_of_its_mean(self):
        log_q = torch.tensor([[0.5, 0.5]]).log()
        with pytest.warns(UserWarning, match="batchmean"):
            torch.nn.functional.kl_div(log_q, torch.tensor([[0.5, 0.5]]))

    def test_bce_refuses_what_is_no_probability(self):
        half, two = torch.tensor([0.5]), torch.tensor([2.0])
        for q, p in [(two, half), (half, two)]:
            with pytest.raises(RuntimeError, match="between 0 and 1"):
                torch.nn.functional.binary_cross_entropy(q, p)

    def test_labels_out_of_range_and_of_the_wrong_type_are_errors(self):
        logits = torch.zeros(1, 3)
        for label in [3, -1]:
            with pytest.raises(IndexError, match="out of bounds"):
                torch.nn.functional.cross_entropy(logits, torch.tensor([label]))
        with pytest.raises(RuntimeError, match="floating point"):
            torch.nn.functional.cross_entropy(logits, torch.tensor([[1, 0, 0]]))

    def test_targets_of_losses_from_scores_are_not_checked(self):
        two = torch.tensor([2.0])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(torch.tensor([0.5]), two)
        assert loss < 0
        minus_inf, zero = torch.tensor([-torch.inf]), torch.tensor([0.0])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(minus_inf, zero)
        assert loss.isnan()

    def test_batchmean_divides_by_the_first_axis_only(self):
        from torch.nn.functional import kl_div

        q = torch.arange(24.0).sin().reshape(2, 4, 3).log_softmax(dim=2)
        p = torch.full((2, 4, 3), 1 / 3)
        by_first = kl_div(q, p, reduction="batchmean")
        table = kl_div(q.reshape(-1, 3), p.reshape(-1, 3), reduction="batchmean")
        assert torch.isclose(by_first, 4 * table)
        assert torch.isclose(kl_div(q, p.log(), reduction="batchmean", log_target=True), by_first)

    def test_class_weights_that_sum_to_nothing_have_a_nan_gradient(self):
        z, labels = torch.zeros(2, 3, requires_grad=True), torch.tensor([0, 0])
        weight = torch.tensor([0.0, 1, 1])
        loss = torch.nn.functional.cross_entropy(z, labels, weight=weight)
        loss.backward()
        assert loss.isnan() and z.grad.isnan().all()

    def test_a_sum_over_nothing_divided_by_its_count_has_a_gradient_of_0(self):
        """It is the product with the mask that makes it NaN, not the division by 0."""
        z, labels = torch.zeros(2, 3, requires_grad=True), torch.tensor([-100, -100])
        loss = torch.nn.functional.cross_entropy(z, labels, reduction="sum") / 0
        loss.backward()
        assert loss.isnan() and (z.grad == 0).all()

    def test_smoothed_labels_make_a_masked_class_infinite(self):
        logits, label = torch.tensor([[0.0, 0, -torch.inf]]), torch.tensor([0])
        assert torch.nn.functional.cross_entropy(logits, label).isfinite()
        smoothed = torch.nn.functional.cross_entropy(logits, label, label_smoothing=0.1)
        assert smoothed == torch.inf

    def test_small_losses_from_scores_are_rounded_to_0(self):
        """In 32 bits; ln(1 + exp(-17)) is 4e-8."""
        logits, label = torch.tensor([[17.0, 0]]), torch.tensor([0])
        assert torch.nn.functional.cross_entropy(logits, label) == 0
        z = torch.arange(-15.0, -100, -0.25)
        no = torch.nn.functional.binary_cross_entropy_with_logits(
            z, torch.zeros_like(z), reduction="none"
        )
        assert (no == 0).all()
        z = -z[z > -80]
        yes = torch.nn.functional.binary_cross_entropy_with_logits(
            z, torch.ones_like(z), reduction="none"
        )
        assert torch.allclose(yes, torch.log1p(torch.exp(-z)), rtol=1e-4, atol=0)

    def test_large_losses_from_scores_are_right(self):
        z = torch.arange(1.0, 1000)
        for y in (0.0, 1.0, 0.3):
            both = torch.cat([z, -z])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                both, torch.full_like(both, y), reduction="none"
            ).double()
            exact = both.double()
            exact = exact.clamp(min=0) - y * exact + torch.log1p(torch.exp(-exact.abs()))
            large = exact > 0.5
            assert torch.allclose(loss[large], exact[large], rtol=1e-6, atol=0)

    def test_float16_ends_where_bfloat16_goes_on(self):
        assert torch.tensor(65_519.0).half() == 65_504
        assert torch.tensor(65_520.0).half() == torch.inf
        assert 3.3e38 < torch.finfo(torch.bfloat16).max < 3.4e38
        assert torch.tensor(3.3e38).bfloat16().isfinite()

    def test_one_hot_must_be_made_float(self):
        one_hot = torch.nn.functional.one_hot(torch.tensor([0]), 3)
        with pytest.raises(RuntimeError, match="floating point"):
            torch.nn.functional.cross_entropy(torch.zeros(1, 3), one_hot)
        loss = torch.nn.functional.cross_entropy(torch.zeros(1, 3), one_hot.float())
        assert round(loss.item(), 4) == 1.0986

    @pytest.mark.parametrize("dtype, floor", [("float32", -15.94), ("float64", -36.04)])
    def test_log_prob_is_clipped_if_it_comes_from_probs(self, dtype, floor):
        for small in [0.0, 1e-17]:
            probs = torch.tensor([1.0, small], dtype=getattr(torch, dtype))
            sure = torch.distributions.Categorical(probs=probs)
            assert round(sure.log_prob(torch.tensor(1)).item(), 2) == floor

    def test_log_prob_is_not_clipped_if_it_comes_from_logits(self):
        for z in [-100.0, -torch.inf]:
            sure = torch.distributions.Categorical(logits=torch.tensor([0.0, z]))
            assert sure.log_prob(torch.tensor(1)) == z

    def test_nll_loss_takes_log_probabilities(self):
        import torch
        from torch.nn.functional import nll_loss

        q, label = torch.tensor([[0.4, 0.1, 0.5]]), torch.tensor([0])
        assert round(nll_loss(q.log(), label).item(), 6) == 0.916291
        assert round(nll_loss(q, label).item(), 6) == -0.4  # the log is missing

    def test_categorical_normalises(self):
        import torch
        from torch.distributions import Categorical, kl_divergence

        p = Categorical(probs=torch.tensor([2.0, 1, 1]))  # becomes 1/2, 1/4, 1/4
        q = Categorical(probs=torch.tensor([0.4, 0.1, 0.5]))
        assert round(p.entropy().item(), 4) == 1.0397
        assert round(kl_divergence(p, q).item(), 4) == 0.1674  # truth first

    def test_autodiff_finds_the_gradient_in_the_weights(self):
        import torch
        from torch.nn.functional import cross_entropy, one_hot

        x = torch.tensor([[1.0, 2.0], [0.5, -1.0], [-2.0, 0.0]])
        w = torch.tensor([[0.1, -0.2, 0.3], [0.0, 0.4, -0.1]], requires_grad=True)
        labels = torch.tensor([2, 0, 1])
        cross_entropy(x @ w, labels).backward()  # fills w.grad
        q, p = (x @ w).softmax(dim=1), one_hot(labels, 3)
        assert torch.allclose(w.grad, x.T @ (q - p) / 3, atol=1e-7)

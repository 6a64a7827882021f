"""What the functions of this library ask of their arguments, and say when it is not so."""

import math
from collections.abc import Iterator, Mapping, MappingView, Set
from decimal import Decimal
from itertools import chain, combinations
from numbers import Real

import numpy as np

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
quiet = np.errstate(all="ignore")  # limits such as -log 0 = inf are meant


def array(name, value):
    """An array that is neither masked nor ragged nor empty."""
    if has_mask(value):
        raise ValueError(
            f"{name} is a masked array; choose what to do with the masked values: "
            "compressed() or filled()"
        )
    if isinstance(value, (Mapping, MappingView, Set, Iterator)):
        values = f"{name}.values()" if isinstance(value, Mapping) else name
        raise ValueError(
            f"{name} must be a list or an array, got a {type(value).__name__}; use list({values})"
        )
    if hasattr(value, "toarray"):
        raise ValueError(f"{name} is a sparse matrix; use {name}.toarray()")
    try:
        found = np.asarray(value)
    except ValueError as error:
        if "inhomogeneous" in str(error):
            raise ValueError(f"{name} must be an array, but its rows differ in length") from None
        raise ValueError(f"{name} cannot be made an array: {error}") from error
    except (TypeError, RuntimeError) as error:  # of tensors
        raise ValueError(f"{name} cannot be made an array: {error}") from error
    if found.size == 0:
        raise ValueError(f"{name} is empty: it has shape {found.shape}")
    return found


def real(name, value):
    """An array of real numbers, in its own dtype; Python's exact numbers become floats."""
    found = array(name, value)
    if found.dtype == object:
        return from_objects(name, found)
    if found.dtype.kind not in "biuf":
        text = _of_text(found.flat[0]) if found.dtype.kind in "US" else ""
        raise ValueError(f"{name} must hold real numbers, got dtype {found.dtype}{text}")
    return found


def arrays(**named):
    """Real arrays of one floating dtype, float32 or float64."""
    found = [real(name, value) for name, value in named.items()]
    dtype = result_dtype(*found)
    return [a.astype(dtype, copy=False) for a in found]


def result_dtype(*found):
    """float32 if all floats are float32 or float16, else float64; integers follow."""
    sizes = [a.dtype.itemsize for a in found if a.dtype.kind == "f"]
    return FLOAT32 if sizes and max(sizes) <= 4 else FLOAT64


def numbers(name, value, shape=(), low=-math.inf, high=math.inf, whole=False):
    """Finite numbers from `low` to `high`, as floats, or as integers if they must be `whole`.

    In `shape`, None stands for any length.
    """
    letters = iter("nm")
    size = " × ".join(next(letters) if n is None else str(n) for n in shape) or "one"
    size = "a list of" if size == "n" else size
    wanted = f"{size}{' whole' if whole else ''} {'numbers' if shape else 'number'}"
    if value is None or isinstance(value, str):
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
    found = real(name, value)
    fits = found.ndim == len(shape) and all(
        n in (None, length) for n, length in zip(shape, found.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} must be {wanted}, got shape {found.shape}")
    if whole:
        broken = found != np.floor(found.astype(FLOAT64))
        if broken.any():
            raise ValueError(f"{name} must be {wanted}, got {first(found, broken)}")
    wrong = ~(np.isfinite(found) & (found >= low) & (found <= high))
    if wrong.any():
        wanted = "finite" if low == -math.inf else f"at least {low:g}"
        if high < math.inf:
            wanted = f"at most {high:g}" if low == -math.inf else f"from {low:g} to {high:g}"
        raise ValueError(f"{name} must be {wanted}, got {first(found, wrong)}")
    return found.astype(int if whole else float)


def texts(name, values, size):
    """A list of as many strings as there is something to be named."""
    found = [values] if isinstance(values, str) or not np.iterable(values) else list(values)
    if len(found) != size or not all(isinstance(value, str) for value in found):
        wanted = "one string" if size == 1 else f"{size} strings"
        raise ValueError(f"{name} must be {wanted}, got {values!r:.80}")
    return [str(value) for value in found]


def probabilities(**named):
    """Numbers from 0 to 1 in float64, and the dtype of the result."""
    found = {name: real(name, value) for name, value in named.items()}
    check_names(None, named)
    checked = []
    for name, given in found.items():
        p = given.astype(FLOAT64)
        wrong = ~((p >= 0) & (p <= 1 + tolerance(given.dtype, 1)))
        if wrong.any():
            raise ValueError(
                f"{name} must hold probabilities between 0 and 1, got {first(given, wrong)}"
                + hint(name, first(p, wrong), "sigmoid")
            )
        checked.append(np.minimum(p, 1))
    return checked, result_dtype(*found.values())


def distributions(axis, **named):
    """Distributions in float64, the classes last, broadcast; and the dtype of the result."""
    found = {name: real(name, value) for name, value in named.items()}
    checked = []
    for name, given in found.items():
        if given.ndim == 0:
            raise ValueError(
                f"{name} must hold a distribution, got the single number {given}; "
                "for two outcomes write [p, 1 - p]"
            )
        try:
            if isinstance(axis, (bool, np.bool_)):
                raise TypeError
            moved = np.moveaxis(given, axis, -1)
        except (ValueError, TypeError):
            raise ValueError(
                f"axis must name an axis of {name}, which has shape {given.shape}, got {axis!r}"
            ) from None
        checked.append(sum_to_1(name, moved, -1, given))
    check_names(axis, named)
    sizes = {p.shape[-1] for p in checked}
    if len(sizes) > 1:
        (p, q), (p_name, q_name) = checked, named
        raise ValueError(
            f"{p_name} has {p.shape[-1]} classes and {q_name} has {q.shape[-1]}; "
            "both must range over the same classes"
        )
    checked = broadcast(*checked, what="with the classes last they are")
    return checked, result_dtype(*found.values())


def joint(pxy):
    """Joint tables in float64, and the dtype of the result."""
    table = real("pxy", pxy)
    check_table(table, "pxy")
    return sum_to_1("pxy", table, (-2, -1)), result_dtype(table)


@quiet
def sum_to_1(name, given, axis, unmoved=None):
    """In float64, divided by their sum, which may miss 1 by what float32 rounding explains.

    `unmoved` are the same numbers with the classes on the axis where the caller has them.
    """
    p = np.ascontiguousarray(given, FLOAT64)  # NumPy adds what is contiguous in pairs: exactly
    wrong = ~(p >= 0)  # this way round, NaN is wrong too
    if wrong.any():
        value = first(p, wrong)
        raise ValueError(
            f"{name} must hold probabilities, got {value}" + hint(name, value, "softmax")
        )
    total = p.sum(axis=axis, keepdims=True)
    size = p.size // total.size
    wrong = np.abs(total - 1) > tolerance(given.dtype, size)
    if wrong.any():
        raise ValueError(
            f"{name} must sum to 1, got a sum of {first(total, wrong)} (shape {given.shape}); "
            + _otherwise(name, given if unmoved is None else unmoved, axis, total[wrong].flat[0])
        )
    return p if (total == 1).all() else p / total


def _otherwise(name, given, axis, total):
    """What to do about sums that are not 1: perhaps they are along another axis."""
    if isinstance(axis, tuple):
        return f"call normalize({name}, axis=(-2, -1)) if these are counts or rounded numbers"
    for other, size in enumerate(given.shape):
        sums = given.sum(axis=other, dtype=FLOAT64)
        if size > 1 and np.all(np.abs(sums - 1) <= tolerance(given.dtype, size)):
            return f"along axis {other} it does"
    if not 0 < total < math.inf:
        return "call softmax() if these are logits"
    classes = ", one_hot() if they are classes" if given.dtype.kind in "iu" else ""
    return f"call normalize() if these are counts or rounded numbers{classes}"


def tolerance(dtype, size):
    """How far the sum of `size` numbers may be from 1 if they were rounded to float32.

    Their own rounding explains half an eps; of a sum in float32, one number after another, by
    which they were divided, the error grows like the root of their number. float16 is judged by
    its own eps.
    """
    half = dtype.kind == "f" and dtype.itemsize == 2
    eps = float(np.finfo(np.float16 if half else np.float32).eps)
    return min(8 * eps * math.sqrt(size), math.sqrt(eps))


def class_indices(labels, n_classes, name="labels"):
    found = array(name, labels)
    if found.dtype.kind not in "iu":
        convert = "; number them from 0, by numpy.searchsorted(sorted_classes, labels)"
        if found.dtype.kind in "fb":
            missing = found.dtype.kind == "f" and np.isnan(found).any()
            convert = "; some are missing: leave these rows out" if missing else "; use astype(int)"
        raise ValueError(
            f"{name} must be whole numbers (class indices), got dtype {found.dtype}{convert}"
        )
    wrong = (found < 0) | (found >= n_classes)
    if wrong.any():
        raise ValueError(
            f"{name} must lie between 0 and {n_classes - 1}, got {first(found, wrong)}"
            + (
                "; subtract 1 if they count from 1"
                if 0 < found.min() < found.max() == n_classes
                else ""
            )
        )
    return found


def weights(sample_weight, shape, reduction, dtype):
    """The weights, or None if all are 1, and what their sum of losses is divided by."""
    if sample_weight is None:
        return None, math.prod(shape) if reduction == "mean" else 1
    if isinstance(sample_weight, (Mapping, str)):
        raise ValueError(
            f"sample_weight must hold one weight for each loss, got {sample_weight!r:.60}; weights "
            "of classes become those of rows by numpy.array(class_weights)[labels]"
        )
    weight = real("sample_weight", sample_weight)
    if weight.shape != shape:
        raise ValueError(
            f"sample_weight must hold one weight for each loss, so have shape {shape}, "
            f"got shape {weight.shape}"
        )
    weight = weight.astype(FLOAT64, copy=False)
    wrong = ~((weight >= 0) & (weight < math.inf))
    if wrong.any():
        raise ValueError(
            f"sample_weight must be finite and not negative, got {first(weight, wrong)}"
        )
    largest = weight.max()
    if reduction != "mean":
        if largest > np.finfo(dtype).max:
            raise ValueError(
                f"sample_weight must be finite in the dtype of the loss, {dtype}, got {largest}; "
                "use float64 logits or smaller weights"
            )
        return weight, 1
    if largest == 0:
        raise ValueError("sample_weight must have a positive and finite sum for a mean, got 0.0")
    # A mean depends on ratios only. Weights below 1 have a finite sum; powers of 2 round nothing.
    weight = np.ldexp(weight, -np.frexp(largest)[1])
    return weight, weight.sum()


def broadcast(*found, what="their shapes are"):
    try:
        return np.broadcast_arrays(*found)
    except ValueError:
        shapes = " and ".join(str(a.shape) for a in found)
        raise ValueError(f"p and q do not broadcast: {what} {shapes}") from None


def check_names(axis, tables, rows=None):
    """Arrays go by position: what pandas calls their rows and classes must not say otherwise.

    `axis` is that of the classes in each of the `tables`, None if they have none; `rows` hold one
    number for each row. A default index, 0, 1, 2, ..., is no contradiction to other labels, unless
    they are the same ones in another order.
    """
    indexed = [(name, _indexes(value, axis)) for name, value in tables.items()]
    for name, value in (rows or {}).items():
        indexed.append((name, _indexes(value, None) + [None] * (axis is not None)))
    for (a_name, a_indexes), (b_name, b_indexes) in combinations(indexed, 2):
        pairs = zip(reversed(a_indexes), reversed(b_indexes), strict=False)
        for a, b in pairs:
            if a is not None and b is not None and _clash(a, b):
                raise ValueError(
                    f"{a_name} and {b_name} are taken by position, but are labelled {_short(a)} "
                    f"and {_short(b)}: align them (reindex), or use to_numpy() if the positions "
                    "are right"
                )


def check_numbered(name, table):
    """Class numbers count columns from 0; columns that bear other numbers would be mistaken."""
    columns = getattr(table, "columns", None) if hasattr(table, "iloc") else None
    if columns is None or columns.dtype.kind not in "iu":
        return
    if list(columns) != list(range(len(columns))):
        raise ValueError(
            f"the columns of {name} are called {_short(columns)}, but labels count them from 0; "
            f"renumber the labels and use {name}.to_numpy()"
        )


def _indexes(value, axis):
    """The indexes of a pandas object, that of the classes last."""
    found = list(value.axes) if hasattr(value, "iloc") else []
    if axis is not None and found:
        found.append(found.pop(axis))
    return found


def _clash(a, b):
    if len(a) != len(b) or a.equals(b):
        return False
    return set(a) == set(b) if _is_default(a) or _is_default(b) else True


def _is_default(index):
    return type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1


def _short(index):
    shown = ", ".join(map(str, index[:4]))
    return f"({shown}, ...)" if len(index) > 4 else f"({shown})"


def check_table(found, name):
    if found.ndim < 2:
        raise ValueError(f"{name} must be a table with two axes or more, got shape {found.shape}")


def check_counts(found, name):
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        raise ValueError(f"{name} must be finite and not negative, got {first(found, wrong)}")


def check_reduction(reduction):
    if not isinstance(reduction, str) or reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def has_mask(value):
    """Whether there is a masked array here; in a list of them, NumPy would lose the masks."""
    seen, level = set(), [value]
    while level:
        kinds = set(map(type, level))
        if any(issubclass(kind, np.ma.MaskedArray) for kind in kinds):
            return True
        if not any(issubclass(kind, (list, tuple)) for kind in kinds):
            return False
        lists = {id(v): v for v in level if isinstance(v, (list, tuple)) and id(v) not in seen}
        seen.update(lists)
        level = list(chain.from_iterable(lists.values()))
    return False


def from_objects(name, found):
    """Fractions, decimals and long integers as floats."""
    for value in found.flat:
        if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
            kind, text = type(value).__name__, ""
            if isinstance(value, str):
                text = _of_text(value)
            elif value is None or kind == "NAType":
                text = "; leave out or replace what is missing"
            raise ValueError(f"{name} must hold real numbers, got {value!r:.60} ({kind}){text}")
    try:
        return found.astype(FLOAT64)
    except OverflowError:
        raise ValueError(f"{name} holds a number beyond the largest float") from None


def _of_text(value):
    try:
        float(value)
    except ValueError:
        return "; observations must be counted first, by numpy.unique(..., return_counts=True)"
    return "; convert the text with astype(float)"


def hint(name, value, function):
    """What to do about a number that is no probability; `function` makes some of logits."""
    if -1e-6 < value < 0:
        return f"; if it is a rounded 0, use numpy.maximum({name}, 0)"
    if value != value:
        return "; leave out or replace what is missing"
    if value < 0:
        return f"; call {function}() if these are logits, exp() if logarithms"
    return f"; call normalize() if these are counts, {function}() if logits"


def first(found, wrong):
    """The first offending value, for an error message."""
    return found[wrong].flat[0].item()


def is_real(value):
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


@quiet
def finish(nats, base, dtype=None, axis=None, keepdims=False):
    """From nats to the unit of `base`, without a negative zero, with the class axis if wanted."""
    if keepdims:
        nats = np.expand_dims(nats, axis)
    if base is not None:
        if not (is_real(base) and 1 < base < math.inf):
            raise ValueError(f"base must be a number above 1, such as 2 for bits, got {base!r}")
        nats = nats / math.log(base)
    return np.asarray(nats + 0.0, dtype)[()]

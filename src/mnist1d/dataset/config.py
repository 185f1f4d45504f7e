"""The configuration of a dataset: all parameters, validated on construction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from itertools import islice
from typing import Annotated, Any, ClassVar, Self

from mnist1d.dataset import checks
from mnist1d.dataset.constraints import Float, Integer, OneOf, Seed, constrained
from mnist1d.dataset.shift import Shift, check_name, named_shift
from mnist1d.dataset.templates import Templates, digit_templates, own_templates

__all__ = ["SAMPLE_PARAMETERS", "SIGNAL_PARAMETERS", "DatasetConfig", "Shift"]

SIGNAL_PARAMETERS = (
    "padding",
    "scale_coeff",
    "max_translation",
    "corr_noise_scale",
    "iid_noise_scale",
    "shear_scale",
    "final_seq_length",
)
"""The parameters of the steps from a template to a signal."""

SAMPLE_PARAMETERS = (
    *SIGNAL_PARAMETERS,
    "classes",
    "class_proportions",
    "label_noise",
    "label_noise_kind",
    "positions",
    "positions_seed",
    "templates",
    "channel_axis",
)
"""The parameters that determine single samples, beside the seed; the others are those of sets."""

_TEMPLATE_LENGTH = 12
# Lengths and counts are array sizes; beyond 32 bits no machine could hold the set in one piece.
_LARGEST_SIZE = 2**31 - 1
# NumPy's legacy integers are 64-bit and signed, and their upper bound is exclusive.
_LARGEST_TRANSLATION = 2**63
_POSITIONS = (
    "original",
    "flipped",
    "shuffled",
    "chunked",
    "shuffled_classification",
    "shuffled_lottery",
)


_Strength = Annotated[float, Float(least=-checks.LARGEST_STRENGTH, most=checks.LARGEST_STRENGTH)]
_PartSize = Annotated[int, Integer(1, _LARGEST_SIZE)]


@dataclass(frozen=True, kw_only=True, repr=False)
@constrained
class DatasetConfig:
    """Everything that decides the content of a dataset; the defaults are the published one.

    A sample starts as one of ten 12-point templates. It is padded with zeros, stretched to a common
    length, scaled, shifted in a circle, surrounded by smooth noise, covered with white noise,
    sheared, and resampled to its final length. The first twelve parameters are those of the
    published package and have its names; all others are variants of the finished set and leave the
    published one as it is.

    Values are checked here, before any work. Everything that the published generator can turn into
    finite data in a training and a test set is allowed, with these exceptions, which are more often
    mistakes than intended: a reversed `padding`, a `train_split` that leaves one side empty, a
    final length of one point, a truth value where a number is meant and the reverse, and a
    `template_len` that is not the length of the templates. NumPy's integers and floats count as
    numbers, and `padding` may be any sequence of two integers; values are stored as plain Python,
    so that a configuration is immutable and can be a key of a dictionary or a static argument of
    `jax.jit`.

    Attributes:
        num_samples: samples in all parts together, one per class to 2**31 - 1. Every class gets
            `num_samples // 10` of them; the remainder is dropped, as published. More make learning
            easier.
        train_split: fraction of the samples that form the training (and validation) set; rounded
            down to whole samples, and neither side may be empty.
        template_len: points of a template, 12; follows the `templates` if there are any.
        padding: lowest and highest number of zeros appended to the template, both inclusive,
            0 <= lowest <= highest < 2**31 - template_len. The padded signal is always stretched to
            `template_len + highest` points, so that a wider range means more varied widths of the
            digit, and more padding a narrower digit that is harder to find.
        scale_coeff: width of the range of the factor on the digit's height, which is uniform on
            1 -/+ scale_coeff / 2. From 2 on some digits vanish or turn over. The sign makes no
            difference but mirrors the draws.
        max_translation: number of possible circular shifts to the right, in points of the
            stretched signal: the shift is uniform on 0 ... max_translation - 1, so 1 means none.
            Larger shifts ask for more shift invariance. A shift drawn as long as the stretched
            signal or longer moves nothing, as published.
        corr_noise_scale: standard deviation, before smoothing with a Gaussian of width 2, of the
            noise that fills the padding, in units of the digit's height (about 0.5). More of it
            makes more distractors that look like digits. The digit itself carries none. A negative
            value mirrors the noise.
        iid_noise_scale: standard deviation of the white noise on every point, in the same units.
            It blurs the fine differences between digits. A negative value mirrors the noise.
        shear_scale: width of the range of the slope, in height over the whole length, that is
            taken off the signal; uniform on -/+ shear_scale / 2. A model must learn to ignore it.
            A negative value mirrors the draws.
        shuffle_seq: whether the positions of all samples are put into one common random order, the
            published one, which is drawn after all samples. It destroys the neighbourhood that
            convolutions live on, and nothing else. Excludes `positions`.
        final_seq_length: points of a finished sample. Fewer lose detail.
        seed: seed of all random draws. In the legacy random stream of `generate` a parameter set to
            zero still uses up its random numbers, so that sets of one seed differ in that parameter
            alone (`max_translation=1` is the exception: it draws nothing).
        train: size of the training set, in place of `num_samples` and `train_split`, together with
            `test`. All samples asked for are made: the classes of all parts together differ by one
            at most. Where the total is a multiple of ten, the samples are the published ones.
        validation: size of the validation set, 0 for none. It lies between training and test set in
            the published order. With `train` and `test` it adds to them; otherwise the last
            training samples form it, and the test set stays the published one.
        test: size of the test set, see `train`.
        classes: labels that occur, each once, in the order of generation; None for all. They keep
            their labels. Fewer are easier; which ones matters (3 and 8 are mirror images, 8 and 9
            nearly alike).
        class_proportions: relative sizes of the classes in all parts together, one positive number
            per label of `classes`; only their ratios count. Rounded to whole samples by the largest
            remainder, no class empty and no sample dropped, so that numbers that sum to the total
            are met exactly. None for equal sizes. Rare classes are learned worse.
        stratified: whether every part has the classes in the same shares, to one sample: exactly
            as many of each where their number divides its size (and `class_proportions` is None).
            The samples are the same; which part they are in differs. By default the split is
            random, as published: of 100 training samples, 6 to 13 are of a class.
        label_noise: probability with which each training label is replaced. Validation and test
            labels stay clean. For one seed, a label that is replaced at some noise is replaced by
            the same one at all higher noises. Wrong labels can only be memorised: the larger a
            model, the more they cost in the test.
        label_noise_kind: what a label is replaced by: "symmetric" draws one of `classes`, perhaps
            the old one; "other" draws one of the other classes, so that all that are selected
            become wrong; "published" is the noise of the paper's double descent: symmetric, but
            drawn from the legacy stream where the generation left it.
        positions: order of the points of every sample. "original"; "flipped", first to last;
            "shuffled", the legacy permutation of `positions_seed`; "chunked", four blocks in the
            order 3, 4, 1, 2, as in the paper's study of lottery tickets; "shuffled_classification"
            and "shuffled_lottery", the permutations of the paper's Table 1 and lottery tickets
            (legacy seeds 42 and 0); or any order, as integers: point j of the result is point
            positions[j] of the original. Linear models and MLPs do not care; what convolutions
            gain from neighbourhood is lost by shuffling and kept by flipping.
        positions_seed: seed of the "shuffled" positions; None for `seed`.
        templates: one clean signal per class in place of the ten digits: an array of shape
            (n_classes, template_len), 2 points or more, finite, at most 1e100 in size; or a mapping
            from names to signals of one length. Taken as they are, in the units in which a digit's
            standard deviation is 1/6 (`normalise_templates` brings any signals there).
        class_names: one text per template, all different; None for the numbers "0", "1" and so on.
        shifted_tests: further test sets by name, as a mapping from names to the parameters in which
            they differ (those of `Shift`): `{"noisy": {"iid_noise_scale": 0.1}}`. Each has as many
            samples as the test set, clean labels, and the training configuration's
            standardisation. They come from a stream of their own, the same for all of them: sets
            that keep padding and translation are paired, sample by sample, and `{}` is their
            unshifted counterpart.
        dtype: type of signals and time axis, "float64" or "float32" (computed in float64 and then
            rounded). No difference to difficulty; every model of the paper trains on float32.
        channel_axis: whether signals have the shape (n, 1, length), as convolutions in PyTorch
            expect, and not (n, length).

    Raises:
        TypeError: if a value is of the wrong type. The message names field, value and what is
            allowed, here and below.
        ValueError: if a value is out of range, not finite, or contradicts another one.

    Source:
        Greydanus & Kobak (2024), Table 2, which omits `scale_coeff`; reference `get_dataset_args`;
        for published positions and label noise, the notebooks of Table 1 and of sections 5.1 and
        5.2.

    >>> DatasetConfig(num_samples=20_000, padding=[10, 20]).padding
    (10, 20)
    >>> DatasetConfig(train_split=1.0)
    Traceback (most recent call last):
        ...
    ValueError: train_split must be above 0 and below 1, not 1.0
    >>> DatasetConfig(train=4000, validation=1000, test=1000, classes=[3, 8]).class_sizes
    (3000, 3000)
    """

    num_samples: int = 5000
    train_split: Annotated[float, Float(above=0, below=1)] = 0.8
    template_len: int = _TEMPLATE_LENGTH
    padding: tuple[int, int] = (36, 60)
    scale_coeff: _Strength = 0.4
    max_translation: Annotated[int, Integer(1, _LARGEST_TRANSLATION)] = 48
    corr_noise_scale: _Strength = 0.25
    iid_noise_scale: _Strength = 0.02
    shear_scale: _Strength = 0.75
    shuffle_seq: bool = False
    final_seq_length: Annotated[int, Integer(2, _LARGEST_SIZE)] = 40
    seed: Seed = 42
    train: _PartSize | None = None
    validation: Annotated[int, Integer(0, _LARGEST_SIZE)] = 0
    test: _PartSize | None = None
    classes: tuple[int, ...] | None = None
    class_proportions: tuple[float, ...] | None = None
    stratified: bool = False
    label_noise: Annotated[float, Float(least=0, most=1)] = 0.0
    label_noise_kind: Annotated[str, OneOf("symmetric", "other", "published")] = "symmetric"
    positions: str | tuple[int, ...] = "original"
    positions_seed: Seed | None = None
    templates: tuple[tuple[float, ...], ...] | None = None
    class_names: tuple[str, ...] | None = None
    shifted_tests: tuple[Shift, ...] = field(default=())
    dtype: str = "float64"
    channel_axis: bool = False

    PUBLISHED: ClassVar[tuple[str, ...]] = (
        "num_samples",
        "train_split",
        "template_len",
        "padding",
        "scale_coeff",
        "max_translation",
        "corr_noise_scale",
        "iid_noise_scale",
        "shear_scale",
        "shuffle_seq",
        "final_seq_length",
        "seed",
    )
    """Names of the parameters that the published package has."""

    def __post_init__(self) -> None:
        self._check_templates()
        self._set("padding", checks.padding(self.padding, _LARGEST_SIZE - self.template_len))
        self._check_classes()
        self._check_sizes()
        self._check_form()
        self._check_shifted_tests()

    def _check_templates(self) -> None:
        heights: Any = self.templates
        field, names = "class_names", self.class_names
        if isinstance(heights, Mapping):
            if names is not None:
                raise ValueError("class_names must be left out if templates are given by name")
            field, names, heights = "names of templates", tuple(heights), list(heights.values())
        n_points = _TEMPLATE_LENGTH
        if heights is not None:
            checked = checks.heights(heights)
            n_points = len(checked[0])
            # An array compares element by element; one that is no integer is refused below.
            length: Any = self.template_len
            if checks.is_integer(length) and length == _TEMPLATE_LENGTH:
                self._set("template_len", n_points)
            self._set("templates", checked)
        self._set(
            "template_len", checks.integer("template_len", self.template_len, n_points, n_points)
        )
        if names is not None:
            self._set("class_names", checks.different_texts(field, names, self.n_classes))

    def _check_classes(self) -> None:
        if self.classes is not None:
            wanted = f"labels from 0 to {self.n_classes - 1}, each once"
            values = checks.sequence("classes", self.classes, wanted)
            checked = tuple(
                checks.integer(f"classes[{i}]", value, 0, self.n_classes - 1)
                for i, value in enumerate(values)
            )
            if not checked or len(set(checked)) < len(checked):
                raise ValueError(f"classes must be {wanted}, not {checks.shown(self.classes)}")
            self._set("classes", checked)
        if self.class_proportions is not None:
            n = len(self.labels)
            wanted = f"{n} positive numbers, one per class"
            values = checks.sequence("class_proportions", self.class_proportions, wanted)
            shares = tuple(
                checks.strength(f"class_proportions[{i}]", value)
                for i, value in enumerate(islice(values, n))
            )
            if len(values) != n or min(shares) <= 0:
                given = checks.shown(self.class_proportions)
                raise ValueError(f"class_proportions must be {wanted}, not {given}")
            self._set("class_proportions", shares)
        if self.label_noise and self.label_noise_kind == "other" and len(self.labels) < 2:
            raise ValueError("label_noise of the kind 'other' must have two classes or more")

    def _check_sizes(self) -> None:
        lowest = len(self.labels)
        self._set(
            "num_samples", checks.integer("num_samples", self.num_samples, lowest, _LARGEST_SIZE)
        )
        if self._counted:
            self._check_counts(lowest)
        elif not 0 < self._n_split < self.n_samples:
            raise ValueError(
                f"train_split={self.train_split!r} leaves {self._n_split} of the "
                f"{self.n_samples} samples for training (num_samples={self.num_samples}); both "
                "parts need at least one sample"
            )
        elif self.n_train < 1:
            raise ValueError(
                f"validation={self.validation} leaves {self.n_train} of the {self._n_split} "
                "samples on the training side for training; it needs at least one"
            )
        smallest = min(self.class_sizes)
        if smallest < 1:
            label = self.labels[self.class_sizes.index(smallest)]
            raise ValueError(
                f"class_proportions leaves no sample for class {label} among {self.n_samples}; "
                "make it larger, or leave the class out of `classes`"
            )

    def _check_counts(self, lowest: int) -> None:
        """Check sizes given as counts, which exclude `num_samples` and `train_split`."""
        for name in ("train", "test"):
            if getattr(self, name) is None:
                other = "test" if name == "train" else "train"
                raise ValueError(f"{other} must come together with {name}, the size of that part")
        if not lowest <= self.n_samples <= _LARGEST_SIZE:
            raise ValueError(
                f"train, validation and test must sum to at least {lowest}, one per class, and at "
                f"most {_LARGEST_SIZE}, not {self.n_samples}"
            )
        for name in ("num_samples", "train_split"):
            if getattr(self, name) != _default(name):
                raise ValueError(
                    f"{name} must be left out if train and test are given, not {name}="
                    f"{getattr(self, name)!r}"
                )

    def _check_form(self) -> None:
        if isinstance(self.positions, str):
            self._set("positions", checks.one_of("positions", self.positions, _POSITIONS))
        else:
            self._set("positions", checks.permutation(self.positions, self.final_seq_length))
        if self.positions == "chunked" and self.final_seq_length % 4:
            raise ValueError(
                "positions must not be 'chunked' (four equal blocks) with "
                f"final_seq_length={self.final_seq_length}, which 4 does not divide"
            )
        if self.shuffle_seq and self.positions != "original":
            raise ValueError(
                "shuffle_seq must be False if positions are given; both set the order of the points"
            )
        self._set("dtype", checks.float_type(self.dtype))

    def _check_shifted_tests(self) -> None:
        given = self.shifted_tests
        if isinstance(given, Mapping):
            shifts = [named_shift(name, changes) for name, changes in given.items()]
        else:
            wanted = "a mapping from names to changed parameters"
            values = checks.sequence("shifted_tests", given, wanted)
            if not all(isinstance(shift, Shift) for shift in values):
                raise TypeError(f"shifted_tests must be {wanted}, not {checks.typed(given)}")
            shifts = list(values)
        for shift in shifts:
            check_name(shift.name)
        names = [shift.name.lower() for shift in shifts]
        if len(set(names)) < len(names):
            raise ValueError(
                f"shifted_tests must have names of their own, not {checks.shown(names)}"
            )
        object.__setattr__(self, "shifted_tests", ())
        checked = tuple(self._checked_shift(shift) for shift in shifts)
        self._set("shifted_tests", checked)

    def _checked_shift(self, shift: Shift) -> Shift:
        """Return the shift with its values as a configuration stores them."""
        try:
            config = self.replace(**shift.changes)
        except (TypeError, ValueError) as error:
            raise type(error)(f"shifted_tests[{shift.name!r}]: {error}") from None
        return replace(shift, **{name: getattr(config, name) for name in shift.changes})

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"DatasetConfig({', '.join(self.differences())})"

    def differences(self, other: Self | None = None) -> list[str]:
        """Return the parameters that differ from those of another configuration, as text.

        Args:
            other: the configuration to compare with; the published one if omitted.

        >>> DatasetConfig(seed=7, iid_noise_scale=0).differences()
        ['iid_noise_scale=0.0', 'seed=7']
        """
        other = other or type(self)()
        return [
            f"{known.name}={_brief(known.name, getattr(self, known.name))}"
            for known in fields(self)
            if getattr(self, known.name) != getattr(other, known.name)
        ]

    def replace(self, **changes: Any) -> Self:
        """Return the configuration with other values for some parameters.

        Unlike `dataclasses.replace`, it resets parameters that a new value makes obsolete:
        `num_samples` and `train_split` where sizes are given as counts and the reverse;
        `template_len` and `class_names` where templates are given; `positions` where `shuffle_seq`
        is set and the reverse.

        Args:
            **changes: parameters and their new values.

        Raises:
            TypeError: if a parameter is unknown (the nearest real one is named) or a value of the
                wrong type.
            ValueError: if a value is out of range or contradicts another one.

        >>> DatasetConfig(num_samples=100).replace(train=500, test=100)
        DatasetConfig(train=500, test=100)
        >>> DatasetConfig().replace(sead=7)
        Traceback (most recent call last):
            ...
        TypeError: unknown parameter 'sead'; did you mean 'seed'?
        """
        check_known(changes)
        counts = any(changes.get(name) is not None for name in ("train", "test"))
        obsolete: tuple[str, ...] = ()
        if counts:
            obsolete = ("num_samples", "train_split")
        elif "num_samples" in changes or "train_split" in changes:
            obsolete = ("train", "test")
        if "templates" in changes:
            obsolete = (*obsolete, "template_len", "class_names")
        # An array of positions cannot be compared with a text.
        positions = changes.get("positions", "original")
        if "shuffle_seq" in changes and checks.truth("shuffle_seq", changes["shuffle_seq"]):
            obsolete = (*obsolete, "positions")
        elif not isinstance(positions, str) or positions != "original":
            obsolete = (*obsolete, "shuffle_seq")
        return replace(self, **{name: _default(name) for name in obsolete} | changes)

    def to_dict(self) -> dict[str, Any]:
        """Return all parameters in the types of JSON; `stratified` only if it is True.

        >>> json.dumps(DatasetConfig(classes=(3, 8)).to_dict())[:42]
        '{"num_samples": 5000, "train_split": 0.8, '
        """
        values = {known.name: getattr(self, known.name) for known in fields(self)}
        values["shifted_tests"] = {shift.name: shift.changes for shift in self.shifted_tests}
        if not self.stratified:  # what was stored before there was the parameter is still found
            del values["stratified"]
        # Tuples become lists, at every depth; floats come back to the last bit.
        return json.loads(json.dumps(values))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the configuration that `to_dict` was called on.

        Args:
            values: parameters by name; those left out have their defaults.

        Raises:
            TypeError: if it is no mapping, a parameter is unknown or a value of the wrong type.
            ValueError: if a value is out of range or contradicts another one.

        >>> config = DatasetConfig(seed=7, shifted_tests={"still": {"max_translation": 1}})
        >>> DatasetConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
        True
        """
        if not isinstance(values, Mapping):
            raise TypeError(f"a configuration must be a mapping, not {checks.typed(values)}")
        check_known(values)
        return cls(**values)

    @property
    def n_classes(self) -> int:
        """Number of templates; labels are below it, also where `classes` leaves some out."""
        return 10 if self.templates is None else len(self.templates)

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels that occur, in the order of generation."""
        return tuple(range(self.n_classes)) if self.classes is None else self.classes

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of all classes, by label, also of those that do not occur."""
        return self.class_names or tuple(str(label) for label in range(self.n_classes))

    @property
    def class_sizes(self) -> tuple[int, ...]:
        """Samples of each class in all parts together, in the order of `labels`."""
        shares = self.class_proportions or (1.0,) * len(self.labels)
        return apportion(self.n_samples, shares)

    @property
    def n_samples(self) -> int:
        """Samples in all parts together; by `num_samples`, after the remainder is dropped."""
        if self.train is not None and self.test is not None:
            return self.train + self.validation + self.test
        if self.class_proportions is not None:
            return self.num_samples
        n_labels = len(self.labels)
        return self.num_samples // n_labels * n_labels

    @property
    def n_train(self) -> int:
        """Samples in the training part."""
        return self._n_split - self.validation if self.train is None else self.train

    @property
    def n_validation(self) -> int:
        """Samples in the validation part."""
        return self.validation

    @property
    def n_test(self) -> int:
        """Samples in the test part, and in every shifted test set."""
        return self.n_samples - self.n_train - self.validation

    @property
    def stretched_length(self) -> int:
        """Points of a signal between stretching and the final resampling, 72 by default."""
        return self.template_len + self.padding[1]

    @property
    def _counted(self) -> bool:
        return self.train is not None or self.test is not None

    @property
    def _n_split(self) -> int:
        return int(self.n_samples * self.train_split)

    def class_templates(self) -> Templates:
        """Return the clean signals of all classes, in new arrays.

        >>> DatasetConfig(templates=[[0, 1, 0], [0, -1, 0]]).class_templates().y
        array([0, 1])
        """
        return digit_templates() if self.templates is None else own_templates(self.templates)


def apportion(n: int, shares: tuple[float, ...]) -> tuple[int, ...]:
    """Divide a number of samples in given proportions, by the largest remainder.

    >>> apportion(10, (1, 1, 1))
    (4, 3, 3)
    """
    if len(set(shares)) == 1:
        whole, rest = divmod(n, len(shares))
        return tuple(whole + (i < rest) for i in range(len(shares)))
    # Exact, so that numbers that sum to n are met and equal remainders go to the first ones.
    exact = [*map(import_module("fractions").Fraction, shares)]
    total = sum(exact)
    quotas = [n * share / total for share in exact]
    sizes = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(sizes)), key=lambda i: (sizes[i] - quotas[i], i))
    for i in by_remainder[: n - sum(sizes)]:
        sizes[i] += 1
    return tuple(sizes)


def check_known(parameters: Mapping[str, Any]) -> None:
    """Refuse names that no parameter has."""
    if "preset" in parameters:
        name = checks.shown(parameters["preset"])
        raise TypeError(f"unknown parameter 'preset'; mnist1d.preset({name}) is a configuration")
    checks.known_names(parameters, [known.name for known in fields(DatasetConfig)])


def _default(name: str) -> Any:
    return next(known.default for known in fields(DatasetConfig) if known.name == name)


def _brief(name: str, value: Any) -> str:
    """Return a value as a short text."""
    if name == "templates" and value is not None:
        return f"<{len(value)} of {len(value[0])} points>"
    if name == "shifted_tests":
        return repr({shift.name: shift.changes for shift in value})
    return checks.shortened(repr(value))

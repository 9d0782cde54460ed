"""The settings of a run, by what they are about. Config is all of them; they are the command line's flags in groups."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class DataSettings:
    """Data and what is done to them before a step."""

    data: str = "digits"
    """path to your .csv, .tsv, .parquet, .npz or .h5 file, or to a folder of .npy files, text:FILE, or a set's name"""
    tokens: str | None = None
    """of text: char (where not given), word, or path/to/file.py:NAME"""
    length: int | None = None
    """of text: tokens of a window (128 where not given)"""
    encoding: str | None = None
    """of text, if not utf-8"""
    target: tuple[str, ...] | None = None
    """column to be learned, or several, by name or number (from 0); else label, class, target, y or the last one"""
    task: Literal["classification", "regression", "places"] | None = None
    """classes or amounts, where the target's values could be either; places: one at each place"""
    features: tuple[str, ...] | None = None
    """columns that are used (else all but the target), or the array in place of x"""
    drop: tuple[str, ...] | None = None
    """columns that are left out"""
    sample_weights: str | None = None
    """the column or the array that says how much each training sample counts"""
    class_weights: str | dict[str, float] | None = None
    """of classes: balanced, a TOML or CSV file of them, or these (no 1 yes 4)"""
    missing: Literal["mean", "median", "drop"] | None = None
    """missing values: each feature's mean or median over the training samples, or rows dropped (else refused)"""
    scaling: str = "none"
    """unit brings all training data to 0..1, minmax each feature; standard each to mean 0, deviation 1, channel each
    channel of images; zca whitens; rows: sums of 1"""
    zca_eps: float | None = None
    """zca: added to each variance, a share of their mean (0.1 where not given)"""
    augment: tuple[str, ...] | None = None
    """random changes of training images, anew in each epoch: flip turns left and right about, crop 4 shifts by up to
    4"""
    target_scaling: str = "none"
    """none, or standard: real targets are trained with mean 0 and deviation 1 per output, which predict undoes"""
    test_fraction: float | None = None
    """share held out of a file without a test part (else 0.2, of a text 0.1)"""
    validation: float = 0.0
    """share of the training samples held out for validation"""
    blind: bool = False
    """never look at the test samples"""
    samples: int | None = None
    """training samples that are used, of each class its share (else all)"""
    stream: Literal["auto", "always", "never"] = "auto"
    """whether data stay in their file (auto: if too large)"""
    stream_block: int | None = None
    """samples that stream side by side (about a MiB where not given)"""
    label_noise: float = 0.0
    """share of the training labels that become random ones"""
    input_noise: float = 0.0
    """deviation of normal-like noise on each training input"""


@dataclass(frozen=True)
class NetSettings:
    """The net, its rule and its start."""

    rule: str = "dfa"
    """learning rule (gpufa rules tells of all), or path/to/file.py:MyRule"""
    rule_options: dict[str, Any] = field(default_factory=dict)
    hidden: tuple[int, ...] | None = None
    """units of the hidden layers, in numbers with spaces between them"""
    activation: tuple[str, ...] | None = None
    """of the hidden layers, one for all or one each"""
    layers: tuple[str, ...] | None = None
    """hidden blocks in words, such as "dense 64 tanh, dropout 0.5" (gpufa layers tells of all), in place of --hidden,
    --activation, --residual and --dropout"""
    parts: tuple[Any, ...] = ()
    """activations, losses, initialisers, optimizers and schedules of your own, known by their names to all settings:
    path/to/file.py:NAME"""
    loss: str | None = None
    """of the output; squared_error for real targets where not given"""
    init: tuple[str, ...] | None = None
    """law of the initial weights, one for all or one per matrix; nokland and nokland_code are zeros or uniform, as in
    Nokland's paper or code"""
    init_scale: float | None = None
    """range or deviation of all initial weights, in place of --init's own"""
    start: str | None = None
    """a run's folder or a checkpoint of the same net, rule and seeds, whose weights and feedback are the start"""
    dropout: float = 0.0
    """probability that a hidden unit is dropped"""
    input_dropout: float = 0.0
    """probability that an input is dropped"""
    residual: bool = False
    """skip connections: a hidden layer as wide as the one below adds what that one sent to its own activity"""
    depth_drop: float = 0.0
    """probability that a residual layer is dropped for a step (stochastic depth)"""
    seeds: tuple[int, ...] = (0, 1, 2)
    """one network per seed, all trained at once, along a leading axis"""


@dataclass(frozen=True)
class UpdateSettings:
    """How the weights are updated, and on which samples."""

    optimizer: str | None = None
    """how a gradient changes the weights"""
    lr: float | None = None
    """learning rate"""
    layer_lr: tuple[float, ...] = ()
    """a learning rate for each layer, in place of --lr"""
    weight_decay: float | None = None
    """strength of the weight decay"""
    decay: Literal["l2", "decoupled", "shift"] | None = None
    """l2: added to the gradient; decoupled: taken off the weights (adamw's default); shift: a constant taken off"""
    decay_on: Literal["all", "matrices"] = "all"
    """what weight decay acts on: with matrices neither biases nor norms"""
    momentum: float | None = None
    """momentum, or Adam's beta1"""
    beta2: float | None = None
    """RMSprop's alpha, or Adam's beta2"""
    eps: float | None = None
    """added to the root of RMSprop and Adam"""
    clip: float | None = None
    """largest norm of a gradient; longer ones are scaled down to it"""
    gradient: Literal["mean", "sum"] = "mean"
    """averaged or summed over the batch"""
    schedule: str = "constant"
    """of the learning rate"""
    schedule_every: int = 10
    """step schedule: epochs between two steps"""
    schedule_at: tuple[int, ...] = ()
    """step schedule: epochs after which it steps, not --schedule-every"""
    schedule_gamma: float = 0.5
    """step schedule: factor at each step"""
    schedule_epochs: int | None = None
    """cosine schedule: epochs until the rate is 0 (else --epochs)"""
    warmup: int = 0
    """steps over which the learning rate rises from zero"""
    batch_size: int | None = None
    """samples per update"""
    calibrate: int = 0
    """epochs between two batches of true backprop, 0 for none"""
    freeze: tuple[int, ...] = ()
    """layers that keep their initial weights, counted from 1"""
    adversarial: float = 0.0
    """size in x + size * sign(dL/dx), dL/dx by true backprop"""
    adversarial_mix: Literal["only", "beside"] = "only"
    """train on the perturbed samples only, or on them beside the clean ones"""


@dataclass(frozen=True)
class LengthSettings:
    """How long is trained."""

    epochs: int | None = None
    """passes over the training data, at most"""
    patience: int = 0
    """epochs without a better validation error that stop a seed"""
    keep: Literal["best", "last"] | None = None
    """weights that each seed is left with: those of its best epoch by the validation part, or its last (best with
    --patience, else last)"""
    stop_train_error: float | None = None
    """stop a seed when the exponential mean (0.75) of its running training error is at most this, in percent"""


@dataclass(frozen=True)
class PlaceSettings:
    """Where and in which numbers."""

    backend: Literal["auto", "numpy", "cupy"] = "auto"
    """auto: the GPU where one works"""
    device: int = 0
    """which GPU, counted from 0"""
    dtype: Literal["float32", "float64"] = "float32"
    """type of all numbers"""
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"
    """on a GPU: tf32 does products with 10 bits of mantissa; bf16 also trains on activity kept in bfloat16"""
    feedback: Literal["stored", "procedural"] = "stored"
    """stored matrices, or procedural: made of the seed wherever they are used, and no part of a checkpoint"""
    overlap: bool = False
    """with --parallel layers: blocks run ahead of what they have learnt"""


@dataclass(frozen=True)
class RecordSettings:
    """What is measured and kept."""

    probe_every: int = 0
    """steps between two probes of the angles, 0 for once an epoch"""
    probe_samples: int = 256
    """training samples on which the angles are measured"""
    checkpoint_every: int = 1
    """epochs between two checkpoints, more where saves take long"""
    out: str | None = None
    """the run's folder (else runs/<data>-<rule>, numbered where that is taken)"""


SETTINGS = DataSettings, NetSettings, UpdateSettings, LengthSettings, PlaceSettings, RecordSettings

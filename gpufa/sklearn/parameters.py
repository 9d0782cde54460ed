"""The parameters of the estimators: made by `python tests/signatures.py`, not by hand."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from ..functions.activations import Activation
from ..net.learning.rule import Rule


@dataclass(eq=False, repr=False)
class Parameters:
    """
    hidden_layer_sizes   units of the hidden layers
    activation           of the hidden layers, one for all or one each
    rule                 learning rule (`gpufa rules` tells of all), path/to/file.py:MyRule, a gpufa.Rule or a class
                         of them
    rule_options         options of a rule that is given by its name
    layers               hidden blocks in words, such as "dense 64 tanh, dropout 0.5" (gpufa layers tells of all),
                         in place of hidden_layer_sizes, activation, residual and dropout
    solver               MLPClassifier's, in place of `optimizer`: adam, or sgd with its momentum, 0.9 by Nesterov
                         where not given
    alpha                L2 penalty alpha / 2 |W|^2 over the samples of a batch, in place of `weight_decay`
    learning_rate        constant; other courses are those of `schedule`
    power_t              without effect, as in MLPClassifier where learning_rate is constant
    shuffle              true: samples are in a new order in each epoch
    random_state         the seed; of several nets the first one's, from which the others count up; a RandomState or
                         None draws them
    tol                  by how much an epoch has to be better to be one of improvement
    verbose              whether fit shows a progress bar, or lines, on stderr
    warm_start           whether fit begins with the weights that the last fit has left
    nesterovs_momentum   of solver sgd; true where not given
    early_stopping       hold out validation_fraction of the samples, stop by their score, and keep the weights of
                         the best epoch
    validation_fraction  share of the samples that early_stopping holds out
    beta_1               of solver adam; 0.9 where not given
    n_iter_no_change     epochs in a row, at most, without improvement of the training loss, or of the score of
                         early_stopping
    max_fun              without effect, as in MLPClassifier with adam and sgd
    class_weight         of the classifier: how much each class counts, balanced, a file, or weights by class, those
                         left out being 1
    missing              what NaN in X becomes: each feature's mean or median over the training samples; refused
                         where not given
    scaling              unit brings all training data to 0..1, minmax each feature; standard each to mean 0,
                         deviation 1, channel each channel of images; zca whitens; rows: sums of 1
    zca_eps              zca: added to each variance, a share of their mean (0.1 where not given)
    augment              random changes of training images, anew in each epoch: flip turns left and right about,
                         crop 4 shifts by up to 4
    target_scaling       none, or standard: real targets are trained with mean 0 and deviation 1 per output, which
                         predict undoes
    validation           share of the training samples held out for validation
    samples              training samples that are used, of each class its share (else all)
    label_noise          share of the training labels that become random ones
    input_noise          deviation of normal-like noise on each training input
    parts                activations, losses, initialisers, optimizers and schedules of your own, known by their
                         names to all settings: path/to/file.py:NAME
    loss                 of the output; squared_error for real targets where not given
    init                 law of the initial weights, one for all or one per matrix; nokland and nokland_code are
                         zeros or uniform, as in Nokland's paper or code
    init_scale           range or deviation of all initial weights, in place of init's own
    start                a run's folder or a checkpoint of the same net, rule and seeds, whose weights and feedback
                         are the start
    dropout              probability that a hidden unit is dropped
    input_dropout        probability that an input is dropped
    residual             skip connections: a hidden layer as wide as the one below adds what that one sent to its
                         own activity
    depth_drop           probability that a residual layer is dropped for a step (stochastic depth)
    seeds                how many nets, an ensemble trained at once, or the seed of each in place of random_state
    optimizer            how a gradient changes the weights
    learning_rate_init   learning rate
    layer_lr             a learning rate for each layer, in place of learning_rate_init
    weight_decay         strength of the weight decay
    decay                l2: added to the gradient; decoupled: taken off the weights (adamw's default); shift: a
                         constant taken off
    decay_on             what weight decay acts on: with matrices neither biases nor norms
    momentum             momentum; of an optimizer that is given as `optimizer` also Adam's beta1
    beta_2               RMSprop's alpha, or Adam's beta2
    epsilon              added to the root of RMSprop and Adam
    clip                 largest norm of a gradient; longer ones are scaled down to it
    gradient             averaged or summed over the batch
    schedule             of the learning rate
    schedule_every       step schedule: epochs between two steps
    schedule_at          step schedule: epochs after which it steps, not schedule_every
    schedule_gamma       step schedule: factor at each step
    schedule_epochs      cosine schedule: epochs until the rate is 0 (else max_iter)
    warmup               steps over which the learning rate rises from zero
    batch_size           samples per update; auto is the least of 200 and all of them
    calibrate            epochs between two batches of true backprop, 0 for none
    freeze               layers that keep their initial weights, counted from 1
    adversarial          size in x + size * sign(dL/dx), dL/dx by true backprop
    adversarial_mix      train on the perturbed samples only, or on them beside the clean ones
    max_iter             passes over the training data, at most
    patience             epochs without a better validation error that stop a seed
    keep                 weights that each seed is left with: those of its best epoch by the validation part, or its
                         last (best with patience, else last)
    stop_train_error     stop a seed when the exponential mean (0.75) of its running training error is at most this,
                         in percent
    backend              auto: the GPU where one works
    device               which GPU, counted from 0
    dtype                type of all numbers; where not given the one that holds X's
    precision            on a GPU: tf32 does products with 10 bits of mantissa; bf16 also trains on activity kept in
                         bfloat16
    feedback             stored matrices, or procedural: made of the seed wherever they are used, and no part of a
                         checkpoint
    probe_every          steps between two probes of the angles, 0 for once an epoch
    probe_samples        training samples on which the angles are measured
    checkpoint_every     epochs between two checkpoints, more where saves take long
    out                  a folder in which fit keeps its run, as gpufa.train does
    """

    hidden_layer_sizes: int | Sequence[int] | None = None
    activation: str | Activation | Sequence[str | Activation] | None = None
    _: KW_ONLY
    rule: str | Rule | type[Rule] = "dfa"
    rule_options: dict[str, Any] | None = None
    layers: Sequence[str] | None = None
    solver: Literal["adam", "sgd"] | None = None
    alpha: float | None = None
    learning_rate: Literal["constant"] = "constant"
    power_t: float = 0.5
    shuffle: bool = True
    random_state: Any = None
    tol: float = 0.0001
    verbose: bool = False
    warm_start: bool = False
    nesterovs_momentum: bool | None = None
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float | None = None
    n_iter_no_change: float = 10
    max_fun: int = 15000
    class_weight: str | dict[Any, float] | None = None
    missing: Literal["mean", "median"] | None = None
    scaling: str = "none"
    zca_eps: float | None = None
    augment: Sequence[str] | None = None
    target_scaling: str = "none"
    validation: float = 0.0
    samples: int | None = None
    label_noise: float = 0.0
    input_noise: float = 0.0
    parts: Sequence[Any] = ()
    loss: str | None = None
    init: Sequence[str] | None = None
    init_scale: float | None = None
    start: str | None = None
    dropout: float = 0.0
    input_dropout: float = 0.0
    residual: bool = False
    depth_drop: float = 0.0
    seeds: int | Sequence[int] | None = None
    optimizer: str | None = None
    learning_rate_init: float | None = None
    layer_lr: Sequence[float] = ()
    weight_decay: float | None = None
    decay: Literal["l2", "decoupled", "shift"] | None = None
    decay_on: Literal["all", "matrices"] = "all"
    momentum: float | None = None
    beta_2: float | None = None
    epsilon: float | None = None
    clip: float | None = None
    gradient: Literal["mean", "sum"] = "mean"
    schedule: str = "constant"
    schedule_every: int = 10
    schedule_at: Sequence[int] = ()
    schedule_gamma: float = 0.5
    schedule_epochs: int | None = None
    warmup: int = 0
    batch_size: int | Literal["auto"] | None = None
    calibrate: int = 0
    freeze: Sequence[int] = ()
    adversarial: float = 0.0
    adversarial_mix: Literal["only", "beside"] = "only"
    max_iter: int | None = None
    patience: int = 0
    keep: Literal["best", "last"] | None = None
    stop_train_error: float | None = None
    backend: Literal["auto", "numpy", "cupy"] = "auto"
    device: int = 0
    dtype: Literal["float32", "float64"] | None = None
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"
    feedback: Literal["stored", "procedural"] = "stored"
    probe_every: int = 0
    probe_samples: int = 256
    checkpoint_every: int = 1
    out: str | None = None

"""What is timed: nets, batches and who takes part."""

import re
from dataclasses import dataclass, replace

from gpufa.rules import RULES as ALL_RULES

OURS = "gpufa dfa", "gpufa fa", "gpufa bp", "bare products dfa", "bare products bp"
TORCH = "torch bp", "torch bp foreach", "torch bp fused", "torch bp compiled", "torch dfa", "torch dfa compiled"
SKLEARN = "sklearn bp", "feedbackclassifier bp", "feedbackclassifier dfa"
JAX = "jax bp", "jax dfa"
PEERS = (*TORCH, *JAX, *SKLEARN, "biotorch dfa")
FLOOR = "gpufa dfa", "bare products dfa"
MAPS = (
    *("gpufa dfa", "gpufa fa", "gpufa bp"),
    *("torch bp", "torch bp compiled", "torch bp channels last", "torch bp channels last, compiled"),
    *("torch dfa", "torch dfa channels last", "torch dfa compiled"),
    *("jax bp", "jax dfa", "biotorch fa", "biotorch dfa", "drtp dfa", "drtp drtp"),
)
TOKENS = (
    *("gpufa dfa", "gpufa fa", "gpufa bp", "bare products dfa", "bare products bp"),
    *("torch bp", "torch bp compiled", "torch dfa", "torch dfa compiled", "jax bp", "jax dfa"),
)
ON_GPU = (*OURS, *TORCH, *JAX, "biotorch dfa")
MAPS_ON_GPU = (
    *("gpufa dfa", "gpufa bp", "torch bp", "torch bp compiled", "torch bp channels last"),
    *("torch dfa", "torch dfa compiled", "jax bp", "jax dfa"),
)
SMALL = 8  # channels of a small net, and its samples in a batch


@dataclass(frozen=True)
class Work:
    """One net and batch size: the `sizes` of dense layers of tanh, or else `layers` in gpufa's words, from the input to
    the outputs. `replicas` nets are trained at once by gpufa alone; `precision` is for GPUs."""

    name: str
    sizes: tuple[int, ...] = ()
    batch: int = 64
    optimizer: str = "sgd"
    replicas: int = 1
    precision: str = "fp32"
    contenders: tuple[str, ...] = (*OURS, *PEERS)
    steps: int = 1  # at a time, where one alone is too short to be timed
    layers: tuple[str, ...] = ()
    dtype: str = "float32"
    checked: str = "float32"  # in what contenders are compared: rounding turns units of relu over, and pools' choices

    @property
    def kind(self) -> str:
        """ "dense", "layered", or "tokens"."""
        return "dense" if not self.layers else "tokens" if self.layers[0].startswith("tokens") else "layered"

    @property
    def quick(self) -> "Work":
        """A small net of the same kind, for a test of the script itself."""
        sizes = tuple(min(n, 20) for n in self.sizes[:4]) + self.sizes[-1:]
        hidden = tuple(COUNTS.sub(lambda found: f"{found[1]} {min(int(found[2]), SMALL)}", w) for w in self.layers[:-1])
        return replace(
            self,
            sizes=sizes,
            batch=min(self.batch, SMALL),
            replicas=min(self.replicas, 2),
            precision="fp32",
            steps=1,
            layers=hidden + self.layers[-1:],
        )


COUNTS = re.compile(r"(conv|dense|shortcut|embed|tokens) (\d+)")
LENET = (
    *("input 1x32x32", "conv 6 5x5 pad valid relu, pool 2", "conv 16 5x5 pad valid relu, pool 2"),
    *("conv 120 5x5 pad valid relu", "dense 84 relu", "dense 10"),
)
LENET_CIFAR = (
    *("input 3x32x32", "conv 32 3x3 pad valid relu, pool 2", "conv 64 3x3 pad valid relu, pool 2"),
    *("conv 128 3x3 pad valid relu, global mean", "dense 256 relu", "dense 10"),
)
NOKLAND = (
    *("input 3x32x32", "conv 96 5x5 tanh, pool 3 stride 2", "conv 128 5x5 tanh, pool 3 stride 2"),
    *("conv 256 5x5 tanh, pool 3 stride 2", "dense 2048 tanh", "dense 2048 tanh", "dense 10"),
)
VGG = (
    *("input 3x32x32", "conv 64 3x3 relu", "conv 128 3x3 relu, pool 2", "conv 128 3x3 relu"),
    *("conv 256 3x3 relu, pool 2", "conv 256 3x3 relu, pool 2", "conv 256 3x3 relu, pool 2", "dense 512 relu"),
    "dense 10",
)


def _resnet(n: int, below: int) -> str:
    """A block of He's with n channels, on `below`, in half as many places where these are fewer."""
    first, beside = (" stride 2", f" | shortcut {n} stride 2") if below < n else ("", "")
    return f"residual(conv {n} 3x3{first} nobias, batch norm, relu, conv {n} 3x3 nobias, batch norm{beside}), relu"


RESNET20 = (
    *("input 3x32x32", "conv 16 3x3 nobias, batch norm, relu"),
    *(_resnet(16, 16), _resnet(16, 16), _resnet(16, 16)),
    *(_resnet(32, 16), _resnet(32, 32), _resnet(32, 32)),
    *(_resnet(64, 32), _resnet(64, 64), f"{_resnet(64, 64)}, global mean", "dense 10"),
)
PART = "residual(layer norm, attention 8 causal), residual(layer norm, dense 1024 gelu, dense 256)"
TRANSFORMER = "tokens 128 of 65", f"embed 256, positions, {PART}", *[PART] * 5, "dense 65"

CPU = (
    Work("784-800-800-10, batch 64", (784, 800, 800, 10)),
    Work("784-800-800-10, batch 256", (784, 800, 800, 10), 256),
    Work("784-[240]x7-10, batch 64", (784, *[240] * 7, 10)),
    Work("784-[240]x100-10, batch 64", (784, *[240] * 100, 10)),
    Work("784-[800]x4-10, batch 64", (784, *[800] * 4, 10)),
    Work("3072-[1000]x3-10, batch 64", (3072, *[1000] * 3, 10)),
    Work("1024-[2048]x4-10, batch 512", (1024, *[2048] * 4, 10), 512),
    Work("784-800-800-10, batch 64, RMSprop", (784, 800, 800, 10), optimizer="rmsprop"),
    Work("784-800-800-10, batch 64, Adam", (784, 800, 800, 10), optimizer="adam"),
    Work("784-240-240-10, batch 64, one net", (784, 240, 240, 10), contenders=FLOOR),
    Work("784-240-240-10, batch 64, 10 replicas", (784, 240, 240, 10), replicas=10, contenders=FLOOR),
    Work("LeNet, batch 64", layers=LENET, contenders=MAPS),
    Work("LeNet-CIFAR, batch 128", layers=LENET_CIFAR, batch=128, contenders=MAPS),
    Work("Nøkland's CIFAR net, batch 64", layers=NOKLAND, contenders=MAPS, checked="float64"),
    Work("VGG8, half as wide, batch 64", layers=VGG, contenders=MAPS),
    Work("ResNet-20, batch 64", layers=RESNET20, contenders=MAPS, checked="float64"),
    Work(
        "transformer of 6 blocks, d = 256, batch 32 of 128 characters", layers=TRANSFORMER, batch=32, contenders=TOKENS
    ),
)
RULES = Work("784-800-800-10, batch 64", (784, 800, 800, 10), contenders=tuple(f"gpufa {rule}" for rule in ALL_RULES))
GPU = (
    Work("784-800-800-10, batch 64", (784, 800, 800, 10), contenders=ON_GPU, steps=100),
    Work("784-[240]x100-10, batch 64", (784, *[240] * 100, 10), contenders=ON_GPU, steps=20),
    Work(
        "4096-[4096]x4-1000, batch 4096, TF32",
        (4096, *[4096] * 4, 1000),
        4096,
        precision="tf32",
        contenders=ON_GPU,
        steps=3,
    ),
    Work("784-800-800-10, batch 64, one net", (784, 800, 800, 10), contenders=FLOOR, steps=100),
    Work("784-800-800-10, batch 64, 10 replicas", (784, 800, 800, 10), replicas=10, contenders=FLOOR, steps=50),
    Work("784-800-800-10, batch 64, one epoch of 60,000", (784, 800, 800, 10), contenders=("gpufa dfa",), steps=938),
    Work("LeNet, batch 64", layers=LENET, contenders=MAPS_ON_GPU, steps=50),
    *(
        Work(f"{net}, batch 64{said}", (), 64, "sgd", 1, precision, MAPS_ON_GPU, 10, layers, checked="float64")
        for net, layers in (("Nøkland's CIFAR net", NOKLAND), ("ResNet-20", RESNET20))
        for precision, said in (("fp32", ""), ("tf32", ", TF32"))
    ),
    *(
        Work(
            f"transformer of 6 blocks, d = 256, batch 32 of 128 characters{said}",
            (),
            32,
            "sgd",
            1,
            precision,
            TOKENS,
            10,
            TRANSFORMER,
        )
        for precision, said in (("fp32", ""), ("tf32", ", TF32"))
    ),
)

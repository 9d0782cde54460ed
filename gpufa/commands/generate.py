"""The command that has a language model go on with a text."""

from pathlib import Path

from ..checkpoints import networks
from ..rules import find_rule
from ..runs import generation

OK = 0


def generate(
    run: Path,
    /,
    *,
    prompt: str,
    tokens: int = 200,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
    tokenizer: str | None = None,
    rule: str | None = None,
    parts: tuple[str, ...] = (),
    backend: str = "auto",
    device: int = 0,
) -> int:
    """Text that a net trained on text goes on with, behind the prompt.

    gpufa generate runs/mine --prompt "ROMEO:" --tokens 300 --temperature 0.8

    Args:
        run: a run's folder or a checkpoint
        prompt: what the text begins with
        tokens: how many more there are to be
        temperature: below 1 the probable tokens are the more so; 0 takes the most probable one
        top_k: only so many, the most probable, are ever drawn
        seed: of the draws
        tokenizer: path/to/file.py:NAME, where the text was made tokens by your own
        rule: path/to/file.py:MyRule, where the run was trained by a rule of your own
        parts: path/to/file.py:NAME of each activation, loss and so on of your own that it was trained with
        backend: auto, numpy or cupy
        device: which GPU, counted from 0
    """
    net = networks.load(run, backend, find_rule(rule) if rule else None, device, parts)
    print(prompt + generation.generate(net, prompt, tokens, temperature, top_k, seed, tokenizer))
    return OK

"""Records what PyTorch's own optimizers do, so that the tests need none: python record_torch_optimizers.py (torch 2.x).

Each case is 50 float64 steps on 40 parameters, with recorded random gradients and a learning rate that changes.
"""

from pathlib import Path

import numpy as np
import torch

STEPS, SIZE = 50, 40
CASES = {
    "sgd": (torch.optim.SGD, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "rmsprop": (torch.optim.RMSprop, {"alpha": 0.99, "eps": 1e-8}),
    "adam": (torch.optim.Adam, {"betas": (0.9, 0.999), "eps": 1e-8}),
    "adamw": (torch.optim.AdamW, {"betas": (0.9, 0.999), "eps": 1e-8}),
}

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=SIZE), rng.normal(size=(STEPS, SIZE))
    rates = 0.01 * (1 + np.cos(np.linspace(0, 3, STEPS)))
    recorded = {"start": start, "gradients": gradients, "rates": rates}
    for name, (optimizer, options) in CASES.items():
        for decay in (0.0, 0.1):
            p = torch.tensor(start, dtype=torch.float64, requires_grad=True)
            torch_optimizer = optimizer([p], lr=rates[0], weight_decay=decay, **options)
            path = []
            for g, rate in zip(gradients, rates, strict=True):
                torch_optimizer.param_groups[0]["lr"] = float(rate)
                p.grad = torch.tensor(g)
                torch_optimizer.step()
                path.append(p.detach().numpy().copy())
            recorded[f"{name}_{decay}"] = np.array(path)
    g = torch.tensor(gradients[0].copy(), requires_grad=True)
    g.grad = torch.tensor(gradients[0].copy())
    torch.nn.utils.clip_grad_norm_([g], 0.5)
    recorded["clipped"] = g.grad.numpy()
    np.savez_compressed(Path(__file__).with_name("torch_optimizers.npz"), **recorded)

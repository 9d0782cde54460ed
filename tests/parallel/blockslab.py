"""Runs whose blocks two processes hold, by name, for parallellab's program."""

import sys

from parallellab import ATTENTION, EVEN, MORE, ODD, RECURRENT, STEEP, TABLES, TOKENS, WORDS, main

DEEP = {"hidden": (8, 7, 9)}
CONV = "input 1x4x4", "conv 3 3x3 relu, pool 2", "dense 6 tanh"
NORMED = "input 1x4x4", "conv 3 3x3, batch norm, relu", "flatten, dense 6 tanh, dropout 0.2"
HELD = {
    "sgd": (DEEP | {"optimizer": "sgd", "lr": 0.05}, EVEN),
    "adam": (DEEP | {"optimizer": "adam", "lr": 3e-3, "weight_decay": 1e-3, "layer_lr": (1e-3, 2e-3, 3e-3, 4e-3)}, ODD),
    "drawn": (DEEP | {"dropout": 0.3, "input_dropout": 0.1, "input_noise": 0.2, "label_noise": 0.2}, ODD),
    "alike": ({"hidden": (8, 8, 8, 8), "freeze": (3,)}, EVEN),
    "procedural": (DEEP | {"feedback": "procedural", "rule": "drtp"}, EVEN),
    "bent": (DEEP | {"rule_options": {"nonlinearity": "mlp", "width": 5}}, EVEN),
    "sparse": (DEEP | {"rule_options": {"density": 0.5, "rank": 2}}, EVEN),
    "one-law": (DEEP | {"rule": "sdfa", "rule_options": {"shared": True}}, EVEN),
    "places": (WORDS | {"layers": (*CONV, "dense 5 tanh"), "rule_options": {"places": "shared"}}, EVEN),
    "norms": (WORDS | {"layers": (*NORMED, "dense 5 tanh")}, ODD),
    "patience": (DEEP | {"validation": 0.2, "patience": 1, "keep": "best", "epochs": 6, "lr": 0.2}, ODD),
    "diverged": (DEEP | {"activation": "relu", "optimizer": "sgd", "lr": 1e4}, EVEN),
    "weighed": (DEEP | {"class_weights": "balanced", "probe_every": 3}, ODD),
    "clipped": (DEEP | {"clip": 0.05, "freeze": (2,), "optimizer": "adam", "lr": 3e-3, "eps": 1e-3}, ODD),
    "calibrated": (DEEP | {"calibrate": 1, "optimizer": "sgd", "lr": 0.1, "dropout": 0.2}, ODD),
    "steep": (DEEP | STEEP, ODD),
    "recurrent": (WORDS | STEEP | {"layers": RECURRENT}, ODD),
    "attention": (WORDS | STEEP | {"layers": ATTENTION}, TOKENS),
    "calibrated-places": (WORDS | {"layers": (*CONV, "dense 5 tanh"), "calibrate": 2, "clip": 0.1}, EVEN),
}
REFUSED = {
    "2 hidden blocks can't be held by 3 processes": ({}, EVEN),
    "rule 'fa' sends into a block what comes from others than the output": (DEEP | {"rule": "fa"}, EVEN),
    "adversarial goes by the input's gradient": (DEEP | {"adversarial": 0.1}, EVEN),
    "clip goes by what one batch makes of all blocks": (DEEP | {"clip": 0.1, "overlap": True}, EVEN),
    "calibrate goes by what one batch makes of all blocks": (DEEP | {"calibrate": 1, "overlap": True}, EVEN),
    "skip connections between blocks can't lead from one process to another": (
        {"hidden": (8, 8, 8), "residual": True},
        EVEN,
    ),
}
OVERLAPPED = DEEP | {"overlap": True, "optimizer": "sgd", "lr": 0.05, "epochs": 1, "seeds": (0,), "init": ("uniform",)}
COPIED = {name: HELD[name] for name in ("adam", "drawn", "places", "patience", "clipped", "calibrated")}
MORE["copied"] = {"copies": 2}
TABLES |= {"copied": COPIED} | {"held": HELD, "not held": REFUSED, "overlapped": {"all": (OVERLAPPED, ODD)}}

if __name__ == "__main__":
    main(*sys.argv[1:])

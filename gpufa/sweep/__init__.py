"""Many settings of several rules, tried on any number of machines: as many trials of each rule, through Optuna."""

"""What tests of the alignment family are made of: nets of the same weights, and their deltas."""

from rulelab import host, samples

SIZES = [5, 7, 6, 4, 3]
BATCH = samples(SIZES)


def deltas(net, x, y):
    """delta_k of every layer on the host, after a pass."""
    p = net._error(x, y)
    net.rule.deltas(p, p.e)
    return [None, *(host(net, p.delta[k])[0] for k in range(1, net.sizes.L + 1))], p


def derivatives(p, net):
    """f'(a_k) of tanh."""
    return [None, *(1 - host(net, p.h[k])[0] ** 2 for k in p.hidden)]

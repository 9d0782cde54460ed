"""ZCA whitening (Bell and Sejnowski 1997): the symmetric matrix that makes the covariance of the features the identity.

x is first brought to mean 0 and a mean variance of 1 by one factor for all features, so that eps means the same for
bytes and for 0..1. With the covariance U diag(v) U^T of that, the matrix is U diag(v + eps)^(-1/2) U^T.
"""

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue, in_bytes

# As pylearn2 has it (filter_bias), on features whose variance is about 1 too. Torch's unsup, which Nokland's code
# calls, adds 1e-5 to the variances of bytes as they come, Keras 1e-6: both next to nothing here.
EPS = 0.1
CHUNK = 1024  # samples at a time
SQUARES = 4  # matrices that are there at once: the covariance, its vectors, and what eigh works in


def whitening(x: NDArray, eps: float = EPS) -> tuple[NDArray, NDArray, NDArray]:
    """(shift, factor, matrix) in float64: (features,) twice, and (features, features), of x (samples, features).

    A feature that never changes becomes 0, whatever it is later. Raises InvalidValue where there is no memory.
    """
    from scipy.linalg import blas, eigh

    n = x.shape[1]
    try:
        np.empty((SQUARES, n, n))
    except (MemoryError, ValueError):
        raise InvalidValue(
            f"scaling 'zca' makes a matrix of {n} x {n} numbers, which takes {in_bytes(SQUARES * 8 * n * n)}, and there"
            " is no memory for that; take --scaling channel or standard, or smaller images"
        ) from None
    low, high = x.min(axis=0), x.max(axis=0)
    size = max(abs(float(low.min())), abs(float(high.max()))) or 1.0  # so that no square is beyond float64
    starts = range(0, len(x), CHUNK)
    mean = sum(np.divide(x[i : i + CHUNK], size, dtype=np.float64).sum(axis=0) for i in starts) / len(x)
    covariance = np.zeros((n, n), order="F")
    for i in starts:
        part = np.divide(x[i : i + CHUNK], size, dtype=np.float64) - mean
        part[:, low == high] = 0  # to the bit, whatever the mean was rounded to
        covariance = blas.dsyrk(1 / len(x), part.T, beta=1.0, c=covariance, lower=1, overwrite_c=1)
    variance = float(covariance.trace()) / n
    if variance == 0:  # all of it never changes
        return mean * size, np.zeros(n), np.zeros((n, n))
    covariance /= variance
    values, vectors = eigh(covariance, lower=True, overwrite_a=True, check_finite=False, driver="evd")
    vectors *= (np.maximum(values, 0) + eps) ** -0.25
    return mean * size, np.where(low == high, 0.0, 1 / (size * np.sqrt(variance))), vectors @ vectors.T

"""How far estimates and truth agree: bias, spread, limits of agreement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from soleus.model import FloatArray

LIMITS_Z: Final = 1.96
"""95 % of a normal distribution lie within (Bland & Altman 1986, doi:10.1016/S0140-6736(86)90837-8)."""
MIN_FOR_CORRELATION: Final = 3


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Agreement of one quantity; errors are estimate minus truth, in the unit of the quantity.

    Attributes
    ----------
    n, groups
        Number of contacts compared, and of foot-trials they belong to.
    missing
        Contacts found whose truth is known but whose estimate is null.
    bias, sd, mae, rmse
        Mean, standard deviation, mean absolute and root mean square error over all contacts.
    lower, upper
        Limits of agreement for repeated measures.
    trial_mae, trial_p95
        Mean and 95th percentile of the absolute median error of a foot-trial.
    trial_sd
        Median of the standard deviations within a foot-trial.
    trial_r
        Correlation of the foot-trials' medians; ``None`` for fewer than three.
    """

    n: int
    groups: int
    missing: int
    bias: float
    sd: float
    mae: float
    rmse: float
    lower: float
    upper: float
    trial_mae: float
    trial_p95: float
    trial_sd: float
    trial_r: float | None


def agreement(pairs: Sequence[tuple[FloatArray, FloatArray]]) -> Agreement | None:
    """Compare estimates with truth; ``None`` where there is nothing to compare.

    The limits of agreement allow for contacts of one foot-trial being alike (Bland & Altman 2007, section 3,
    doi:10.1080/10543400701329422): the variances between and within groups come from a one-way analysis of variance.

    Parameters
    ----------
    pairs
        For each foot-trial (n,) estimates and (n,) true values, NaN where unknown.

    Examples
    --------
    >>> import numpy as np
    >>> a = agreement([(np.array([1.1, 2.1, np.nan]), np.array([1.0, 2.0, 3.0]))])
    >>> a.n, a.missing, round(a.bias, 3), round(a.upper, 3)
    (2, 1, 0.1, 0.1)
    """
    known = [(e[ok], t[ok]) for e, t in pairs if (ok := np.isfinite(e) & np.isfinite(t)).any()]
    missing = sum(int((np.isfinite(t) & ~np.isfinite(e)).sum()) for e, t in pairs)
    if not known:
        return None
    groups = [e - t for e, t in known]
    errors = np.concatenate(groups)
    medians = np.abs([np.median(g) for g in groups])
    half = LIMITS_Z * np.sqrt(_single_variance(groups))
    bias = float(errors.mean())
    return Agreement(
        n=errors.size,
        groups=len(groups),
        missing=missing,
        bias=bias,
        sd=float(errors.std()),
        mae=float(np.abs(errors).mean()),
        rmse=float(np.sqrt((errors**2).mean())),
        lower=float(bias - half),
        upper=float(bias + half),
        trial_mae=float(medians.mean()),
        trial_p95=float(np.percentile(medians, 95)),
        trial_sd=float(np.median([g.std() for g in groups])),
        trial_r=correlation([(float(np.median(e)), float(np.median(t))) for e, t in known]),
    )


def _single_variance(groups: Sequence[FloatArray]) -> float:
    """Variance of the error of one contact of a new foot-trial: between plus within groups."""
    sizes = np.array([g.size for g in groups], float)
    means = np.array([g.mean() for g in groups])
    total, count = sizes.sum(), len(groups)
    within = sum(float(((g - g.mean()) ** 2).sum()) for g in groups) / max(total - count, 1.0)
    if count == 1:
        return float(within)
    grand = (sizes * means).sum() / total
    between_square = float((sizes * (means - grand) ** 2).sum()) / (count - 1)
    effective_size = (total - (sizes**2).sum() / total) / (count - 1)
    return float(within + max(0.0, (between_square - within) / effective_size))


def correlation(points: Sequence[tuple[float, float]]) -> float | None:
    """Pearson's r of pairs; ``None`` for fewer than three or without spread.

    Examples
    --------
    >>> round(correlation([(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]), 6)
    1.0
    """
    if len(points) < MIN_FOR_CORRELATION:
        return None
    a, b = np.array(points).T
    if not (a.std() > 0 and b.std() > 0):
        return None
    return float(np.corrcoef(a, b)[0, 1])

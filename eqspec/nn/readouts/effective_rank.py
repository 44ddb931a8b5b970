"""How many directions features use: the effective rank."""

from __future__ import annotations

import torch
from torch import Tensor


def effective_rank(x_ND: Tensor) -> float:
    """exp(H(p)), with p the singular values of the centred features divided by their sum.

    The effective rank of Roy and Vetterli (EUSIPCO 2007); RankMe (arXiv:2210.02885) is the same of
    features that are not centred. Between 1 (all features move together) and min(N − 1, D).
    Centred, because an offset that all images share tells nothing of any of them; singular values
    that rounding alone could make, in fp32 and beside that offset, count as 0. So features that are
    all alike have the effective rank 0.
    """
    x_ND = x_ND.to(torch.float64)
    centred_ND = x_ND - x_ND.mean(dim=0)
    wide = x_ND.shape[1] > x_ND.shape[0]
    gram = centred_ND @ centred_ND.T if wide else centred_ND.T @ centred_ND
    values = torch.linalg.eigvalsh(gram).clamp_min(0).sqrt()
    values = values[values > torch.finfo(torch.float32).eps * x_ND.norm()]
    shares = values / values.sum()
    return float((-(shares * shares.log()).sum()).exp()) if len(values) else 0.0

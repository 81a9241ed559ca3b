"""Layer normalisation."""

from __future__ import annotations

from seqkit.autograd import differentiable


@differentiable
def layer_norm(xp, x, gamma, beta, *, epsilon=1e-5, needs):  # type: ignore[no-untyped-def]
    """γ·(x - mean) / √(var + ε) + β over the last axis (Ba, Kiros, Hinton 2016); γ, β (E,).

    The variance divides by E.
    """
    E = x.shape[-1]
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    inverse = 1 / xp.sqrt(variance + epsilon)
    normal = centred * inverse
    y = normal * gamma
    y += beta

    def backward(dy):  # type: ignore[no-untyped-def]
        dx = None
        if needs[0]:
            d_normal = dy * gamma
            mean_d = d_normal.mean(axis=-1, keepdims=True)
            mean_dn = (d_normal * normal).mean(axis=-1, keepdims=True)
            dx = (d_normal - mean_d - normal * mean_dn) * inverse
        d_gamma = (dy * normal).reshape(-1, E).sum(axis=0) if needs[1] else None
        d_beta = dy.reshape(-1, E).sum(axis=0) if needs[2] else None
        return dx, d_gamma, d_beta

    return y, backward

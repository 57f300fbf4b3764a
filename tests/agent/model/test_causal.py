"""The quick causal attention of training against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from agent.model.causal import SHORT, causal_attention


@pytest.mark.parametrize("steps", [1, 8, 130, SHORT + 10])
def test_causal_attention_is_torch_s_with_its_gradient(steps: int) -> None:
    torch.manual_seed(0)
    given = [torch.randn(2, steps, 3, 16).to(torch.bfloat16) for _ in range(3)]
    exact = [tensor.float().requires_grad_() for tensor in given]
    short = [tensor.clone().requires_grad_() for tensor in given]
    rows = [tensor.transpose(1, 2) for tensor in exact]
    expected = functional.scaled_dot_product_attention(rows[0], rows[1], rows[2], is_causal=True).transpose(1, 2)
    direction = torch.randn_like(expected)
    torch.autograd.backward(expected, direction)
    found = causal_attention(short[0], short[1], short[2])
    torch.autograd.backward(found, direction.to(found.dtype))
    assert torch.allclose(found.float(), expected, atol=0.03)
    first = 2 if steps == 1 else 0  # a single key has all the weight, whatever query and key are
    for mine, its in zip(short[first:], exact[first:], strict=True):
        assert mine.grad is not None
        assert its.grad is not None
        assert torch.allclose(mine.grad.float(), its.grad, atol=0.06)

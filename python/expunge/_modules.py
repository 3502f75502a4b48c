"""A model as its user has it: unwrapped, in eval mode, with everything as it was afterwards."""

from __future__ import annotations

import contextlib
import random
from typing import Any, Iterator, Tuple

import numpy as np
import torch
from torch import nn

from ._library import ArgumentError


def answer(said: Any, n: int) -> torch.Tensor:
    """The logits that a model answers n images with."""
    if not isinstance(said, torch.Tensor):
        said = said["logits"] if hasattr(said, "keys") else said[0]
    if said.ndim != 2 or len(said) != n:
        raise ArgumentError(f"the model answers {n} images with shape {tuple(said.shape)}: must be ({n}, classes)")
    logits: torch.Tensor = said.float().cpu()
    return logits


def unwrapped(model: nn.Module) -> nn.Module:
    """The network inside of DataParallel, DistributedDataParallel, torch.compile and Lightning Fabric."""
    while True:
        if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            model = model.module
        elif isinstance(getattr(model, "_orig_mod", None), nn.Module):  # torch.compile
            model = model._orig_mod  # type: ignore[assignment]
        elif type(model).__name__ == "_FabricModule":
            model = model.module  # type: ignore[assignment]
        else:
            return model


def place(model: nn.Module) -> Tuple[torch.device, torch.dtype]:
    for parameter in model.parameters():
        if parameter.is_floating_point():
            return parameter.device, parameter.dtype
    return torch.device("cpu"), torch.float32


@contextlib.contextmanager
def preserved(model: nn.Module) -> Iterator[None]:
    """Eval mode without gradients; modes, random states and flags are afterwards as they were."""
    modes = [(module, module.training) for module in model.modules()]
    mha = getattr(torch.backends, "mha", None)  # not in every torch from 2.1 on
    fast = mha.get_fastpath_enabled() if mha is not None else True
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    try:
        model.eval()
        if mha is not None:
            mha.set_fastpath_enabled(False)  # it computes whole blocks at once, where no layer is seen
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
        if mha is not None:
            mha.set_fastpath_enabled(fast)
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)

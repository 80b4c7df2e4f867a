"""Ranks: the processes that ``torchrun`` started, on one machine or several, and what they tell each other.

They train one network together: each takes its share of every batch, and the result is that of one process with the
whole batch, but for the rounding of sums and for dropout, which each draws for itself. Three things see a whole batch,
and are therefore summed over all ranks: gradients, the statistics of BatchNorm, and the sums within the Dice loss.

torch's own ``DistributedDataParallel`` and ``SyncBatchNorm`` are not used: the latter runs on GPUs only, so that no
machine without them could test what those with them do. Gradients go in one piece after the backward pass; for
networks of a few million weights there is nothing to gain from sending them earlier.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from RenalAILib.errors import InputError

WAIT = timedelta(hours=2)  # for the first of them, which alone validates


class Ranks:
    """Which of how many processes this is.

    Args:
        number: 0 ... count - 1; the first, 0, alone writes files and speaks.
        count: 1 where nothing is shared.
        local: number on this machine, and so of its GPU.
    """

    def __init__(self, number: int = 0, count: int = 1, local: int = 0) -> None:
        self.number, self.count, self.local = number, count, local

    @classmethod
    def joined(cls, device: str) -> Ranks:
        """Those that ``torchrun`` speaks of in the environment, connected; a single one without it.

        Args:
            device: ``cuda`` or ``cpu``, which they compute on.
        """
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1 or "RANK" not in os.environ:
            return cls()
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if device == "cuda":
            if local >= torch.cuda.device_count():
                raise InputError(
                    f"this machine has {torch.cuda.device_count()} GPUs for more processes than that; start torchrun"
                    " with fewer, --nproc-per-node"
                )
            torch.cuda.set_device(local)
        if not dist.is_initialized():
            dist.init_process_group("nccl" if device == "cuda" else "gloo", timeout=WAIT)
        return cls(dist.get_rank(), dist.get_world_size(), local)

    @property
    def first(self) -> bool:
        """Whether this one writes and speaks."""
        return self.number == 0

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.count > 1

    def share(self, batch: int) -> slice:
        """Which of the ``batch`` places of a batch are this one's.

        Raises:
            InputError: they cannot be shared out evenly.

        Example:
            >>> list(range(6))[Ranks(number=1, count=3).share(6)]
            [2, 3]
        """
        if batch % self.count:
            raise InputError(
                f"a batch of {batch} cannot be shared evenly by {self.count} processes: set schedule.batch in the"
                f" recipe to a multiple of {self.count}"
            )
        size = batch // self.count
        return slice(self.number * size, (self.number + 1) * size)

    def average_gradients(self, network: nn.Module) -> None:
        """Replace every gradient by its mean over all ranks."""
        if not self.several:
            return
        gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.count
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, parts, strict=True):
            gradient.copy_(mean.view(gradient.shape))

    def same_weights(self, network: nn.Module) -> None:
        """Give all ranks the first one's weights and statistics."""
        if self.several:
            for value in network.state_dict().values():
                dist.broadcast(value, src=0)

    def from_first(self, content: Any) -> Any:
        """What the first rank gave, on all of them; plain types and tensors."""
        if not self.several:
            return content
        box = [content]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def leave(self) -> None:
        """Take leave of the others, who do the same."""
        if self.several and dist.is_initialized():
            dist.barrier()
            dist.destroy_process_group()


def total_of_ranks(values: Tensor) -> Tensor:
    """The sum over all ranks, which must all ask for it; its gradient is the sum of all their gradients.

    ``values`` themselves where one process trains alone.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return values
    result: Tensor = _Total.apply(values)  # type: ignore[no-untyped-call]
    return result


class _Total(torch.autograd.Function):
    """Sum over all ranks, forth and back."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        result = values.clone()
        dist.all_reduce(result)
        return result

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        result = gradient.clone()
        dist.all_reduce(result)
        return result


class SharedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """BatchNorm whose statistics at training are those of all ranks' parts of the batch. Same weights, same names."""

    def _check_input_dim(self, input: Tensor) -> None:
        pass  # any number of axes

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        values = input.float()
        axes = [axis for axis in range(values.ndim) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(values.ndim)]
        count = values.numel() // values.shape[1] * dist.get_world_size()
        mean = total_of_ranks(values.sum(axes)) / count
        centred = values - mean.view(shape)
        variance = total_of_ranks(centred.square().sum(axes)) / count
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        assert self.num_batches_tracked is not None
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale.view(shape) + self.bias.view(shape)).to(input.dtype)


def share_batch_norm(network: nn.Module, ranks: Ranks) -> nn.Module:
    """``network`` with every BatchNorm shared by all ranks; itself where there is one rank."""
    if not ranks.several:
        return network
    for name, child in network.named_children():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            shared = SharedBatchNorm(child.num_features, eps=child.eps, momentum=child.momentum)
            shared.load_state_dict(child.state_dict())
            setattr(network, name, shared)
        else:
            share_batch_norm(child, ranks)
    return network

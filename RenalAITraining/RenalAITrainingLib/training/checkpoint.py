"""Checkpoints: written beside and renamed, so that whatever is killed, an old or a new one is there, whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import torch

from RenalAILib.errors import InputError

SCHEMA = "renalai.checkpoint/1"


def save(content: dict[str, Any], path: Path) -> None:
    """Write tensors and plain types to ``path``, all or nothing.

    Raises:
        InputError: the disk is full or cannot be written; the checkpoint before is untouched.
    """
    beside = path.with_name(path.name + ".part")
    try:
        with open(beside, "wb") as file:
            torch.save({"schema": SCHEMA} | content, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except (OSError, RuntimeError) as error:
        beside.unlink(missing_ok=True)
        # torch's writer wraps what the disk says in a RuntimeError of its own words.
        full = isinstance(error, RuntimeError) or error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "free some space and resume" if full else "put that right and resume"
        raise InputError(f"{path} could not be written ({error}); {advice}") from error


def load(path: Path) -> dict[str, Any]:
    """What `save` wrote, on the CPU. No code in the file is run.

    Raises:
        InputError: missing, damaged, or not of this trainer.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; there is no checkpoint to go on from") from error
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(f"{path} cannot be read as a checkpoint ({error})") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise InputError(f"{path} is not a checkpoint of this trainer")
    return content

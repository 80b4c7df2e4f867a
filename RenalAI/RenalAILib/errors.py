"""The one exception a user may meet: what is wrong, in one sentence."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input or usage, told in one sentence that names the file and the cause.

    The command prints the sentence and exits with 2; the module shows it in a message box.
    Anything else that is raised is a fault of the program.

    Example:
        >>> raise InputError("scan.nii.gz has 4 dimensions; RenalAI reads 3-D volumes")
        Traceback (most recent call last):
        ...
        RenalAILib.errors.InputError: scan.nii.gz has 4 dimensions; RenalAI reads 3-D volumes
    """

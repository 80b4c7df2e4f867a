"""Causes: what a worker's end most likely means, in words that say what to do next."""

from __future__ import annotations

import signal

MEMORY = (
    "The computer ran out of memory. Close other programs, choose Fast, or crop the CT to the abdomen, and try again."
)
_BY_TEXT = (
    (("bad_alloc", "MemoryError", "Failed to allocate memory", "CUDA out of memory", "CUDA failure 2"), MEMORY),
    (
        ("No module named 'onnxruntime'", "No module named 'RenalAILib'"),
        "The engine is not installed completely. Install it again with Computer check > Install engine.",
    ),
    (
        ("DLL load failed", "GLIBC", "GLIBCXX", "cannot open shared object file"),
        "A system library that the engine needs is missing or too old. The last lines name it.",
    ),
    (
        ("no kernel image", "CUDA failure", "CUDNN", "cuDNN", "cublas"),
        "The graphics card could not be used. Set the device to CPU and try again, or update its driver.",
    ),
    (("No space left on device", "Errno 28"), "The disk of the temporary folder is full. Free some space, try again."),
    (("No such file or directory",), "A file that the engine needs is missing. The last lines name it."),
    (("Permission denied", "Errno 13"), "A file or folder may not be written. The last lines name it."),
)
_KILLED = (-signal.SIGTERM, 128 + signal.SIGTERM)
_OUT_OF_MEMORY = (-9, 128 + 9)  # SIGKILL that nobody here sent: the kernel's out-of-memory killer
_CRASHED = (-4, -6, -7, -8, -11, 128 + 6, 128 + 11, 0xC0000005, 0xC000001D, 0xC0000409)


def cause(exit_code: int, log: str) -> str:
    """The most likely cause of a worker that ended with ``exit_code`` after the lines ``log``.

    Example:
        >>> cause(-9, "").startswith("The computer ran out of memory")
        True
        >>> cause(1, "ModuleNotFoundError: No module named 'onnxruntime'").startswith("The engine is not installed")
        True
    """
    if exit_code in _OUT_OF_MEMORY:
        return MEMORY
    for signs, words in _BY_TEXT:
        if any(sign in log for sign in signs):
            return words
    if exit_code in _KILLED:
        return "Another program or the system ended the engine."
    if exit_code in _CRASHED:
        return "The engine crashed in native code. Set the device to CPU and try again; please report the last lines."
    return "The engine met a fault of its own. Please report it with the last lines."

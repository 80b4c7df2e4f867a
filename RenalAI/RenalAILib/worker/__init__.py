"""The engine in a child process: a job folder in, progress as JSON lines out, result files at the end.

``python -m RenalAILib.worker job.json`` does one job. ``python -m RenalAILib.worker --serve FOLDER`` stays warm and
does the jobs named on its standard input, one line each; it ends when that input closes, so no worker outlives the
program that started it. :mod:`.client` is the other side.
"""

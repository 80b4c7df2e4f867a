"""``python -m RenalAILib.worker JOB_FILE`` or ``python -m RenalAILib.worker --serve FOLDER``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .serving import do_job, progress_stream, serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m RenalAILib.worker", description="Does jobs of the engine.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("job", nargs="?", type=Path, help="a job file; its results appear in the folder output beside it")
    what.add_argument("--serve", metavar="FOLDER", type=Path, help="stay warm and do the jobs named on standard input")
    parser.add_argument("--idle", metavar="SECONDS", type=float, default=300.0, help="end after so long without a job")
    arguments = parser.parse_args()
    stream = progress_stream()
    if arguments.serve is None:
        return do_job(arguments.job.resolve(), lambda progress: print(progress.line(), file=stream, flush=True))
    serve(arguments.serve, lambda progress: print(progress.line(), file=stream, flush=True), arguments.idle)
    return 0


if __name__ == "__main__":
    sys.exit(main())

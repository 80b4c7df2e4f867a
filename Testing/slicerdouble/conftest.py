"""The double is what tests stand on; it holds none."""

collect_ignore_glob = ["*.py"]

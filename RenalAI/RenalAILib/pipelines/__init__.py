"""Pipelines: how the bundles of each kind are run, one file a kind; :mod:`.running` is the way in."""

"""Publishing by a bundle's pipeline: one file a kind, with its ``Settings`` and ``export_stages``.

A description's keys beside the texts are the fields of ``Settings``; ``export_stages(export, settings)`` writes the
networks through `Export` and gives the ``stages`` of the metadata. The module of a kind is its name with underscores.
"""

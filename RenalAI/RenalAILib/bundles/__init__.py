"""Bundles: folders of networks and of what is to be known to run them; read strictly, kept by name."""

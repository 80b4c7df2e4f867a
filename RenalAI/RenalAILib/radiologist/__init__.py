"""The radiologist's word on a result: what is said about a mass, which outlines were changed, what was drawn."""

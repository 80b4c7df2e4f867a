"""Recipes: the YAML files that ship, and what each of their keys means."""

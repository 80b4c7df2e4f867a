"""Plans: the YAML files that ship, and the whole way by them, from samples to networks to a bundle."""

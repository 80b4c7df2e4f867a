"""The cascade of Zhao 2023: locate the kidneys, delineate their masses, characterise each mass."""

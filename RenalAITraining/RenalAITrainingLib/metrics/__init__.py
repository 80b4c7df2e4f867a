"""Figures that the validations of a training and the evaluation of a bundle both count."""

"""Datasets: folders of labelled CTs that a person can read, free of anything that names a patient."""

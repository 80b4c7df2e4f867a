"""Evaluation: what a bundle is worth on a labelled set of CTs, in the tables and figures a paper holds."""

"""The single-shot detector at work: axial slices to 2-D boxes to 3-D candidates, in numpy (Liu et al. 2016, SSD)."""

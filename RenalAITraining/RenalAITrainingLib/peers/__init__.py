"""Peers: the same network on the same CT through RenalAI's way, nnU-Net's predictor and MONAI's sliding window."""

"""Runs: trainings that live in a folder and in a process of their own, and are found again by whoever looks there."""

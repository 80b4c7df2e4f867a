"""The one training loop, and what it is made of: tasks, losses, batches, checkpoints, what a run tells."""

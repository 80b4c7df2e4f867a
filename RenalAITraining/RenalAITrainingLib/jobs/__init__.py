"""Jobs: what the training module asks of its worker process, one file a job (see `RenalAILib.worker.job`)."""

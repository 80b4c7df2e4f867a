"""Several scans of one patient in several contrast phases: told apart, laid over each other, measured in all."""

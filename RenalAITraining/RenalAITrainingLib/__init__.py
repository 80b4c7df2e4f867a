"""RenalAI's training library: samples, networks, recipes, one trainer, publishing. Importing it is cheap."""

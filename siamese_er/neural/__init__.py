"""The pseudo-Siamese encoder and the pair head, in torch; no Spark."""

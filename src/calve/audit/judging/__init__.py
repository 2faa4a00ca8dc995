"""Whether to split at all: need x separability x readiness, where what is not known never counts as yes."""

"""The rules as PyTorch optimizers."""

"""What training and methods compute: losses, distances of domains, pseudo-labels, styles. Pure functions of tensors."""

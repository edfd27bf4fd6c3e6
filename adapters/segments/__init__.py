"""Segmentation: label maps, training crops, and prediction on whole images."""

"""Flat objects, their points and 6D pose: geometry, training crops, prediction, corners, errors."""

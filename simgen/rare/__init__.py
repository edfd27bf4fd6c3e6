"""Rare cases: found in a dataset, generated with exact labels, and let in through a gate."""

"""Configs: text in, settings or findings out."""

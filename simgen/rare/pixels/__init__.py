"""Pixel space: object crops as RGBA, learned by a VAE or a VAE-GAN, and placed in rendered scenes."""

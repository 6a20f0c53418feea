"""Peers and professionals read together: what a work is worth, how sure that is, which readings stand out."""

"""Files: what they are, whether they are sound, where they are kept, and links to them."""

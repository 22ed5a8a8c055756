"""Seedance Bot: prompts and attachments become clips, under budgets that moderators control."""

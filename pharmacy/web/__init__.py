"""HTTP to words and back: one blueprint per noun."""

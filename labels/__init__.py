"""Paper. A leaf: imports nothing of ours, so a label cannot know an arm."""

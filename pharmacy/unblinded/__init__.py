"""The lit room: the only place where an arm exists."""

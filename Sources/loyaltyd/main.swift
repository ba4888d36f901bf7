// Replaced by the command tree.

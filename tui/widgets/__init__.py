"""The panes: each draws views of a frame, and keeps a cursor and a scroll offset, nothing more."""

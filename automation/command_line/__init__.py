"""The command line: a function a command, in one module a group of the help."""

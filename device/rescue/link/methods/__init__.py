# The methods that a host calls, a file for each group.

"""What a line is run by: how many units, how long, where they fail, over any range of days."""

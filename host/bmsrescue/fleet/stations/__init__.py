"""Stations: helpers at which units are recovered one after the other, each with a state that a person understands."""

"""The helper board as code: netlist, rules, simulation, pictures, parts list (hardware/README.md)."""

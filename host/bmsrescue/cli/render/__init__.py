"""What commands draw: a run as it goes, rails over time, pictures in the terminal, as SVG and as PNG."""

# The STM32H7: dies H72x, H74x and H7Ax.

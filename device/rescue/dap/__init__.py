# The helper as a CMSIS-DAP probe (docs/cmsis-dap.md): mode.py is when, commands.py and transfers.py what is answered.

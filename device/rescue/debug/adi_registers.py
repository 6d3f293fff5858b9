# Arm Debug Interface v5.2 (IHI 0031G): register offsets and bits. Sections B2.2 (DP), C2.2 and C2.6 (MEM-AP).

# -- DP, offset as on the wire; CTRL/STAT is bank 0 --
DPIDR = 0x0  # read
ABORT = 0x0  # write
CTRL_STAT = 0x4
SELECT = 0x8  # write
RDBUFF = 0xC  # read

# ABORT
DAPABORT = 1 << 0
CLEAR_STICKY = 0x1E  # STKCMPCLR, STKERRCLR, WDERRCLR, ORUNERRCLR

# CTRL/STAT
STICKYORUN = 1 << 1
STICKYCMP = 1 << 4
STICKYERR = 1 << 5
WDATAERR = 1 << 7
STICKY_FLAGS = STICKYORUN | STICKYCMP | STICKYERR | WDATAERR
POWER_UP_REQUEST = 0x50000000  # CSYSPWRUPREQ, CDBGPWRUPREQ
POWER_UP_ACK = 0xA0000000  # CSYSPWRUPACK, CDBGPWRUPACK

# -- MEM-AP, register address; bits 7:4 go to SELECT.APBANKSEL --
CSW = 0x00
TAR = 0x04
DRW = 0x0C
BASE = 0xF8
IDR = 0xFC

# CSW: 32-bit accesses, TAR counts up
CSW_WORDS = 0x00000012
CSW_AHB = 0x23000000  # HPROT data and privileged, not cacheable; debug master
CSW_DBGSWEN = 0x80000000  # APB-AP: cleared, it shuts the chip's debug registers for everybody until power-off

# TAR is only sure to count inside its low 10 bits (C2.2.2).
TAR_WRAP = 0x400

# IDR: designer 0x23B (Arm), class 8 (MEM-AP), type in 3:0. Revision and variant are left out.
IDR_MASK = 0x0FFFE00F
IDR_AHB = 0x04770001
IDR_APB = 0x04770002

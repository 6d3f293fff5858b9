# Which sectors the map, the plan and the cure treat as one. Where there are few sectors, each is a block of its own. A
# chip with 256 small ones would fill the heap with its map: there neighbours are put together, those the job owns in
# runs of at most 1/16 of them, the others up to 256 KiB. What one sector of a block needs, all of it gets; so a block
# is never owned in part, and a sector that the job's consent names stands alone.

from micropython import const

_FEW = const(32)
_RUNS = const(16)
_LARGE_BYTES = const(0x40000)


def owned_bytes(job):
    """Size of the runs of sectors that the job owns."""
    size = job.sector_bytes
    if job.flash_kib * 1024 // size > _FEW:
        owned = sum(segment.end(job.word_bytes) - segment.address for segment in job.image.segments)
        while size * _RUNS < owned:
            size *= 2
    return size


def blocks(sectors, job):
    """[[first sector, address, size, owned], ..] of `sectors` as H7Flash.sectors() gives them."""
    few = len(sectors) <= _FEW
    run = owned_bytes(job)
    found = []
    closed = True
    for index, address, size in sectors:
        owned = job.owns(address, size)
        limit = size if few else run if owned else _LARGE_BYTES
        alone = "sector:%d" % index in job.consent
        if closed or alone or not address % limit or found[-1][3] != owned:
            found.append([index, address, size, owned])
        else:
            found[-1][2] += size
        closed = alone
    return found

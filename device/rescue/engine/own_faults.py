# A fault of the agent's own: what it looks like, and where a run that could not make its record leaves a note.

NOTE = "/unrecorded.json"  # in the helper's flash; read at the next start (record/short_record.py)

# Of our code, the file system or the heap; never the unit's.
OUR_FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)

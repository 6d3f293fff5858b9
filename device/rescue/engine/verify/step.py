# Step "verify": the whole image once more, after the last write.

from rescue.engine.unit.verifier import Verifier, check_segment


def verify_image(run):
    verifier = Verifier(run, run.power.check)
    segments = run.job.image.segments
    progress = run.progress_in("verify", "segments")
    for index, segment in enumerate(segments):
        run.power.check()
        check_segment(run, verifier, segment)
        progress(index + 1, len(segments))
    run.verified["by_digest"] += verifier.by_digest
    run.verified["by_reading"] += verifier.by_reading
    run.image_verified = True

"""Files to measure with, made here."""

from services import run


def photo(path, width=4000, height=3000, seed=1):
    """A JPEG of smooth noise with grain: neither flat nor incompressible."""
    part = lambda name: path.with_name(f"{path.stem}-{name}.v")
    for words in (
        ["perlin", part("a"), width, height, "--cell-size", "256", "--seed", seed],
        ["gaussnoise", part("b"), width, height, "--sigma", "4", "--mean", "0", "--seed", seed],
        ["linear", part("a"), part("c"), "100", "128"],
        ["add", part("c"), part("b"), part("d")],
        ["bandjoin", f"{part('d')} {part('c')} {part('d')}", part("e")],
        ["cast", part("e"), part("f"), "uchar"],
        ["jpegsave", part("f"), path, "--Q", "92"],
    ):
        run("vips", *words)
    for name in "abcdef":
        part(name).unlink()
    return path


def film(path, seconds):
    """Patterns that move, with grain: neither flat nor incompressible."""
    run("ffmpeg", "-v", "error", "-y",
        "-f", "lavfi", "-i", f"testsrc2=s=1920x1080:r=30:d={seconds},noise=alls=6:allf=t",
        "-f", "lavfi", "-i", f"sine=440:d={seconds}:r=48000",
        "-c:v", "libx264", "-preset", "ultrafast", "-crf", "24", "-g", "60", "-pix_fmt", "yuv420p",
        "-c:a", "aac", "-b:a", "128k", "-shortest", "-movflags", "+faststart", path)
    return path


def animation(path, source):
    """A GIF of 100 frames, of what ffmpeg's `source` draws."""
    run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"{source}=s=480x270:r=25,trim=end_frame=100",
        "-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse", path)
    return path


def sound(path, seconds):
    """Stereo: two tones that swell, with noise."""
    run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
        f"aevalsrc=0.3*sin(440*2*PI*t)*sin(t)+0.05*random(0)|0.3*sin(660*2*PI*t)*cos(t)+0.05*random(1):s=44100:d={seconds}",
        path)
    return path


def document(path):
    """A page of text and lines, as an office prints it."""
    words = "the quick brown fox jumps over the lazy dog and runs on ".split()
    lines = [" ".join(words[(number + at) % len(words)] for at in range(13)) for number in range(60)]
    text = "BT /F1 9 Tf 40 800 Td 12 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET\n"
    strokes = "".join(f"{x} 40 m {x + 40} 90 l S\n" for x in range(40, 500, 4))
    content = (text + strokes).encode()
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
               b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
               b"/Resources << /Font << /F1 5 0 R >> >> >>",
               b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"xref\n0 %d\n0000000000 65535 f \n%btrailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, len(data))
    path.write_bytes(data)
    return path

"""MP4s as telephones write them: a second of pictures, then a second of sound. ffmpeg puts sound between any two pictures."""

import struct
from itertools import accumulate


def boxes(data, start, end):
    while start < end:
        size, kind = struct.unpack(">I4s", data[start:start + 8])
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", data[start + 8:start + 16])[0], 16
        yield kind, start + head, start + size
        start += size


def inside(data, path, start=0, end=None):
    """Where the content of the first box at `path` is."""
    end = len(data) if end is None else end
    for wanted in path:
        start, end = next((first, last) for kind, first, last in boxes(data, start, end) if kind == wanted)
    return start, end


def words(data, span, skip):
    return [word for (word,) in struct.iter_unpack(">I", data[span[0] + skip:span[1]])]


def samples(data, trak):
    """Of each sample: when it is decoded in seconds, where it is, and its size."""
    stbl = inside(data, [b"mdia", b"minf", b"stbl"], *trak)
    table = {kind: (first, last) for kind, first, last in boxes(data, *stbl)}
    mdhd = inside(data, [b"mdia", b"mdhd"], *trak)
    timescale = struct.unpack(">I", data[mdhd[0] + 12:mdhd[0] + 16])[0]
    uniform, count, *sizes = words(data, table[b"stsz"], 4)
    sizes = sizes or [uniform] * count
    runs = words(data, table[b"stts"], 8)
    durations = [ticks for number, ticks in zip(runs[::2], runs[1::2]) for _ in range(number)]
    times = [ticks / timescale for ticks in accumulate(durations, initial=0)]
    offsets = ([at for (at,) in struct.iter_unpack(">Q", data[table[b"co64"][0] + 8:table[b"co64"][1]])]
               if b"co64" in table else words(data, table[b"stco"], 8))
    entries = words(data, table[b"stsc"], 8)
    starts = entries[::3] + [len(offsets) + 1]
    places, number = [], 0
    for first, last, held in zip(starts, starts[1:], entries[1::3]):
        for chunk in range(first - 1, last - 1):
            at = offsets[chunk]
            for _ in range(held):
                places.append((times[number], at, sizes[number]))
                at, number = at + sizes[number], number + 1
    return places


def box(kind, content):
    return struct.pack(">I4s", len(content) + 8, kind) + content


def rewritten(data, span, replaced):
    """The boxes in `span`, those in `replaced` by what stands there."""
    out = b""
    for kind, start, end in boxes(data, *span):
        if kind in replaced:
            out += replaced[kind]
        elif kind in (b"mdia", b"minf", b"stbl"):
            out += box(kind, rewritten(data, (start, end), replaced))
        else:
            out += box(kind, data[start:end])
    return out


def by_the_second(source, target):
    """Writes `source`, an MP4 of ffmpeg's, to `target` with its tracks in turn, a second of each."""
    data = memoryview(source.read_bytes())
    moov = inside(data, [b"moov"])
    traks = [(start, end) for kind, start, end in boxes(data, *moov) if kind == b"trak"]
    tracks = [samples(data, trak) for trak in traks]
    ftyp = inside(data, [b"ftyp"])
    at = ftyp[1] - ftyp[0] + 8 + 16
    offsets, counts, pieces = [[] for _ in tracks], [[] for _ in tracks], []
    for second in range(int(max(track[-1][0] for track in tracks)) + 1):
        for number, track in enumerate(tracks):
            chunk = [sample for sample in track if second <= sample[0] < second + 1]
            if chunk:
                offsets[number].append(at)
                counts[number].append(len(chunk))
                pieces += [(start, size) for _, start, size in chunk]
                at += sum(size for _, _, size in chunk)
    new_traks = []
    for trak, chunks, held in zip(traks, offsets, counts):
        stsc = b"".join(struct.pack(">3I", chunk + 1, count, 1) for chunk, count in enumerate(held))
        co64 = box(b"co64", struct.pack(">2I", 0, len(chunks)) + struct.pack(f">{len(chunks)}Q", *chunks))
        replaced = {b"stsc": box(b"stsc", struct.pack(">2I", 0, len(held)) + stsc), b"stco": co64, b"co64": co64}
        new_traks.append(box(b"trak", rewritten(data, trak, replaced)))
    with open(target, "wb") as out:
        out.write(box(b"ftyp", data[ftyp[0]:ftyp[1]]))
        out.write(struct.pack(">I4sQ", 1, b"mdat", 16 + sum(size for _, size in pieces)))
        for start, size in pieces:
            out.write(data[start:start + size])
        head = b""
        rest = iter(new_traks)
        for kind, start, end in boxes(data, *moov):
            head += next(rest) if kind == b"trak" else box(kind, data[start:end])
        out.write(box(b"moov", head))
    return target

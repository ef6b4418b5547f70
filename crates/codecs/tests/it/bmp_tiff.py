"""Writes BMPs and TIFFs of every structure into a folder, and what is in each as rows of RGBA beside it.

They are put together here, since no encoder makes all of them. Where Pillow (libtiff) can read one, it must see the same.
"""
import io, itertools, os, struct, sys, zlib
from PIL import Image
folder = sys.argv[1]
SIZES = ((33, 17), (1, 1), (50, 70))
def save(name, data, size, pixels, judge=True, far=3):
    """pixels: RGBA of all pixels in a row."""
    flat = bytes(b for pixel in pixels for b in pixel)
    if judge:
        try:
            seen = Image.open(io.BytesIO(data))
            seen.load()
        except Exception as error:
            # Pillow knows fewer combinations than there are.
            seen = None
        if seen is not None and seen.mode in ('1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'CMYK'):
            seen = seen.convert('RGBA')
            assert seen.size == size, (name, seen.size)
            off = [abs(a - b) for a, b in zip(seen.tobytes(), flat)]
            assert sum(off) <= far * len(off), (name, sum(off) / len(off))
    open(os.path.join(folder, name), 'wb').write(data)
    open(os.path.join(folder, name + '.rgba'), 'wb').write(struct.pack('>II', *size) + flat)
def ramp(w, h, x, y, top):
    """Red, green, blue and alpha of a pixel, up to top."""
    return [x * top // max(w - 1, 1), y * top // max(h - 1, 1), (x + y) * top // max(w + h - 2, 1), top - x * top // (2 * w)]
def to8(value, top):
    return (value * 255 + top // 2) // top
def pack(values, bits, order='big'):
    if bits == 16:
        return struct.pack(('>' if order == 'big' else '<') + 'H' * len(values), *values)
    number = 0
    for value in values:
        number = number << bits | value
    pad = -(len(values) * bits) % 8
    return (number << pad).to_bytes((len(values) * bits + pad) // 8, 'big')
def palette(count):
    return [(i * 7 % 256, 255 - i * 3 % 256, i * 5 % 256) for i in range(count)]

# ---- BMP ----
def bmp(info, masks, table, pixels, after=b''):
    start = 14 + len(info) + len(masks) + len(table)
    return b'BM' + struct.pack('<IHHI', start + len(pixels), 0, 0, start) + info + masks + table + pixels + after
def header(length, w, h, bits, compression=0, colors=0, masks=(0, 0, 0, 0)):
    if length == 12:
        return struct.pack('<IHHHH', 12, w, h, 1, bits)
    fields = struct.pack('<IiiHHIIiiII', 40, w, h, 1, bits, compression, 0, 2835, 2835, colors, 0)
    if length in (52, 56, 108, 124):
        fields += struct.pack('<IIII', *masks)
    return struct.pack('<I', length) + (fields + bytes(124))[4:length]
def stored(rows, top_down):
    rows = [row + bytes(-len(row) % 4) for row in rows]
    return b''.join(rows if top_down else reversed(rows))
for w, h in SIZES:
    cells = [[ramp(w, h, x, y, 255) for x in range(w)] for y in range(h)]
    for bits, length, flip in itertools.product((1, 2, 4, 8), (12, 16, 40, 52, 56, 64, 108, 124), (False, True)):
        if flip and length == 12:
            continue
        for used in ({1: [2], 2: [4, 3], 4: [16, 5], 8: [256, 37]}[bits] if length >= 40 else [1 << bits]):
            colors = palette(used)
            rows = [[(x * 3 + y * 5) % used for x in range(w)] for y in range(h)]
            table = b''.join(bytes(reversed(c)) + (b'' if length == 12 else b'\0') for c in colors)
            data = bmp(header(length, w, -h if flip else h, bits, 0, used if length >= 40 else 0), b'', table, stored([pack(r, bits) for r in rows], flip))
            save(f'bmp-{bits}-{length}-{used}-{"down" if flip else "up"}-{w}x{h}.bmp', data, (w, h), [colors[i] + (255,) for r in rows for i in r], judge=length not in (16, 52, 56) and bits != 2)
    for length, flip in itertools.product((12, 16, 40, 56, 64, 108, 124), (False, True)):
        if flip and length == 12:
            continue
        side = -h if flip else h
        rows = [b''.join(bytes((c[2], c[1], c[0])) for c in row) for row in cells]
        seen = [tuple(c[:3]) + (255,) for row in cells for c in row]
        save(f'bmp-24-{length}-{"down" if flip else "up"}-{w}x{h}.bmp', bmp(header(length, w, side, 24), b'', b'', stored(rows, flip)), (w, h), seen, judge=length not in (16, 56))
        if length == 12:
            continue
        # Without masks the fourth byte is nothing, whatever is in it.
        rows = [b''.join(bytes((c[2], c[1], c[0], 77)) for c in row) for row in cells]
        save(f'bmp-32-{length}-{"down" if flip else "up"}-{w}x{h}.bmp', bmp(header(length, w, side, 32), b'', b'', stored(rows, flip)), (w, h), seen, judge=length not in (16, 56))
        rows = [struct.pack('<%dH' % w, *[(c[0] >> 3) << 10 | (c[1] >> 3) << 5 | c[2] >> 3 for c in row]) for row in cells]
        seen = [tuple(to8(v >> 3, 31) for v in c[:3]) + (255,) for row in cells for c in row]
        save(f'bmp-16-{length}-{"down" if flip else "up"}-{w}x{h}.bmp', bmp(header(length, w, side, 16), b'', b'', stored(rows, flip)), (w, h), seen, judge=length not in (16, 56), far=6)
    for name, bits, masks in (
        ('565', 16, (0xF800, 0x07E0, 0x001F, 0)), ('444', 16, (0x0F00, 0x00F0, 0x000F, 0)), ('4444', 16, (0x0F00, 0x00F0, 0x000F, 0xF000)),
        ('1555', 16, (0x7C00, 0x03E0, 0x001F, 0x8000)), ('bgr', 32, (0xFF, 0xFF00, 0xFF0000, 0)), ('rgba', 32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
        ('argb', 32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)), ('abgr-high', 32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)), ('101010', 32, (0x3FF00000, 0xFFC00, 0x3FF, 0)),
        ('odd', 32, (0x7F, 0x3F80, 0x1FC000, 0))):
        def put(cell):
            number = 0
            for value, mask in zip(cell, masks):
                if mask:
                    shift, width = (mask & -mask).bit_length() - 1, bin(mask).count('1')
                    number |= (value * ((1 << width) - 1) // 255) << shift
            return number
        def seen_of(cell):
            out = []
            for value, mask in zip(cell, masks):
                width = bin(mask).count('1')
                out.append(to8(value * ((1 << width) - 1) // 255, (1 << width) - 1) if mask else 0)
            return tuple(out[:3]) + ((out[3] if masks[3] else 255),)
        kind = '<%d%s' % (w, 'H' if bits == 16 else 'I')
        rows = [struct.pack(kind, *[put(c) for c in row]) for row in cells]
        seen = [seen_of(c) for row in cells for c in row]
        opaque = [s[:3] + (255,) for s in seen]
        forms = [('v4', header(108, w, h, bits, 3, 0, masks), b'', seen), ('v5', header(124, w, -h, bits, 3, 0, masks), b'', seen), ('v3', header(56, w, h, bits, 3, 0, masks), b'', seen),
                 ('alpha-behind', header(40, w, h, bits, 6), struct.pack('<IIII', *masks), seen), ('behind', header(40, w, h, bits, 3), struct.pack('<III', *masks[:3]), opaque)]
        for form, info, behind, expected in forms:
            down = form == 'v5'
            save(f'bmp-masks-{name}-{form}-{w}x{h}.bmp', bmp(info, behind, b'', stored(rows, down)), (w, h), expected, judge=False)
        if masks[3]:
            empty = [struct.pack(kind, *[put(c) & ~masks[3] for c in row]) for row in cells]
            save(f'bmp-masks-{name}-empty-alpha-{w}x{h}.bmp', bmp(header(124, w, h, bits, 3, 0, masks), b'', b'', stored(empty, False)), (w, h), opaque, judge=False)
    for bits in (4, 8):
        colors = palette(16)
        table = b''.join(bytes(reversed(c)) + b'\0' for c in colors)
        grid = [[(x // 5 + y) % 16 for x in range(w)] for y in range(h)]
        def runs(row):
            out = b''
            for value, group in itertools.groupby(row):
                count = len(list(group))
                while count:
                    out += bytes((min(count, 255), value * 17 if bits == 4 else value))
                    count -= min(count, 255)
            return out
        def literal(row):
            out = b''
            for start in range(0, len(row), 200):
                part = row[start:start + 200]
                if len(part) < 3:
                    out += runs(part)
                    continue
                body = pack(part, bits)
                out += bytes((0, len(part))) + body + bytes(len(body) % 2)
            return out
        seen = [colors[i] + (255,) for r in grid for i in r]
        for name, code in (('runs', runs), ('literal', literal)):
            pixels = b'\0\0'.join(code(row) for row in reversed(grid)) + b'\0\1'
            save(f'bmp-rle{bits}-{name}-{w}x{h}.bmp', bmp(header(40, w, h, bits, 3 - bits // 4, 16), b'', table, pixels), (w, h), seen, judge=bits == 8)
        # Nothing but the first pixel of each second row from below.
        pixels = b''.join(bytes((1, grid[y][0] * 17 if bits == 4 else grid[y][0])) + b'\0\0\0\0' for y in range(h - 1, -1, -2)) + b'\0\1'
        kept = {y for y in range(h - 1, -1, -2)}
        seen = [(colors[grid[y][0]] + (255,)) if x == 0 and y in kept else (0, 0, 0, 0) for y in range(h) for x in range(w)]
        save(f'bmp-rle{bits}-gaps-{w}x{h}.bmp', bmp(header(40, w, h, bits, 3 - bits // 4, 16), b'', table, pixels), (w, h), seen, judge=False)
        if w > 9 and h > 9:
            pixels = bytes((0, 2, 7, 3)) + runs([5, 5, 5][: w - 7]) + b'\0\1'
            seen = [(colors[5] + (255,)) if 7 <= x < 10 and y == h - 4 else (0, 0, 0, 0) for y in range(h) for x in range(w)]
            save(f'bmp-rle{bits}-delta-{w}x{h}.bmp', bmp(header(40, w, h, bits, 3 - bits // 4, 16), b'', table, pixels), (w, h), seen, judge=False)

# ---- TIFF ----
def lzw(data):
    out, have, held, width = bytearray(), 0, 0, 9
    def emit(code):
        nonlocal have, held
        held, have = held << width | code, have + width
        while have >= 8:
            out.append(held >> (have - 8) & 255)
            have -= 8
        held &= (1 << have) - 1
    table = {bytes([i]): i for i in range(256)}
    emit(256)
    upcoming, word = 258, b''
    for byte in data:
        longer = word + bytes([byte])
        if longer in table:
            word = longer
            continue
        emit(table[word])
        table[longer] = upcoming
        upcoming += 1
        width = 9 if upcoming < 512 else 10 if upcoming < 1024 else 11 if upcoming < 2048 else 12
        if upcoming == 4094:
            emit(256)
            table, upcoming, width = {bytes([i]): i for i in range(256)}, 258, 9
        word = bytes([byte])
    if word:
        emit(table[word])
        upcoming += 1
        width = 9 if upcoming < 512 else 10 if upcoming < 1024 else 11 if upcoming < 2048 else 12
    emit(257)
    if have:
        out.append(held << (8 - have) & 255)
    return bytes(out)
def packbits(data):
    out = b''
    for start in range(0, len(data), 128):
        part = data[start:start + 128]
        out += bytes([257 - len(part)]) + part[:1] if len(set(part)) == 1 and len(part) > 1 else bytes([len(part) - 1]) + part
    return out
PACKERS = {1: lambda d: d, 5: lzw, 8: zlib.compress, 32946: zlib.compress, 32773: packbits}
def tiff(fields, chunks, little, big):
    e = '<' if little else '>'
    head = (b'II' if little else b'MM') + (struct.pack(e + 'HHHQ', 43, 8, 0, 16) if big else struct.pack(e + 'HI', 42, 8))
    fields = dict(fields)
    names = (324, 325) if 322 in fields else (273, 279)
    kinds = {1: 'B', 2: 'B', 3: 'H', 4: 'I', 7: 'B', 16: 'Q'}
    fields[names[0]] = (16 if big else 4, [0] * len(chunks))
    fields[names[1]] = (4, [len(c) for c in chunks])
    room = 8 if big else 4
    entry = 20 if big else 12
    start = len(head) + (8 if big else 2) + entry * len(fields) + room
    extra = sum(len(v) * struct.calcsize(kinds[k]) + 8 for k, v in fields.values())
    at, places = start + extra, []
    for c in chunks:
        places.append(at)
        at += len(c)
    fields[names[0]] = (fields[names[0]][0], places)
    out, behind = b'', b''
    for tag, (kind, values) in sorted(fields.items()):
        body = struct.pack(e + kinds[kind] * len(values), *values)
        if len(body) > room:
            place = struct.pack(e + ('Q' if big else 'I'), start + len(behind))
            behind += body + bytes(len(body) % 2)
        else:
            place = body.ljust(room, b'\0')
        out += struct.pack(e + ('HHQ' if big else 'HHI'), tag, kind, len(values)) + place
    count = struct.pack(e + ('Q' if big else 'H'), len(fields))
    return head + count + out + bytes(room) + behind.ljust(extra, b'\0') + b''.join(chunks)
def chunked(w, h, samples, bits, cells, planar, tile, rows, little, predictor, packer, lowest):
    """The packed strips or tiles, of all samples together or of each alone."""
    tw, th = tile or (w, rows)
    out = []
    for plane in range(samples) if planar else [None]:
        for top in range(0, h, th):
            for left in range(0, w, tw):
                data = b''
                for y in range(top, top + th if tile else min(top + th, h)):
                    row = []
                    for x in range(left, left + tw):
                        cell = cells(min(x, w - 1), min(y, h - 1))
                        row += [cell[plane]] if planar else cell
                    per = 1 if planar else samples
                    if predictor:
                        row = [(v - (row[i - per] if i >= per else 0)) & ((1 << bits) - 1) for i, v in enumerate(row)]
                    data += pack(row, bits, 'little' if little else 'big')
                data = packer(data)
                if lowest:
                    data = bytes(int(f'{b:08b}'[::-1], 2) for b in data)
                out.append(data)
    return out
def meanings(w, h):
    """Name, photometric, samples, bits, the fields, a cell's samples, its RGBA."""
    for bits in (1, 2, 4, 6, 8, 12, 16):
        top = (1 << bits) - 1
        grey = lambda x, y, top=top: [ramp(w, h, x, y, top)[2]]
        yield f'black{bits}', 1, 1, bits, {}, grey, lambda c, top=top: (to8(c[0], top),) * 3 + (255,)
        yield f'white{bits}', 0, 1, bits, {}, grey, lambda c, top=top: (255 - to8(c[0], top),) * 3 + (255,)
    for bits in (8, 16):
        top = (1 << bits) - 1
        yield f'rgb{bits}', 2, 3, bits, {}, lambda x, y, top=top: ramp(w, h, x, y, top)[:3], lambda c, top=top: tuple(to8(v, top) for v in c) + (255,)
        yield f'rgba{bits}', 2, 4, bits, {338: (3, [2])}, lambda x, y, top=top: ramp(w, h, x, y, top), lambda c, top=top: tuple(to8(v, top) for v in c)
        yield f'rgbx{bits}', 2, 4, bits, {338: (3, [0])}, lambda x, y, top=top: ramp(w, h, x, y, top), lambda c, top=top: tuple(to8(v, top) for v in c[:3]) + (255,)
        yield f'premultiplied{bits}', 2, 4, bits, {338: (3, [1])}, lambda x, y, top=top: [v * ramp(w, h, x, y, top)[3] // top for v in ramp(w, h, x, y, top)[:3]] + ramp(w, h, x, y, top)[3:], \
            lambda c, top=top: tuple(min(255, to8(min(v * top // max(c[3], 1), top), top)) for v in c[:3]) + (to8(c[3], top),)
        yield f'greya{bits}', 1, 2, bits, {338: (3, [2])}, lambda x, y, top=top: ramp(w, h, x, y, top)[2:], lambda c, top=top: (to8(c[0], top),) * 3 + (to8(c[1], top),)
        yield f'cmyk{bits}', 5, 4, bits, {}, lambda x, y, top=top: ramp(w, h, x, y, top)[:3] + [(top - ramp(w, h, x, y, top)[3]) // 2], \
            lambda c, top=top: tuple((255 - to8(v, top)) * (255 - to8(c[3], top)) // 255 for v in c[:3]) + (255,)
    for bits in (1, 2, 4, 8):
        colors = palette(1 << bits)
        table = [c[i] * 257 for i in range(3) for c in colors]
        yield f'palette{bits}', 3, 1, bits, {320: (3, table)}, lambda x, y, bits=bits: [(x * 3 + y * 5) % (1 << bits)], lambda c, colors=colors: colors[c[0]] + (255,)
for (w, h) in SIZES:
    for name, photometric, samples, bits, more, cells, seen in meanings(w, h):
        pixels = [seen(cells(x, y)) for y in range(h) for x in range(w)]
        variants = [(1, False, None, h, True, False, 0, False), (1, False, None, 7, False, False, 0, False), (5, False, None, 16, True, False, 0, False), (8, False, (32, 16), 0, False, False, 0, False),
                    (32946, False, None, h, True, True, 0, False), (32773, False, None, 5, True, False, 0, False), (1, False, (16, 32), 0, True, True, 0, False), (5, False, None, 8, True, False, 0, True)]
        if samples > 1:
            variants += [(1, True, None, h, True, False, 0, False), (8, True, (16, 16), 0, False, False, 0, False), (5, True, None, 3, True, True, 0, False)]
        if bits in (8, 16):
            variants += [(5, False, None, 16, True, False, 2, False), (8, False, (32, 16), 0, False, False, 2, False), (8, True, None, 9, True, False, 2, False)]
        for packing, planar, tile, rows, little, big, predictor, lowest in variants:
            fields = {256: (3, [w]), 257: (4, [h]), 258: (3, [bits] * samples), 259: (3, [packing]), 262: (3, [photometric]), 277: (3, [samples]), 284: (3, [2 if planar else 1])}
            fields.update(more)
            if tile:
                fields.update({322: (3, [tile[0]]), 323: (3, [tile[1]])})
            else:
                fields[278] = (4, [rows])
            if predictor:
                fields[317] = (3, [2])
            if lowest:
                fields[266] = (3, [2])
            chunks = chunked(w, h, samples, bits, cells, planar and samples > 1, tile, rows, little, predictor, PACKERS[packing], lowest)
            label = f'tiff-{name}-{packing}-{"planar" if planar else "together"}-{"tiles" if tile else rows}-{"II" if little else "MM"}{"8" if big else ""}-p{predictor}-{"low" if lowest else "high"}-{w}x{h}.tif'
            save(label, tiff(fields, chunks, little, big), (w, h), pixels, judge=name not in ('greya8', 'rgbx8', 'rgbx16') and 'premultiplied' not in name and not (planar and bits == 16))
    # What libtiff itself writes.
    image = Image.new('RGB', (w, h))
    image.putdata([tuple(ramp(w, h, x, y, 255)[:3]) for y in range(h) for x in range(w)])
    bits = image.convert('L').point(lambda v: 255 if v > 100 else 0).convert('1')
    for mode, kinds in (('1', ('group3', 'group4', 'tiff_ccitt', 'packbits', None)), ('L', ('jpeg', 'tiff_lzw', 'tiff_adobe_deflate', 'packbits')), ('RGB', ('jpeg', 'tiff_deflate', 'tiff_lzw', None)),
                        ('CMYK', ('jpeg', 'tiff_lzw')), ('YCbCr', ('jpeg', None)), ('LAB', ('tiff_lzw', None))):
        for kind in kinds:
            source = bits if mode == '1' else image if mode != 'LAB' else None
            if mode == 'LAB':
                from PIL import ImageCms
                convert = ImageCms.buildTransform(ImageCms.createProfile('sRGB'), ImageCms.createProfile('LAB'), 'RGB', 'LAB')
                picture = ImageCms.applyTransform(image, convert)
                pixels = [p + (255,) for p in image.getdata()]
            else:
                picture = source.convert(mode)
                pixels = list(picture.convert('RGBA').getdata())
            out = io.BytesIO()
            try:
                picture.save(out, 'TIFF', compression=kind)
            except Exception as error:
                continue
            save(f'libtiff-{mode}-{kind}-{w}x{h}.tif', out.getvalue(), (w, h), pixels, judge=mode != 'LAB', far=8)

"""Writes PNGs and GIFs of every structure into a folder, and what Pillow sees in each as rows of RGBA beside it.

PNGs are put together here, since no encoder makes all of them.
"""
import itertools, os, struct, sys, zlib
from PIL import Image
folder = sys.argv[1]
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
def samples(w, h, channels, depth, x, y):
    top = (1 << depth) - 1
    return [(x * top // max(w - 1, 1), y * top // max(h - 1, 1), (x + y) * top // max(w + h - 2, 1), top - x * top // w)[c] for c in range(channels)]
def rows(w, h, channels, depth, alpha, xs, ys, filtered):
    out, before = b'', None
    for n, y in enumerate(ys):
        bits, count = 0, 0
        for x in xs:
            values = samples(w, h, 4, depth, x, y)
            values = values[:channels - 1] + [values[3]] if alpha else values[:channels]
            for value in values:
                bits, count = bits << depth | value, count + depth
        pad = -count % 8
        row = (bits << pad).to_bytes((count + pad) // 8, 'big')
        size = max(channels * depth // 8, 1)
        kind = n % 5 if filtered else 0
        before = before or bytes(len(row))
        out += bytes([kind]) + filter_row(kind, row, before, size)
        before = row
    return out
def filter_row(kind, row, above, size):
    left = bytes(size) + row[:-size] if len(row) > size else bytes(len(row))
    corner = bytes(size) + above[:-size] if len(row) > size else bytes(len(row))
    def guess(a, b, c):
        if kind == 0: return 0
        if kind == 1: return a
        if kind == 2: return b
        if kind == 3: return (a + b) // 2
        p = a + b - c
        pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
        return a if pa <= pb and pa <= pc else b if pb <= pc else c
    return bytes((v - guess(*abc)) & 255 for v, *abc in zip(row, left, above, corner))
PASSES = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)]
COLORS = {0: (1, [1, 2, 4, 8, 16]), 2: (3, [8, 16]), 3: (1, [1, 2, 4, 8]), 4: (2, [8, 16]), 6: (4, [8, 16])}
made = 0
for color, (channels, depths) in COLORS.items():
    for depth, interlace, hidden, split, (w, h) in itertools.product(depths, (0, 1), (False, True), (False, True), ((33, 17), (1, 1), (5, 90))):
        if hidden and color in (4, 6):
            continue
        png = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, depth, color, 0, 0, interlace))
        if color == 3:
            png += chunk(b'PLTE', bytes(b for i in range(1 << depth) for b in (i * 7 % 256, 255 - i * 3 % 256, i * 5 % 256)))
        if hidden:
            png += chunk(b'tRNS', {0: struct.pack('>H', 1), 2: struct.pack('>HHH', 1, 1, 1), 3: bytes([0, 128])[:1 << depth]}[color])
        passes = PASSES if interlace else [(0, 1, 0, 1)]
        raw = b''.join(rows(w, h, channels, depth, color in (4, 6), list(range(a, w, b)), range(c, h, d), color != 3)
            for a, b, c, d in passes if a < w)
        data = zlib.compress(raw)
        for part in [data[i:i + 40] for i in range(0, len(data), 40)] if split else [data]:
            png += chunk(b'IDAT', part)
        name = f'png-c{color}-d{depth}-i{interlace}-t{int(hidden)}-s{int(split)}-{w}x{h}.png'
        open(os.path.join(folder, name), 'wb').write(png + chunk(b'IEND', b''))
for colors, interlace, hidden, (w, h) in itertools.product((2, 4, 16, 200, 256), (0, 1), (None, 1), ((33, 17), (1, 1), (64, 60))):
    image = Image.new('P', (w, h))
    image.putpalette([b for i in range(colors) for b in (i * 7 % 256, 255 - i * 3 % 256, i * 5 % 256)])
    image.putdata([(x * 3 + y * 5) % colors for y in range(h) for x in range(w)])
    options = {} if hidden is None else {'transparency': hidden}
    image.save(os.path.join(folder, f'gif-{colors}-i{interlace}-t{hidden}-{w}x{h}.gif'), interlace=interlace, **options)
for name in os.listdir(folder):
    image = Image.open(os.path.join(folder, name))
    if image.mode.startswith('I'):
        # Pillow keeps grey of 16 bits as it is, and hides nothing of it.
        hidden = image.info.get('transparency')
        grey = list(image.getdata())
        pixels = bytes(b for v in grey for b in [(v + 128) // 257] * 3 + [0 if v == hidden else 255])
    elif name.startswith('png-c0') and '-t1' in name:
        # Pillow widens grey of few bits, but not the shade that is hidden.
        top = (1 << int(name.split('-')[2][1:])) - 1
        shades = image.convert('L').getdata()
        pixels = bytes(b for v in shades for b in (v, v, v, 0 if v == 255 // top else 255))
    else:
        pixels = image.convert('RGBA').tobytes()
    open(os.path.join(folder, name + '.rgba'), 'wb').write(struct.pack('>II', *image.size) + pixels)

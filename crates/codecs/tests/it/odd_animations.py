"""Writes odd animations into a folder, and beside each what browsers show: width, height, how often it is played (0 for ever),
the number of frames, and of each its milliseconds and its RGBA."""
import io, os, struct, sys, zlib
from PIL import Image
folder = sys.argv[1]
W = H = 24
RED, GREEN, BLUE, WHITE, CLEAR = (200, 30, 30, 255), (30, 160, 30, 255), (40, 40, 200, 255), (240, 240, 240, 255), (0, 0, 0, 0)
PALETTE = [RED, GREEN, BLUE, WHITE]

class Shown:
    """A canvas as browsers have it; frames are (milliseconds, pixels)."""
    def __init__(self, plays, size=(W, H)):
        self.plays, self.size, self.frames = plays, size, []
        self.canvas = Image.new('RGBA', size)
    def frame(self, place, pixels, delay, disposal='keep', blend=True):
        """`pixels` are an RGBA picture, laid at `place`."""
        before = self.canvas.copy()
        layer = Image.new('RGBA', self.size)
        layer.paste(pixels, place)
        box = (place[0], place[1], min(place[0] + pixels.size[0], self.size[0]), min(place[1] + pixels.size[1], self.size[1]))
        visible = box[0] < box[2] and box[1] < box[3]
        if visible:
            part = layer.crop(box)
            self.canvas = self.canvas.copy()
            self.canvas.paste(Image.alpha_composite(self.canvas.crop(box), part) if blend else part, box)
        self.frames.append((100 if delay <= 10 else delay, self.canvas.tobytes()))
        if disposal == 'clear' and visible:
            self.canvas = self.canvas.copy()
            self.canvas.paste(CLEAR, box)
        if disposal == 'restore':
            self.canvas = before
    def save(self, name, data):
        open(os.path.join(folder, name), 'wb').write(data)
        head = struct.pack('>IIII', *self.size, self.plays, len(self.frames))
        open(os.path.join(folder, name + '.frames'), 'wb').write(head + b''.join(struct.pack('>I', ms) + rgba for ms, rgba in self.frames))
def flat(color, w=W, h=H):
    return Image.new('RGBA', (w, h), color)

# GIF.
def lzw(indices):
    """Codes of three bits, each pixel behind a code that clears the table."""
    bits, count, out = 0, 0, b''
    for code in [c for i in indices for c in (4, i)] + [5]:
        bits |= code << count
        count += 3
        while count >= 8:
            out, bits, count = out + bytes([bits & 255]), bits >> 8, count - 8
    out += bytes([bits]) if count else b''
    return b'\x02' + b''.join(bytes([len(out[i:i + 255])]) + out[i:i + 255] for i in range(0, len(out), 255)) + b'\0'
def gif_head(screen=(W, H), background=0, palette=True):
    return b'GIF89a' + struct.pack('<HHBBB', *screen, 0x81 if palette else 0, background, 0) + (bytes(v for c in PALETTE for v in c[:3]) if palette else b'')
def loops(times, name=b'NETSCAPE2.0'):
    return b'\x21\xff\x0b' + name + b'\x03\x01' + struct.pack('<H', times) + b'\0'
def control(delay, disposal=0, clear=None):
    return b'\x21\xf9\x04' + struct.pack('<BHB', disposal << 2 | (clear is not None), delay, clear or 0) + b'\0'
def picture(indices, place=(0, 0), size=(W, H), local=None, interlaced=False):
    if interlaced:
        order = [y for first, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(first, size[1], step)]
        indices = [v for y in order for v in indices[y * size[0]:(y + 1) * size[0]]]
    table = bytes(v for c in local for v in c[:3]) if local else b''
    return b'\x2c' + struct.pack('<HHHHB', *place, *size, (0x81 if local else 0) | (0x40 if interlaced else 0)) + table + lzw(indices)
def full(index):
    return [index] * (W * H)
END = b'\x3b'
for delay in (0, 1, 2, 3, 7, 65535):
    shown = Shown(0)
    shown.frame((0, 0), flat(RED), delay * 10)
    shown.frame((0, 0), flat(GREEN), delay * 10)
    shown.save(f'delay-{delay}.gif', gif_head() + loops(0) + control(delay) + picture(full(0)) + control(delay) + picture(full(1)) + END)
for times, plays in ((0, 0), (1, 2), (2, 3), (9, 10), (65534, 65535), (65535, 65535)):
    for label, name in (('', b'NETSCAPE2.0'), ('-anim', b'ANIMEXTS1.0')):
        shown = Shown(plays)
        shown.frame((0, 0), flat(RED), 50)
        shown.frame((0, 0), flat(GREEN), 50)
        shown.save(f'loops-{times}{label}.gif', gif_head() + loops(times, name) + control(5) + picture(full(0)) + control(5) + picture(full(1)) + END)
shown = Shown(1)
shown.frame((0, 0), flat(RED), 50)
shown.frame((0, 0), flat(GREEN), 50)
shown.save('loops-none.gif', gif_head() + control(5) + picture(full(0)) + control(5) + picture(full(1)) + END)
NAMES = {0: 'keep', 1: 'keep', 2: 'clear', 3: 'restore', 4: 'restore', 5: 'keep', 6: 'keep', 7: 'keep'}
for first in range(8):
    for second in (0, 2, 3):
        shown = Shown(0)
        shown.frame((0, 0), flat(RED), 50, NAMES[first])
        shown.frame((6, 6), flat(GREEN, 9, 9), 50, NAMES[second])
        shown.frame((12, 0), flat(BLUE, 9, 9), 50)
        shown.save(f'disposal-{first}-{second}.gif', gif_head(background=2) + loops(0) + control(5, first) + picture(full(0)) + control(5, second)
            + picture([1] * 81, (6, 6), (9, 9)) + control(5) + picture([2] * 81, (12, 0), (9, 9)) + END)
for label, place, size in (('part', (18, 18), (12, 12)), ('right', (24, 0), (5, 5)), ('far', (5000, 5000), (5, 5)), ('larger', (0, 0), (40, 40)), ('wide', (4, 4), (40, 3))):
    for disposal in (0, 2, 3):
        shown = Shown(0)
        shown.frame((0, 0), flat(RED), 50)
        shown.frame(place, flat(GREEN, *size), 50, NAMES[disposal])
        shown.frame((0, 0), flat(BLUE, 4, 4), 50)
        shown.save(f'outside-{label}-{disposal}.gif', gif_head() + loops(0) + control(5) + picture(full(0)) + control(5, disposal) + picture([1] * (size[0] * size[1]), place, size)
            + control(5) + picture([2] * 16, (0, 0), (4, 4)) + END)
stripes = [i % 2 for i in range(W * H)]
striped = lambda a, b: Image.frombytes('RGBA', (W, H), bytes(v for i in stripes for v in (b if i else a)))
for disposal in (0, 2, 3):
    shown = Shown(0)
    shown.frame((0, 0), striped(RED, CLEAR), 50, NAMES[disposal])
    shown.frame((0, 0), striped(CLEAR, BLUE), 50)
    shown.save(f'clear-{disposal}.gif', gif_head() + loops(0) + control(5, disposal, 1) + picture(stripes) + control(5, 0, 0) + picture([2 * i for i in stripes]) + END)
shown = Shown(0)
shown.frame((8, 8), flat(RED, 9, 9), 50)
shown.frame((0, 0), flat(GREEN, 4, 4), 50)
shown.save('small-first.gif', gif_head(background=1) + loops(0) + control(5) + picture([0] * 81, (8, 8), (9, 9)) + control(5) + picture([1] * 16, (0, 0), (4, 4)) + END)
shown = Shown(0)
shown.frame((0, 0), striped(RED, GREEN), 50)
shown.frame((0, 0), striped(GREEN, BLUE), 50)
shown.save('interlaced.gif', gif_head() + loops(0) + control(5) + picture(stripes, interlaced=True) + control(5) + picture([i + 1 for i in stripes], interlaced=True) + END)
shown.save('local.gif', gif_head(palette=False) + loops(0) + control(5) + picture(stripes, local=PALETTE) + control(5) + picture(stripes, local=[GREEN, BLUE, RED, RED]) + END)
shown = Shown(0)
shown.frame((0, 0), flat(RED), 70)
shown.frame((0, 0), flat(GREEN), 50)
shown.save('two-controls.gif', gif_head() + loops(0) + control(5) + control(7) + picture(full(0)) + control(5) + picture(full(1)) + control(90) + END)
shown = Shown(3)
shown.frame((0, 0), flat(RED), 50)
shown.frame((0, 0), flat(GREEN), 50)
shown.save('loops-late.gif', gif_head() + control(5) + picture(full(0)) + loops(2) + control(5) + picture(full(1)) + END)
shown.save('loops-twice.gif', gif_head() + loops(7) + loops(2) + control(5) + picture(full(0)) + control(5) + picture(full(1)) + END)
shown = Shown(0)
shown.frame((0, 0), flat(RED), 100)
shown.frame((0, 0), flat(GREEN), 100)
shown.save('no-control.gif', gif_head() + loops(0) + picture(full(0)) + picture(full(1)) + END)

# APNG.
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
def packed(image):
    raw, w = image.tobytes(), image.size[0] * 4
    return zlib.compress(b''.join(b'\0' + raw[y:y + w] for y in range(0, len(raw), w)))
def apng(frames, plays=0, announced=None, before=True, hidden=None):
    """Frames are (place, picture, numerator, denominator, disposal, blend)."""
    out = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', W, H, 8, 6, 0, 0, 0))
    head = chunk(b'acTL', struct.pack('>II', len(frames) if announced is None else announced, plays))
    out += head if before else b''
    number = 0
    if hidden:
        out += chunk(b'IDAT', packed(hidden))
    for index, (place, image, above, below, disposal, blend) in enumerate(frames):
        out += chunk(b'fcTL', struct.pack('>IIIIIHHBB', number, *image.size, *place, above, below, disposal, blend))
        number += 1
        if index == 0 and not hidden:
            out += chunk(b'IDAT', packed(image))
            out += b'' if before else head
        else:
            out += chunk(b'fdAT', struct.pack('>I', number) + packed(image))
            number += 1
    return out + chunk(b'IEND', b'')
for label, above, below, ms in (('0-0', 0, 0, 0), ('0-1', 0, 1, 0), ('5-0', 5, 0, 50), ('1-100', 1, 100, 10), ('11-1000', 11, 1000, 11), ('1-3', 1, 3, 333), ('65535-1', 65535, 1, 16777215)): # the last is more than a WebP can say
    shown = Shown(0)
    shown.frame((0, 0), flat(RED), ms)
    shown.frame((0, 0), flat(GREEN), ms)
    shown.save(f'delay-{label}.png', apng([((0, 0), flat(RED), above, below, 0, 0), ((0, 0), flat(GREEN), above, below, 0, 0)]))
for plays in (0, 1, 2, 65535):
    shown = Shown(plays)
    shown.frame((0, 0), flat(RED), 50)
    shown.frame((0, 0), flat(GREEN), 50)
    shown.save(f'plays-{plays}.png', apng([((0, 0), flat(RED), 5, 100, 0, 0), ((0, 0), flat(GREEN), 5, 100, 0, 0)], plays))
    shown.save(f'hidden-{plays}.png', apng([((0, 0), flat(RED), 5, 100, 0, 0), ((0, 0), flat(GREEN), 5, 100, 0, 0)], plays, hidden=flat(BLUE)))
half = (40, 40, 200, 128)
for first in range(3):
    for second in range(3):
        for blend in range(2):
            shown = Shown(0)
            names = ('keep', 'clear', 'restore')
            # There is nothing to be restored before the first.
            shown.frame((0, 0), striped(RED, CLEAR), 50, 'clear' if first == 2 else names[first], False)
            shown.frame((6, 6), flat(half, 9, 9), 50, names[second], bool(blend))
            shown.frame((12, 0), flat(GREEN, 9, 9), 50, 'keep', True)
            shown.save(f'ops-{first}-{second}-{blend}.png', apng([((0, 0), striped(RED, CLEAR), 5, 100, first, 0), ((6, 6), flat(half, 9, 9), 5, 100, second, blend), ((12, 0), flat(GREEN, 9, 9), 5, 100, 0, 1)]))

# WebP.
def webp(frames, plays=0, background=(0, 0, 0, 0)):
    """Frames are (place, picture, milliseconds, clear, blend)."""
    body = b'VP8X' + struct.pack('<I', 10) + bytes([0x12, 0, 0, 0]) + (W - 1).to_bytes(3, 'little') + (H - 1).to_bytes(3, 'little')
    body += b'ANIM' + struct.pack('<I', 6) + bytes(background) + struct.pack('<H', plays)
    for (left, top), image, ms, clear, blend in frames:
        out = io.BytesIO()
        image.save(out, 'WEBP', lossless=True, exact=True)
        data = out.getvalue()[12:]
        fields = b''.join(v.to_bytes(3, 'little') for v in (left // 2, top // 2, image.size[0] - 1, image.size[1] - 1, ms)) + bytes([clear | (0 if blend else 2)])
        body += b'ANMF' + struct.pack('<I', 16 + len(data)) + fields + data
    return b'RIFF' + struct.pack('<I', 4 + len(body)) + b'WEBP' + body
for ms in (0, 1, 10, 11, 20, 100, 16777215):
    shown = Shown(0)
    shown.frame((0, 0), flat(RED), ms)
    shown.frame((0, 0), flat(GREEN), ms)
    shown.save(f'delay-{ms}.webp', webp([((0, 0), flat(RED), ms, 0, 1), ((0, 0), flat(GREEN), ms, 0, 1)]))
for plays in (0, 1, 2, 65535):
    shown = Shown(plays)
    shown.frame((0, 0), flat(RED), 50)
    shown.frame((0, 0), flat(GREEN), 50)
    shown.save(f'plays-{plays}.webp', webp([((0, 0), flat(RED), 50, 0, 1), ((0, 0), flat(GREEN), 50, 0, 1)], plays, (255, 0, 255, 255)))
for first in range(2):
    for second in range(2):
        for blend in range(2):
            shown = Shown(0)
            shown.frame((4, 4), striped(RED, CLEAR).crop((0, 0, 16, 16)), 50, ('keep', 'clear')[first], True)
            shown.frame((6, 6), flat(half, 9, 9), 50, ('keep', 'clear')[second], bool(blend))
            shown.frame((12, 0), flat(GREEN, 9, 9), 50, 'keep', True)
            shown.save(f'ops-{first}-{second}-{blend}.webp', webp([((4, 4), striped(RED, CLEAR).crop((0, 0, 16, 16)), 50, first, 1), ((6, 6), flat(half, 9, 9), 50, second, blend), ((12, 0), flat(GREEN, 9, 9), 50, 0, 1)], 0, (9, 99, 199, 255)))

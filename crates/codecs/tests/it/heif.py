"""Writes AVIFs and HEICs of many kinds into a folder, and what libavif and libheif see in each as rows of RGBA beside it."""
import os, struct, subprocess, sys, zlib
from PIL import Image
folder = sys.argv[1]
def path(name):
    return os.path.join(folder, name)
def run(*args):
    done = subprocess.run(args, capture_output=True, text=True)
    assert done.returncode == 0, (args, done.stdout, done.stderr)
def color(w, h, x, y, fields):
    """Ramps of 16 bits and fields or a wave, with alpha."""
    top = 65535
    blue = (x // 16 + y // 16) % 2 * top // 2 + top // 4 if fields else abs((x + y) % 64 - 32) * top // 32
    return [x * top // w, y * top // h, blue, top if x > w // 2 else 8000 + y * 40000 // h]
def png(name, w, h, alpha, deep, fields=True):
    rows = b''
    for y in range(h):
        pixels = [color(w, h, x, y, fields)[:4 if alpha else 3] for x in range(w)]
        flat = [v for pixel in pixels for v in pixel]
        rows += b'\0' + (struct.pack('>%dH' % len(flat), *flat) if deep else bytes(v >> 8 for v in flat))
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    header = struct.pack('>IIBBBBB', w, h, 16 if deep else 8, 6 if alpha else 2, 0, 0, 0)
    open(path(name), 'wb').write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
    return path(name)
def keep(name, seen, change=lambda image: image):
    image = Image.open(seen)
    if image.mode.startswith('I'):
        image = image.point(lambda v: v / 257).convert('L')
    image = change(image.convert('RGBA'))
    open(path(name + '.rgba'), 'wb').write(struct.pack('>II', *image.size) + image.tobytes())
    os.remove(seen)
T = Image.Transpose
sources = []
for w, h in ((160, 128), (77, 65), (64, 64)):
    for alpha in (False, True):
        source = png(f'source-{w}-{int(alpha)}.png', w, h, alpha, False)
        # libheif repeats samples of colour where we and libavif widen them: at sharp edges that is not the same.
        soft = png(f'soft-{w}-{int(alpha)}.png', w, h, alpha, False, False)
        deep = png(f'deep-{w}-{int(alpha)}.png', w, h, alpha, True, False)
        sources += [source, soft, deep]
        def avif(label, *args, change=lambda image: image, source=source):
            name = f'{label}-{w}x{h}-a{int(alpha)}.avif'
            inputs = source if isinstance(source, list) else [source]
            run('avifenc', '-s', '10', '--min', '5', '--max', '20', *args, *inputs, path(name))
            run('avifdec', '-u', 'best', '-d', '8', path(name), path('seen.png'))
            keep(name, path('seen.png'), change)
        for depth in ('8', '10', '12'):
            for yuv in ('444', '422', '420', '400'):
                for span in ('l', 'f'):
                    if (depth, yuv, span, alpha) == ('8', '400', 'l', False):
                        continue # avifdec 0.11 takes these samples for those of the full range
                    avif(f'd{depth}-{yuv}-{span}', '-d', depth, '-y', yuv, '-r', span)
        avif('lossless', '-l')
        avif('bt709', '--cicp', '1/13/1')
        avif('bt2020-matrix', '--cicp', '1/13/9')
        avif('greens', '--cicp', '1/13/8', '-y', '444', '-d', '10')
        avif('unspecified', '--cicp', '2/2/2')
        avif('tiles', '--tilerowslog2', '1', '--tilecolslog2', '1')
        if alpha:
            avif('premultiplied', '-p')
        for turn, by in (('1', T.ROTATE_90), ('2', T.ROTATE_180), ('3', T.ROTATE_270)):
            avif(f'turn{turn}', '--irot', turn, change=lambda image, by=by: image.transpose(by))
        for axis, by in (('0', T.FLIP_TOP_BOTTOM), ('1', T.FLIP_LEFT_RIGHT)):
            avif(f'mirror{axis}', '--imir', axis, change=lambda image, by=by: image.transpose(by))
            avif(f'turn1-mirror{axis}', '--irot', '1', '--imir', axis, change=lambda image, by=by: image.transpose(T.ROTATE_90).transpose(by))
        if w == 160:
            avif('crop', '--crop', '8,10,60,40', '-y', '444', change=lambda image: image.crop((8, 10, 68, 50)))
            avif('crop-turn', '--crop', '8,10,60,40', '-y', '444', '--irot', '1', change=lambda image: image.crop((8, 10, 68, 50)).transpose(T.ROTATE_90))
            avif('grid', '-g', '2x3', '-y', '444', source=[source] * 6)
            avif('grid420', '-g', '2x1', '-y', '420', source=[source] * 2)
        def heic(label, source, *args):
            name = f'{label}-{w}x{h}-a{int(alpha)}.heic'
            run('heif-enc', '-q', '85', '-p', 'preset=ultrafast', *args, source, '-o', path(name))
            run('heif-convert', path(name), path('seen.png'))
            keep(name, path('seen.png'))
        for chroma in ('420', '422', '444'):
            heic(f'h8-{chroma}', soft, '-p', f'chroma={chroma}')
            heic(f'h10-{chroma}', deep, '-b', '10', '-p', f'chroma={chroma}')
        heic('h8-limited', soft, '--full_range_flag=0')
        heic('h8-bt709', soft, '--matrix_coefficients=1')
        heic('h8-thumbnail', soft, '-t', '32')
        heic('h8-ctu16', soft, '-p', 'x265:ctu=16')
        heic('h8-slow', soft, '-p', 'preset=slow')
        heic('h8-coarse', soft, '-p', 'quality=20')
for source in sources:
    os.remove(source)

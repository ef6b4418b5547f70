"""Writes small pictures into a folder that say in every way what their colours mean, and beside each what that is in sRGB, as
rows of RGBA. Profiles are made and applied by Little CMS; what code points and PNG's chunks mean is computed here."""
import ctypes, functools, itertools, math, os, struct, subprocess, sys, zlib
from PIL import Image
folder = sys.argv[1]
LEVELS = (0, 51, 102, 153, 204, 255)
COLORS = [(r, g, b) for r in LEVELS for g in LEVELS for b in LEVELS]
SIZE = (18, 12)
def path(name):
    return os.path.join(folder, name)
def keep(name, colors, size=SIZE):
    """What should be seen of a file: red, green and blue of 0 to 255, perhaps with alpha."""
    pixels = bytes(v for color in colors for v in (*color, 255)[:4])
    open(path(name + '.rgba'), 'wb').write(struct.pack('>II', *size) + pixels)

# Linear light to sRGB.
WHITES = {'d65': (0.3127, 0.3290), 'd50': (0.3457, 0.3585), 'c': (0.310, 0.316), 'dci': (0.314, 0.351), 'e': (1 / 3, 1 / 3)}
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), 'd65')
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), 'd65')
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), 'd65')
PROPHOTO = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), 'd50')
BT2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), 'd65')
def inverse(m):
    (a, b, c), (d, e, f), (g, h, i) = m
    t = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    n = [[e * i - f * h, c * h - b * i, b * f - c * e], [f * g - d * i, a * i - c * g, c * d - a * f], [d * h - e * g, b * g - a * h, a * e - b * d]]
    return [[v / t for v in row] for row in n]
def times(m, v):
    return [sum(a * b for a, b in zip(row, v)) for row in m]
def product(m, n):
    return [[sum(m[i][k] * n[k][j] for k in range(3)) for j in range(3)] for i in range(3)]
def xyz(point):
    x, y = WHITES.get(point, point)
    return [x / y, 1, (1 - x - y) / y]
@functools.lru_cache(None)
def to_d50(primaries):
    """From linear light of these primaries to XYZ under D50 (Bradford)."""
    *points, white = primaries
    columns = [[x, y, 1 - x - y] for x, y in points]
    rows = [list(row) for row in zip(*columns)]
    scale = times(inverse(rows), xyz(white))
    matrix = [[v * s for v, s in zip(row, scale)] for row in rows]
    cones = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    there, here = times(cones, xyz('d50')), times(cones, xyz(white))
    adapt = product(inverse(cones), product([[there[i] / here[i] if i == j else 0 for j in range(3)] for i in range(3)], cones))
    return product(adapt, matrix)
@functools.lru_cache(None)
def to_srgb(primaries):
    return product(inverse(to_d50(SRGB)), to_d50(primaries))
def of_srgb(v):
    return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
def encoded(v):
    v = min(max(v, 0), 1)
    return 255 * (12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055)
def shown(colors, primaries, light, mapped=lambda color: color):
    """Samples of 0 to 1 in sRGB of 0 to 255."""
    matrix, light = to_srgb(primaries), functools.lru_cache(None)(light)
    return [[round(encoded(v)) for v in times(matrix, mapped([light(v) for v in color]))] for color in colors]

# Transfer functions (ITU-T H.273 table 3).
def bt709(v):
    return v / 4.5 if v < 0.081 else ((v + 0.099) / 1.099) ** (1 / 0.45)
def smpte240(v):
    return v / 4 if v < 0.0913 else ((v + 0.1115) / 1.1115) ** (1 / 0.45)
def pq(v):
    """Light in cd/m2."""
    p = v ** (1 / 78.84375)
    return 10000 * (max(p - 0.8359375, 0) / (18.8515625 - 18.6875 * p)) ** (1 / 0.1593017578125)
def hlg(v):
    """Light before the camera."""
    return v * v / 3 if v <= 0.5 else (math.exp((v - 0.55991073) / 0.17883277) + 0.28466892) / 12
def on_screen(color):
    """Light in cd/m2 on a screen of 1,000 of HLG (ITU-R BT.2100 table 5)."""
    luminance = sum(a * b for a, b in zip((0.2627, 0.6780, 0.0593), color))
    return [1000 * v * luminance ** 0.2 if luminance else 0 for v in color]
def bent(color, brightest):
    """Light in cd/m2 brought down to a display without any to spare, as measured of Chromium 156: diffuse white of 203 cd/m2
    gets dimmer with the light of the brightest pixel, down to a half at 1,000, and what is brighter bends on a parabola."""
    color, most = [v / 203 for v in color], max(brightest / 203, 1)
    top, knee = max(color), 1 - 0.5 * min(math.log(most) / math.log(1000 / 203), 1)
    if most == 1 or top <= 1:
        return [v * knee for v in color]
    if top >= most:
        return [v / top for v in color]
    x, y = 0.35 + 0.65 / knee, 0.35 * knee + 0.65
    low, high = 0, 1
    for _ in range(50):
        t = (low + high) / 2
        low, high = (t, high) if (1 - t) ** 2 + 2 * x * t * (1 - t) + most * t * t < top else (low, t)
    return [v * (knee * (1 - t) ** 2 + 2 * y * t * (1 - t) + t * t) / top for v in color]
def high_range(colors, primaries, transfer, brightest=None):
    """Samples of 0 to 1; what is brightest is measured, up to 1,000 cd/m2, if it is not said."""
    top = max(v for color in colors for v in color)
    if transfer == 16:
        brightest = brightest or min(pq(top), 1000)
        return shown(colors, primaries, pq, lambda color: bent(color, brightest))
    brightest = brightest or 1000 * hlg(top) ** 1.2
    return shown(colors, primaries, hlg, lambda color: bent(on_screen(color), brightest))

# Profiles by Little CMS.
cms = ctypes.CDLL('liblcms2.so.2')
P, D, U = ctypes.c_void_p, ctypes.c_double, ctypes.c_uint32
for name, result, arguments in (
    ('cmsBuildGamma', P, (P, D)), ('cmsBuildParametricToneCurve', P, (P, ctypes.c_int32, P)), ('cmsBuildTabulatedToneCurve16', P, (P, U, P)),
    ('cmsCreateRGBProfile', P, (P, P, P)), ('cmsCreateGrayProfile', P, (P, P)), ('cmsCreate_sRGBProfile', P, ()), ('cmsCreateProfilePlaceholder', P, (P,)),
    ('cmsSetProfileVersion', None, (P, D)), ('cmsSetDeviceClass', None, (P, U)), ('cmsSetColorSpace', None, (P, U)), ('cmsSetPCS', None, (P, U)),
    ('cmsWriteTag', ctypes.c_int, (P, U, P)), ('cmsSaveProfileToMem', ctypes.c_int, (P, P, P)), ('cmsOpenProfileFromMem', P, (P, U)),
    ('cmsPipelineAlloc', P, (P, U, U)), ('cmsPipelineInsertStage', ctypes.c_int, (P, ctypes.c_int, P)), ('cmsPipelineSetSaveAs8bitsFlag', ctypes.c_int, (P, ctypes.c_int)),
    ('cmsStageAllocToneCurves', P, (P, U, P)), ('cmsStageAllocCLut16bit', P, (P, U, U, U, P)),
    ('cmsCreateTransform', P, (P, U, P, U, U, U)), ('cmsDoTransform', None, (P, P, P, U)), ('cmsDeleteTransform', None, (P,)), ('cmsCloseProfile', ctypes.c_int, (P,)),
):
    getattr(cms, name).restype, getattr(cms, name).argtypes = result, arguments
def sign(text):
    return int.from_bytes(text, 'big')
def curve(kind):
    if kind == 'srgb':
        return cms.cmsBuildParametricToneCurve(None, 4, (D * 5)(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    if kind == 'table':
        return cms.cmsBuildTabulatedToneCurve16(None, 1024, (ctypes.c_uint16 * 1024)(*[round(65535 * of_srgb(i / 1023)) for i in range(1024)]))
    return cms.cmsBuildGamma(None, kind)
def saved(profile, version):
    cms.cmsSetProfileVersion(profile, version)
    size = U(0)
    assert cms.cmsSaveProfileToMem(profile, None, ctypes.byref(size))
    data = ctypes.create_string_buffer(size.value)
    assert cms.cmsSaveProfileToMem(profile, data, ctypes.byref(size))
    return data.raw
def by_matrix(primaries, kind, version):
    *points, white = primaries
    flat = [v for x, y in points for v in (x, y, 1)]
    return saved(cms.cmsCreateRGBProfile((D * 3)(*WHITES[white], 1), (D * 9)(*flat), (P * 3)(*[curve(kind)] * 3)), version)
def grey(kind, version):
    return saved(cms.cmsCreateGrayProfile((D * 3)(*WHITES['d50'], 1), curve(kind)), version)
def lab(x, y, z):
    f = lambda v: v ** (1 / 3) if v > (6 / 29) ** 3 else v * 841 / 108 + 4 / 29
    wx, wy, wz = xyz('d50')
    fx, fy, fz = f(max(x / wx, 0)), f(max(y / wy, 0)), f(max(z / wz, 0))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)
def by_table(space, channels, grid, light, version, eight_bits=False):
    """A profile whose table gives L*a*b* of what `light` gives as linear light of some primaries."""
    profile = cms.cmsCreateProfilePlaceholder(None)
    cms.cmsSetProfileVersion(profile, version)
    cms.cmsSetDeviceClass(profile, sign(b'prtr' if channels == 4 else b'mntr'))
    cms.cmsSetColorSpace(profile, sign(space))
    cms.cmsSetPCS(profile, sign(b'Lab '))
    assert cms.cmsWriteTag(profile, sign(b'wtpt'), (D * 3)(0.9642, 1, 0.8249))
    scales = (652.8, 256, 256) if version < 4 else (655.35, 257, 257)
    table = []
    for node in itertools.product(range(grid), repeat=channels):
        primaries, color = light([v / (grid - 1) for v in node])
        values = lab(*times(to_d50(primaries), color))
        table += [min(max(round(v * s), 0), 65535) for v, s in zip((values[0], values[1] + 128, values[2] + 128), scales)]
    pipeline = cms.cmsPipelineAlloc(None, channels, 3)
    for stage in (cms.cmsStageAllocToneCurves(None, channels, (P * channels)(*[curve(1.0)] * channels)),
                  cms.cmsStageAllocCLut16bit(None, grid, channels, 3, (ctypes.c_uint16 * len(table))(*table)),
                  cms.cmsStageAllocToneCurves(None, 3, (P * 3)(*[curve(1.0)] * 3))):
        assert stage and cms.cmsPipelineInsertStage(pipeline, 1, stage)
    cms.cmsPipelineSetSaveAs8bitsFlag(pipeline, eight_bits)
    assert cms.cmsWriteTag(profile, sign(b'A2B0'), pipeline)
    return saved(profile, version)
def ink(color):
    """Inks that are not quite clean, on paper that is not quite white."""
    c, m, y, k = color
    light = [(1 - 0.92 * c) * (1 - 0.10 * m) * (1 - 0.03 * y), (1 - 0.25 * c) * (1 - 0.85 * m) * (1 - 0.08 * y), (1 - 0.12 * c) * (1 - 0.35 * m) * (1 - 0.90 * y)]
    return SRGB, [0.97 * (v * (1 - 0.97 * k)) ** 1.6 for v in light]
FORMATS = {'RGB': 4 << 16 | 3 << 3, 'L': 3 << 16 | 1 << 3, 'CMYK': 6 << 16 | 4 << 3}
def converted(icc, mode, samples, size=1):
    """Samples of so many bytes in sRGB. Browsers compensate for no black point, so colours are taken relative to white alone."""
    profile, srgb = cms.cmsOpenProfileFromMem(icc, len(icc)), cms.cmsCreate_sRGBProfile()
    channels = {'RGB': 3, 'L': 1, 'CMYK': 4}[mode]
    transform = cms.cmsCreateTransform(profile, FORMATS[mode] | size, srgb, FORMATS['RGB'] | 1, 1, 0x100)
    assert transform, mode
    pixels = len(samples) // channels // size
    out = ctypes.create_string_buffer(pixels * 3)
    cms.cmsDoTransform(transform, samples, out, pixels)
    for free, what in ((cms.cmsDeleteTransform, transform), (cms.cmsCloseProfile, profile), (cms.cmsCloseProfile, srgb)):
        free(what)
    return [tuple(out.raw[i:i + 3]) for i in range(0, pixels * 3, 3)]

# Containers.
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
def png(name, samples, color=2, deep=False, said=b''):
    """Of samples of 8 bits, or of 16 with `deep`; `said` are the chunks before the picture."""
    width, height = SIZE
    step = len(samples) // height
    rows = b''.join(b'\0' + (samples[y * step:(y + 1) * step]) for y in range(height))
    header = struct.pack('>IIBBBBB', width, height, 16 if deep else 8, color, 0, 0, 0)
    open(path(name), 'wb').write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + said + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
def iccp(icc):
    return chunk(b'iCCP', b'some\0\0' + zlib.compress(icc))
def deep_tiff(name, samples, channels, meaning, icc):
    """Of 16 bits, in one strip, the highest byte first."""
    width, height = SIZE
    tail = struct.pack('>%dH' % channels, *[16] * channels)
    entry = lambda tag, kind, count, value: struct.pack('>HHI', tag, kind, count) + (struct.pack('>HH', value, 0) if kind == 3 and count == 1 else struct.pack('>I', value))
    ends = 8 + 2 + 9 * 12 + 4
    places = [ends, ends + len(tail), ends + len(tail) + len(icc)]
    bits = entry(258, 3, channels, 16 if channels == 1 else places[0])
    fields = [entry(256, 3, 1, width), entry(257, 3, 1, height), bits, entry(259, 3, 1, 1), entry(262, 3, 1, meaning), entry(273, 4, 1, places[2]),
        entry(277, 3, 1, channels), entry(279, 4, 1, len(samples)), entry(34675, 7, len(icc), places[1])]
    open(path(name), 'wb').write(b'MM\0*\0\0\0\x08' + struct.pack('>H', 9) + b''.join(fields) + bytes(4) + tail + icc + samples)
def run(*args):
    done = subprocess.run(args, capture_output=True, text=True)
    assert done.returncode == 0, (args, done.stdout, done.stderr)
flat = bytes(v for color in COLORS for v in color)
wide = lambda samples: bytes(b for v in samples for b in (v, v))
inks = bytes(v for i, color in enumerate(COLORS) for v in (*color, LEVELS[i % 6] // 2))
greys = bytes(i for i in range(216))
def save(name, mode, samples, icc, **options):
    image = Image.frombytes(mode, SIZE, samples)
    image.save(path(name), icc_profile=icc, **options)
    return samples if name.endswith('.png') else Image.open(path(name)).convert(mode).tobytes()

# 1. Profiles, in all containers.
def adobe(color):
    return ADOBE, [v ** 2.2 for v in color]
profiles = {}
for version in (2.1, 4.3):
    for name, primaries, kind in (('p3', P3, 'srgb'), ('adobe', ADOBE, 563 / 256), ('prophoto', PROPHOTO, 1.8), ('srgb', SRGB, 'srgb'),
            ('table', P3, 'table'), ('linear', BT2020, 1.0), ('swapped', (SRGB[1], SRGB[2], SRGB[0], 'd65'), 2.2)):
        profiles[f'{name}-v{int(version)}'] = ('RGB', by_matrix(primaries, kind, version))
    for gamma in (1.0, 1.8, 2.2, 'table'):
        profiles[f'grey{gamma}-v{int(version)}'] = ('L', grey(gamma, version))
    profiles[f'lut-v{int(version)}'] = ('RGB', by_table(b'RGB ', 3, 17, adobe, version))
    profiles[f'cmyk-v{int(version)}'] = ('CMYK', by_table(b'CMYK', 4, 7, ink, version))
profiles['lut8-v2'] = ('RGB', by_table(b'RGB ', 3, 17, adobe, 2.1, True))
profiles['cmyk8-v2'] = ('CMYK', by_table(b'CMYK', 4, 7, ink, 2.1, True))
for name, (mode, icc) in profiles.items():
    samples = {'RGB': flat, 'L': greys, 'CMYK': inks}[mode]
    kinds = [('jpg', {'quality': 100, 'subsampling': 0} if mode == 'RGB' else {'quality': 100}), ('tiff', {})]
    if mode != 'CMYK':
        kinds.append(('png', {}))
    if mode == 'RGB':
        kinds.append(('webp', {'lossless': True}))
    for ending, options in kinds:
        stored = save(f'icc-{name}.{ending}', mode, samples, icc, **options)
        keep(f'icc-{name}.{ending}', converted(icc, mode, stored))
    deep = wide(samples)
    seen = converted(icc, mode, deep, 2)
    deep_tiff(f'icc-{name}-16.tiff', deep, len(samples) // 216, {'RGB': 2, 'L': 1, 'CMYK': 5}[mode], icc)
    keep(f'icc-{name}-16.tiff', seen)
    if mode == 'CMYK':
        continue
    color = 2 if mode == 'RGB' else 0
    png(f'icc-{name}-16.png', deep, color, True, iccp(icc))
    keep(f'icc-{name}-16.png', seen)
    if mode == 'L':
        continue
    # A palette, grey, and with alpha.
    png(f'icc-{name}-palette.png', bytes(range(216)), 3, False, iccp(icc) + chunk(b'PLTE', flat))
    keep(f'icc-{name}-palette.png', converted(icc, mode, flat))
    for deep in (False, True):
        tall = wide if deep else bytes
        as_rgb = converted(icc, 'RGB', tall(v for v in greys for _ in range(3)), 1 + deep)
        png(f'icc-{name}-grey-{8 << deep}.png', tall(greys), 0, deep, iccp(icc))
        keep(f'icc-{name}-grey-{8 << deep}.png', as_rgb)
        png(f'icc-{name}-greyalpha-{8 << deep}.png', tall(b for v in greys for b in (v, 255 - v // 2)), 4, deep, iccp(icc))
        keep(f'icc-{name}-greyalpha-{8 << deep}.png', [(*color, 255 - v // 2) for color, v in zip(as_rgb, greys)])
        png(f'icc-{name}-alpha-{8 << deep}.png', tall(b for color in COLORS for b in (*color, 200)), 6, deep, iccp(icc))
        keep(f'icc-{name}-alpha-{8 << deep}.png', [(*color, 200) for color in converted(icc, mode, tall(flat), 1 + deep)])
plain = path('plain.png')
open(path('one.icc'), 'wb').close()
png('plain.png', flat)
for name in ('p3-v4', 'adobe-v2', 'prophoto-v4', 'lut-v2', 'lut-v4'):
    icc = profiles[name][1]
    open(path('one.icc'), 'wb').write(icc)
    for depth in ('8', '10'):
        run('avifenc', '-s', '10', '--min', '0', '--max', '0', '-y', '444', '-d', depth, '--icc', path('one.icc'), plain, path(f'icc-{name}-{depth}.avif'))
        keep(f'icc-{name}-{depth}.avif', converted(icc, 'RGB', flat))
for name in ('p3-v2', 'adobe-v4', 'lut-v4'):
    icc = profiles[name][1]
    tall = Image.frombytes('RGB', SIZE, flat).resize((SIZE[0] * 8, SIZE[1] * 8), Image.Resampling.NEAREST)
    tall.save(path('tall.png'), icc_profile=icc)
    run('heif-enc', '-q', '95', '-p', 'chroma=444', '-p', 'preset=ultrafast', path('tall.png'), '-o', path(f'icc-{name}.heic'))
    run('heif-convert', path(f'icc-{name}.heic'), path('seen.png'))
    keep(f'icc-{name}.heic', converted(icc, 'RGB', Image.open(path('seen.png')).convert('RGB').tobytes()), tall.size)
    os.remove(path('tall.png'))
    os.remove(path('seen.png'))

# 2. Profiles that are none for the picture: it is taken for sRGB. Their class and what stands behind them does not matter.
p3 = profiles['p3-v4'][1]
def patched(icc, at, new):
    return icc[:at] + new + icc[at + len(new):]
broken = {
    'empty': b'', 'text': b'this is no profile', 'header': p3[:128], 'truncated': p3[:len(p3) // 2], 'count': patched(p3, 128, b'\xff\xff\xff\xff'),
    'link': patched(p3, 12, b'link'), 'abstract': patched(p3, 12, b'abst'), 'named': patched(p3, 12, b'nmcl'), 'unknown-class': patched(p3, 12, b'what'),
    'grey-for-rgb': profiles['grey1.8-v4'][1], 'cmyk-for-rgb': profiles['cmyk-v2'][1], 'lab': patched(p3, 16, b'Lab '), 'unknown-space': patched(p3, 16, b'what'),
    'pcs': patched(p3, 20, b'what'), 'no-magic': patched(p3, 36, b'what'), 'version9': patched(p3, 8, b'\x09\0\0\0'), 'zeros': bytes(3000),
    'tag-behind-end': patched(p3, 132 + 4, struct.pack('>I', 0x7fffff00)), 'huge': p3 + bytes(10 << 20), 'huge-zeros': bytes(10 << 20),
}
seen = converted(p3, 'RGB', flat)
for name, icc in broken.items():
    applied = name in ('link', 'abstract', 'named', 'unknown-class', 'huge')
    for ending, options in (('jpg', {'quality': 100, 'subsampling': 0}), ('png', {}), ('webp', {'lossless': True}), ('tiff', {})):
        stored = save(f'broken-{name}.{ending}', 'RGB', flat, icc, **options)
        keep(f'broken-{name}.{ending}', converted(p3, 'RGB', stored) if applied else [tuple(stored[i:i + 3]) for i in range(0, len(stored), 3)])
    png(f'broken-{name}-16.png', wide(flat), 2, True, iccp(icc))
    keep(f'broken-{name}-16.png', seen if applied else COLORS)
for name, icc in (('rgb-for-cmyk', p3), ('truncated-cmyk', profiles['cmyk-v2'][1][:2000])):
    for ending in ('jpg', 'tiff'):
        stored = save(f'broken-{name}.{ending}', 'CMYK', inks, icc)
        keep(f'broken-{name}.{ending}', [[round((255 - stored[i + j]) * (255 - stored[i + 3]) / 255) for j in range(3)] for i in range(0, len(stored), 4)])

# 3. What PNGs say in chunks, in the order in which it counts: cICP, iCCP, sRGB, gAMA with cHRM (PNG third edition, 4.3).
def gama(value):
    return chunk(b'gAMA', struct.pack('>I', value))
def chrm(primaries):
    *points, white = primaries
    return chunk(b'cHRM', struct.pack('>8I', *[round(v * 100000) for point in (WHITES.get(white, white), *points) for v in point]))
unit = [[v / 255 for v in color] for color in COLORS]
PRIMARIES = {1: SRGB, 4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), 'c'), 5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), 'd65'), 6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), 'd65'),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), 'd65'), 8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), 'c'), 9: BT2020, 10: ((1, 0), (0, 1), (0, 0), 'e'), 11: (*P3[:3], 'dci'), 12: P3,
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), 'd65')}
# Those of cameras are looked at as on a screen (BT.1886) in PNGs, and as sRGB in AVIF, by Chromium 156.
CAMERAS = (1, 6, 11, 14, 15)
TRANSFERS = {**dict.fromkeys(CAMERAS, lambda v: v ** 2.4), 4: lambda v: v ** 2.2, 5: lambda v: v ** 2.8, 7: smpte240, 8: lambda v: v, 13: of_srgb, 17: lambda v: min(v ** 2.6 * 52.37 / 48, 1)}
@functools.lru_cache(None)
def coded(primaries, transfer):
    if primaries not in PRIMARIES or transfer not in TRANSFERS:
        return None
    return shown(map(tuple, unit), PRIMARIES[primaries], TRANSFERS[transfer])
for primaries, transfer in itertools.product((*PRIMARIES, 0, 2, 3, 99), (*TRANSFERS, 0, 2, 3, 12, 99)):
    for deep in (False, True):
        name = f'cicp-{primaries}-{transfer}-{8 << deep}.png'
        png(name, wide(flat) if deep else flat, 2, deep, chunk(b'cICP', bytes([primaries, transfer, 0, 1])))
        keep(name, coded(primaries, transfer) or COLORS)
adobe_icc = profiles['adobe-v2'][1]
for (c, cicp), (i, icc), (s, srgb), (g, gamma), (h, chroma) in itertools.product(
        (('', None), ('p3', (12, 13)), ('srgb', (1, 13)), ('unspecified', (2, 2)), ('reserved', (3, 13))), (('', None), ('adobe', adobe_icc), ('broken', p3[:300])),
        (('', False), ('srgb', True)), (('', None), ('45455', 45455), ('55556', 55556), ('100000', 100000), ('0', 0)),
        (('', None), ('srgb', SRGB), ('adobe', ADOBE), ('none', ((0.3, 0.3), (0.3, 0.3), (0.3, 0.3), 'd65')))):
    said = b''
    if cicp: said += chunk(b'cICP', bytes([*cicp, 0, 1]))
    if icc: said += iccp(icc)
    if srgb: said += chunk(b'sRGB', b'\0')
    if gamma is not None: said += gama(gamma)
    if chroma: said += chrm(chroma)
    seen = COLORS
    if cicp and coded(*cicp):
        seen = coded(*cicp)
    elif i == 'adobe':
        seen = converted(icc, 'RGB', flat)
    elif srgb:
        pass
    elif gamma and h != 'none':
        exponent = 100000 / gamma
        light = of_srgb if gamma == 45455 and h in ('', 'srgb') else lambda v: v ** exponent
        seen = shown(map(tuple, unit), chroma or SRGB, light)
    name = f'said-{c}-{i}-{s}-{g}-{h}.png'
    png(name, flat, 2, False, said)
    keep(name, seen)
# What is wrong in itself or in its place is not looked at.
ODD = {'range': chunk(b'cICP', bytes([12, 13, 0, 0])), 'cicp-matrix': chunk(b'cICP', bytes([12, 13, 1, 1])), 'cicp-flag': chunk(b'cICP', bytes([12, 13, 0, 2])), 'cicp-short': chunk(b'cICP', bytes([12, 13])),
    'cicp-long': chunk(b'cICP', bytes([12, 13, 0, 1, 0])), 'cicp-empty': chunk(b'cICP', b''), 'gama-short': chunk(b'gAMA', b'\0\1'), 'gama-long': chunk(b'gAMA', bytes([0, 1, 0x86, 0xa0, 0])), 'chrm-short': chunk(b'cHRM', bytes(31)),
    'srgb-empty': chunk(b'sRGB', b''), 'srgb-99': chunk(b'sRGB', b'\x63'), 'iccp-zlib': chunk(b'iCCP', b'name\0\0what is this'), 'iccp-no-name': chunk(b'iCCP', b'\0\0' + zlib.compress(p3[:200])),
    'iccp-no-end': chunk(b'iCCP', b'n' * 200), 'iccp-empty': chunk(b'iCCP', b''), 'iccp-cut': chunk(b'iCCP', b'name\0\0' + zlib.compress(p3)[:90]), 'iccp-method': chunk(b'iCCP', b'name\0\7' + zlib.compress(p3[:300])),
    'clli-short': chunk(b'cLLI', b'\0\1'), 'mdcv-short': chunk(b'mDCV', b'\0'), 'exif-short': chunk(b'eXIf', b'II'), 'exif-empty': chunk(b'eXIf', b'')}
for name, said in ODD.items():
    png(f'odd-{name}.png', flat, 2, False, said)
    keep(f'odd-{name}.png', COLORS)
    # What else is said counts.
    png(f'odd-{name}-else.png', flat, 2, False, said + (gama(100000) if 'gama' not in name else iccp(adobe_icc)))
    seen = shown(map(tuple, unit), SRGB, lambda v: v) if 'gama' not in name else converted(adobe_icc, 'RGB', flat)
    keep(f'odd-{name}-else.png', seen)
for name, said in (('cicp', chunk(b'cICP', bytes([9, 8, 0, 1]))), ('iccp', iccp(adobe_icc)), ('gama', gama(100000)), ('chrm', gama(100000) + chrm(ADOBE)), ('srgb', chunk(b'sRGB', b'\0'))):
    # Twice, of which the first counts, or behind the palette, where browsers do not look for cICP.
    png(f'twice-{name}.png', flat, 2, False, said + said)
    keep(f'twice-{name}.png', {'cicp': lambda: coded(9, 8), 'iccp': lambda: converted(adobe_icc, 'RGB', flat), 'gama': lambda: shown(map(tuple, unit), SRGB, lambda v: v), 'chrm': lambda: shown(map(tuple, unit), ADOBE, lambda v: v), 'srgb': lambda: COLORS}[name]())
    png(f'behind-{name}.png', bytes(range(216)), 3, False, chunk(b'PLTE', flat) + said)
    keep(f'behind-{name}.png', {'cicp': lambda: COLORS, 'iccp': lambda: converted(adobe_icc, 'RGB', flat), 'gama': lambda: shown(map(tuple, unit), SRGB, lambda v: v), 'chrm': lambda: shown(map(tuple, unit), ADOBE, lambda v: v), 'srgb': lambda: COLORS}[name]())

# 4. Code points of AVIF: each primaries with each transfer, and each matrix with each range.
def code(primaries, transfer, matrix, full):
    return struct.pack('>HHHB', primaries, transfer, matrix, full << 7)
for matrix, full, depth in itertools.product((0, 1, 5, 6, 8, 9), (True, False), ('8', '10')):
    if matrix in (0, 8) and not full:
        continue # avifenc does not make them
    base = path('base.avif')
    run('avifenc', '-s', '10', '--min', '0', '--max', '0', '-y', '444', '-d', depth, '-r', 'f' if full else 'l', '--cicp', f'1/13/{matrix}', plain, base)
    stored = open(base, 'rb').read()
    assert stored.count(b'colrnclx' + code(1, 13, matrix, full)) == 1
    pairs = itertools.product((*PRIMARIES, 2), (*TRANSFERS, 2, 12)) if (matrix, full) == (6, True) else ((12, 13), (9, 1), (1, 8), (2, 2))
    for primaries, transfer in pairs:
        name = f'nclx-{primaries}-{transfer}-{matrix}-{int(full)}-{depth}.avif'
        open(path(name), 'wb').write(stored.replace(b'colrnclx' + code(1, 13, matrix, full), b'colrnclx' + code(primaries, transfer, matrix, full)))
        keep(name, coded(1 if primaries == 2 else primaries, 13 if transfer in (2, *CAMERAS) else transfer) or COLORS)
    os.remove(base)

# 5. High dynamic range, of several highest samples and with what files say of their light.
def light_chunk(light):
    return chunk(b'cLLI', struct.pack('>II', light * 10000, 0))
def screen_chunk(light):
    return chunk(b'mDCV', struct.pack('>8HII', *[0] * 8, light * 10000, 1))
def cicp_tag(icc, primaries, transfer):
    """A profile with one tag more."""
    count = int.from_bytes(icc[128:132], 'big')
    tags = [(icc[i:i + 4], *struct.unpack('>II', icc[i + 4:i + 12])) for i in range(132, 132 + 12 * count, 12)]
    moved = b''.join(name + struct.pack('>II', at + 12, size) for name, at, size in tags)
    end = (len(icc) + 12 + 3) & ~3
    new = icc[4:128] + struct.pack('>I', count + 1) + moved + b'cicp' + struct.pack('>II', end, 12) + icc[132 + 12 * count:]
    new = new.ljust(end - 4, b'\0') + b'cicp' + bytes([0, 0, 0, 0, primaries, transfer, 0, 1])
    return struct.pack('>I', len(new) + 4) + new
for transfer, top in itertools.product((16, 18), (1, 0.7, 0.5)):
    samples = [tuple(v * top for v in color) for color in unit]
    sixteen = struct.pack('>648H', *[round(v * 65535) for color in samples for v in color])
    eight = bytes(round(v * 255) for color in samples for v in color)
    hdr = lambda primaries, brightest=None: high_range(samples, PRIMARIES[primaries], transfer, brightest)
    for primaries in (1, 9, 12):
        for deep in (True, False):
            png(f'hdr-{transfer}-{top}-{primaries}-{8 << deep}.png', sixteen if deep else eight, 2, deep, chunk(b'cICP', bytes([primaries, transfer, 0, 1])))
            keep(f'hdr-{transfer}-{top}-{primaries}-{8 << deep}.png', hdr(primaries))
    cicp = chunk(b'cICP', bytes([9, transfer, 0, 1]))
    for light, said in ((4000, light_chunk(4000)), (500, light_chunk(500)), (100, light_chunk(100)), (600, screen_chunk(600)), (700, screen_chunk(2000) + light_chunk(700))):
        png(f'hdr-{transfer}-{top}-said-{light}.png', sixteen, 2, True, cicp + said)
        keep(f'hdr-{transfer}-{top}-said-{light}.png', hdr(9, light))
    png(f'hdr-{transfer}-{top}-icc.png', sixteen, 2, True, iccp(cicp_tag(profiles['linear-v4'][1], 9, transfer)))
    keep(f'hdr-{transfer}-{top}-icc.png', hdr(9))
    png('wide.png', sixteen, 2, True)
    for depth, matrix in itertools.product(('8', '10', '12'), (1, 9)):
        name = f'hdr-{transfer}-{top}-{matrix}-{depth}.avif'
        run('avifenc', '-s', '10', '--min', '0', '--max', '0', '-y', '444', '-d', depth, '--cicp', f'9/{transfer}/{matrix}', path('wide.png'), path(name))
        keep(name, hdr(9))
    os.remove(path('wide.png'))
os.remove(plain)
os.remove(path('one.icc'))

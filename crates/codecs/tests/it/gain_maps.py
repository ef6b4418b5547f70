"""Reads JPEGs with gain maps on its own, by ISO 21496-1 and by Adobe's XMP, and holds the two against each other. Beside each
file of the folder it writes the base (.base, rows of RGB) and what a screen with all the headroom shows (.bright, floats of
light in sRGB's primaries, diffuse white as 1). Prints the headroom in stops by file."""
import glob, io, math, os, struct, sys
import xml.etree.ElementTree as xml
from PIL import Image
HDRGM = '{http://ns.adobe.com/hdr-gain-map/1.0/}'
ITEM = '{http://ns.google.com/photos/1.0/container/item/}'
RDF = '{http://www.w3.org/1999/02/22-rdf-syntax-ns#}'
def segments(jpeg):
    at = 2
    while jpeg[at + 1] != 0xDA:
        assert jpeg[at] == 0xFF, at
        length = struct.unpack('>H', jpeg[at + 2:at + 4])[0]
        yield jpeg[at + 1], jpeg[at + 4:at + 2 + length]
        at += 2 + length
def about(jpeg):
    """The packet of XMP, what ISO has, and which markers there are."""
    xmp, iso, kinds = None, None, []
    for kind, body in segments(jpeg):
        kinds.append(kind)
        if kind == 0xE1:
            assert body.startswith(b'http://ns.adobe.com/xap/1.0/\0')
            xmp = xml.fromstring(body.split(b'\0', 1)[1])
        if kind == 0xE2 and body.startswith(b'urn:iso:std:iso:ts:21496:-1\0'):
            iso = body[28:]
    assert set(kinds) <= {0xE1, 0xE2, 0xDB, 0xC0, 0xC4}, kinds
    return xmp, iso
def by_iso(data):
    versions, flags = struct.unpack('>HHB', data[:5])[:2], data[4]
    assert versions == (0, 0) and flags & 0x3F == 0 and flags & 0x40
    count = 3 if flags & 0x80 else 1
    form = '>IIII' + 'iIiIIIiIiI' * count
    assert len(data) == 5 + struct.calcsize(form), 'more than the metadata'
    numbers = struct.unpack(form, data[5:])
    values = [above / below for above, below in zip(numbers[::2], numbers[1::2])]
    rows = [values[2 + 5 * channel:7 + 5 * channel] for channel in range(count)]
    return values[0], values[1], rows * (3 // count)
def by_xmp(packet):
    description = packet.find(f'.//{RDF}Description')
    def values(name):
        element = description.find(HDRGM + name)
        if element is None:
            return [float(description.attrib[HDRGM + name])] * 3
        return [float(item.text) for item in element.iter(RDF + 'li')]
    assert description.attrib[HDRGM + 'Version'] == '1.0'
    assert description.attrib[HDRGM + 'BaseRenditionIsHDR'] == 'False'
    names = ('GainMapMin', 'GainMapMax', 'Gamma', 'OffsetSDR', 'OffsetHDR')
    rows = list(zip(*(values(name) for name in names)))
    return values('HDRCapacityMin')[0], values('HDRCapacityMax')[0], rows
def directory(packet):
    items = [element.attrib for element in packet.iter('{http://ns.google.com/photos/1.0/container/}Item')]
    assert [item[ITEM + 'Semantic'] for item in items] == ['Primary', 'GainMap'], items
    return int(items[1][ITEM + 'Length'])
def light(sample):
    sample /= 255
    return sample / 12.92 if sample <= 0.04045 else ((sample + 0.055) / 1.055) ** 2.4
LIGHT = [light(sample) for sample in range(256)]
for path in sorted(glob.glob(os.path.join(sys.argv[1], '*.jpg'))):
    file = open(path, 'rb').read()
    pictures = Image.open(io.BytesIO(file))
    # Pillow finds the second picture by the index of CIPA DC-007.
    assert (pictures.format, pictures.n_frames) == ('MPO', 2), (path, pictures.format)
    sizes = [entry['Size'] for entry in pictures.mpinfo[0xB002]]
    start = len(file) - sizes[1]
    assert sizes[0] == start and file[start - 2:start + 2] == b'\xff\xd9\xff\xd8', (path, sizes)
    (of_base, version), (of_map, numbers) = about(file[:start]), about(file[start:])
    assert version == bytes(4)
    assert directory(of_base) == sizes[1]
    base_headroom, headroom, rows = by_iso(numbers)
    said = by_xmp(of_map)
    near = lambda a, b: abs(a - b) < 1e-5
    assert near(base_headroom, said[0]) and near(headroom, said[1]), said
    assert all(near(a, b) for row, other in zip(rows, said[2]) for a, b in zip(row, other)), (rows, said)
    base = pictures.convert('RGB')
    pictures.seek(1)
    gains = Image.open(io.BytesIO(file[start:]))
    assert pictures.offset == start and gains.size[0] <= base.size[0] and gains.size[1] <= base.size[1]
    gains = gains.resize(base.size, Image.Resampling.BILINEAR).convert('RGB').tobytes()
    samples = base.tobytes()
    tables = [[2 ** (low + (high - low) * (level / 255) ** (1 / gamma)) for level in range(256)]
              for low, high, gamma, _, _ in rows]
    bright = []
    for index, (sample, gain) in enumerate(zip(samples, gains)):
        _, _, _, sdr_offset, hdr_offset = rows[index % 3]
        bright.append((LIGHT[sample] + sdr_offset) * tables[index % 3][gain] - hdr_offset)
    head = struct.pack('>II', *base.size)
    open(path + '.base', 'wb').write(head + samples)
    open(path + '.bright', 'wb').write(head + struct.pack('>%df' % len(bright), *bright))
    print(os.path.basename(path), headroom)

//! The blocks of a GIF, and a copy of those that make the picture.

use crate::image::ImageLimits;
use crate::image::bytes::Bytes;
use crate::image::reject;
use media::Rejection;

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
const TRAILER: u8 = 0x3B;
const GRAPHIC_CONTROL: u8 = 0xF9;
const APPLICATION: u8 = 0xFF;

/// Where the flags of a control are, from its first byte on.
const FLAGS: usize = 3;

/// What the blocks say.
pub(super) struct Found {
    /// Width and height of the canvas in pixels.
    pub(super) screen: (u32, u32),
    pub(super) frames: u32,
    /// How often the animation is played; 0 for ever.
    pub(super) plays: u32,
    /// Whether something shows through the first frame.
    pub(super) transparent: bool,
    /// Whether a frame behind the first is left out because it is not whole.
    pub(super) cut: bool,
    /// Bytes behind the trailer.
    pub(super) trailing: usize,
}

struct Walk<'a, 'c> {
    bytes: Bytes<'a>,
    found: Found,
    limits: &'a ImageLimits,
    clean: &'c mut Vec<u8>,
    /// The extension that says how the next frame is shown.
    control: Option<Vec<u8>>,
}

/// Walks all blocks, and appends to `clean` a file that has only what makes the picture, each block whole.
pub(super) fn walk(
    file: &[u8],
    limits: &ImageLimits,
    clean: &mut Vec<u8>,
) -> Result<Found, Rejection> {
    let mut bytes = Bytes::new(file);
    let mut head = bytes.take(6)?.to_vec();
    let screen = (bytes.u16_le()?, bytes.u16_le()?);
    let fields = bytes.take(3)?;
    head.extend(screen.0.to_le_bytes());
    head.extend(screen.1.to_le_bytes());
    head.extend(fields);
    head.extend(palette(&mut bytes, fields[0])?);
    clean.extend(head);
    let mut walk = Walk {
        bytes,
        found: Found {
            screen: (screen.0.into(), screen.1.into()),
            frames: 0,
            plays: 1,
            transparent: false,
            cut: false,
            trailing: 0,
        },
        limits,
        clean,
        control: None,
    };
    loop {
        match walk.block() {
            Ok(true) => {}
            Ok(false) => break,
            // Behind the first frame, whatever cannot be read is the end of the file.
            Err(_) if walk.found.frames > 0 => break,
            Err(rejection) => return Err(rejection),
        }
    }
    if walk.found.frames == 0 {
        return Err(reject::corrupt("a gif without a picture"));
    }
    walk.clean.push(TRAILER);
    Ok(walk.found)
}

/// Flags of a control whose disposal is one of those that the specification knows. Some say 4 where it has 3, and browsers
/// take that for the same.
const fn as_browsers(flags: u8) -> u8 {
    const DISPOSAL: u8 = 0b111 << 2;
    match (flags & DISPOSAL) >> 2 {
        0..=3 => flags,
        4 => flags & !DISPOSAL | 3 << 2,
        _ => flags & !DISPOSAL,
    }
}

fn palette<'a>(bytes: &mut Bytes<'a>, flags: u8) -> Result<&'a [u8], Rejection> {
    if flags & 0x80 == 0 {
        return Ok(&[]);
    }
    bytes.take(3 << ((flags & 7) + 1))
}

impl Walk<'_, '_> {
    /// Takes in one block; false if it was the last.
    fn block(&mut self) -> Result<bool, Rejection> {
        match self.bytes.u8()? {
            TRAILER => {
                self.found.trailing = self.bytes.rest().len();
                return Ok(false);
            }
            0 => {} // some writers leave zeros between blocks
            EXTENSION => self.extension()?,
            IMAGE => {
                let taken = self.image();
                self.found.cut |= taken.is_err();
                taken?;
            }
            other => return Err(reject::corrupt(format!("gif block of kind {other:#04x}"))),
        }
        Ok(true)
    }

    fn extension(&mut self) -> Result<(), Rejection> {
        let label = self.bytes.u8()?;
        let blocks = Blocks::read(&mut self.bytes);
        if !blocks.whole {
            return Err(reject::corrupt("the file ends within an extension"));
        }
        let names = [&b"\x0bNETSCAPE2.0\x03\x01"[..], b"\x0bANIMEXTS1.0\x03\x01"];
        let repeats = names
            .iter()
            .find_map(|name| blocks.stored.strip_prefix(*name))
            .filter(|_| label == APPLICATION);
        if let Some(&[low, high, ..]) = repeats {
            // It says how often the animation is played again; 0 is for ever.
            let repeats = u32::from(u16::from_le_bytes([low, high]));
            self.found.plays = if repeats == 0 { 0 } else { repeats + 1 };
        } else if label == GRAPHIC_CONTROL && blocks.stored.len() == 5 {
            let mut control = vec![EXTENSION, label];
            blocks.write(&mut control);
            control[FLAGS] = as_browsers(control[FLAGS]);
            self.control = Some(control);
        }
        Ok(())
    }

    fn image(&mut self) -> Result<(), Rejection> {
        let (left, top) = (self.bytes.u16_le()?, self.bytes.u16_le()?);
        let (width, height) = (self.bytes.u16_le()?, self.bytes.u16_le()?);
        let flags = self.bytes.u8()?;
        let palette = palette(&mut self.bytes, flags)?;
        let code_size = self.bytes.u8()?;
        let control = self.control.take();
        if width == 0 || height == 0 {
            Blocks::read(&mut self.bytes);
            return Ok(());
        }
        self.limits.check_size(width.into(), height.into())?;
        if self.found.frames == 0 {
            self.first_frame((left, top), (width, height), control.as_deref())?;
        }
        self.found.frames = self.found.frames.saturating_add(1);
        let start = self.clean.len();
        self.clean.extend(control.unwrap_or_default());
        self.clean.push(IMAGE);
        for field in [left, top, width, height] {
            self.clean.extend(field.to_le_bytes());
        }
        self.clean.push(flags);
        self.clean.extend(palette);
        self.clean.push(code_size);
        let blocks = Blocks::read(&mut self.bytes);
        if blocks.whole || self.found.frames == 1 {
            blocks.write(self.clean);
            return Ok(());
        }
        // Half a frame spoils the picture that was there before it.
        self.clean.truncate(start);
        self.found.frames -= 1;
        Err(reject::corrupt("the file ends within a frame"))
    }

    /// The canvas grows to hold the first frame, as browsers have it.
    fn first_frame(
        &mut self,
        (left, top): (u16, u16),
        (width, height): (u16, u16),
        control: Option<&[u8]>,
    ) -> Result<(), Rejection> {
        let size: (u32, u32) = (width.into(), height.into());
        let end = (u32::from(left) + size.0, u32::from(top) + size.1);
        let screen = (
            self.found.screen.0.max(end.0),
            self.found.screen.1.max(end.1),
        );
        self.limits.check_size(screen.0, screen.1)?;
        self.found.screen = screen;
        let see_through = control.is_some_and(|control| control[FLAGS] & 1 != 0);
        self.found.transparent = see_through || size != screen;
        Ok(())
    }
}

/// A chain of data blocks.
struct Blocks<'a> {
    /// Those that are whole, each with its length before it.
    stored: &'a [u8],
    /// What there is of a last one that is not.
    cut: &'a [u8],
    /// Whether the chain has an end.
    whole: bool,
}

impl<'a> Blocks<'a> {
    fn read(bytes: &mut Bytes<'a>) -> Self {
        let start = bytes.rest();
        loop {
            let stored = &start[..start.len() - bytes.rest().len()];
            let whole = match bytes.u8() {
                Ok(0) => true,
                Ok(length) if bytes.skip(length.into()).is_ok() => continue,
                Ok(_) | Err(_) => false,
            };
            let cut = if whole { &[] } else { bytes.rest() };
            return Self { stored, cut, whole };
        }
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.stored);
        if let Some(length) = u8::try_from(self.cut.len())
            .ok()
            .filter(|&length| length > 0)
        {
            to.push(length);
            to.extend(self.cut);
        }
        to.push(0);
    }
}

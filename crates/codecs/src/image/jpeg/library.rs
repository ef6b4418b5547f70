//! The decoder of libjpeg-turbo, which browsers use, in the build that mozjpeg makes of it.
//!
//! The library reports a fatal error by a call that may not return. That call unwinds from here through the library's
//! frames, which are compiled for it, up to [`guarded`].

use std::marker::PhantomData;
use std::mem;
use std::os::raw::{c_int, c_long};
use std::panic::{self, AssertUnwindSafe};
use std::ptr::NonNull;

use mozjpeg_sys as libjpeg;

use libjpeg::{jpeg_common_struct, jpeg_decompress_struct};

/// Why the library gave up: one of its message codes, such as `JERR_OUT_OF_MEMORY`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure(pub(super) c_int);

/// What reading a part of the file brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The header of another scan.
    Scan,
    /// A row of blocks.
    Row,
    /// The end of the file.
    End,
}

/// A decompression of `'a` bytes, its header read.
pub(super) struct Decompress<'a> {
    state: NonNull<State>,
    bytes: PhantomData<&'a [u8]>,
}

/// What the library and its callbacks share. It holds pointers into itself and must not move.
struct State {
    info: jpeg_decompress_struct,
    errors: libjpeg::jpeg_error_mgr,
    source: libjpeg::jpeg_source_mgr,
    /// Set when data was missing and the library made some up.
    lacks_data: bool,
    /// Set when the library asked for more than there is.
    at_end: bool,
}

impl<'a> Decompress<'a> {
    /// Reads up to the first scan.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Failure> {
        // SAFETY: all-zero bytes are valid for these structs of integers, pointers and optional functions.
        let state = NonNull::from(Box::leak(Box::new(unsafe { mem::zeroed::<State>() })));
        let decompress = Self {
            state,
            bytes: PhantomData,
        };
        // SAFETY: nothing else points to the new state yet, and it stays where it is until it is dropped.
        let State {
            info,
            errors,
            source,
            ..
        } = unsafe { &mut *state.as_ptr() };
        source.next_input_byte = bytes.as_ptr();
        source.bytes_in_buffer = bytes.len();
        source.init_source = Some(nothing_to_do);
        source.fill_input_buffer = Some(at_end);
        source.skip_input_data = Some(skip);
        source.resync_to_restart = Some(libjpeg::jpeg_resync_to_restart);
        source.term_source = Some(nothing_to_do);
        let source = std::ptr::from_mut(source);
        // SAFETY: `errors` and `source` live as long as `info`, and the library fills in the rest of them.
        guarded(|| unsafe {
            info.common.err = libjpeg::jpeg_std_error(errors);
            errors.error_exit = Some(give_up);
            errors.emit_message = Some(note);
            libjpeg::jpeg_create_decompress(info);
            info.common.client_data = state.as_ptr().cast();
            info.src = source;
            libjpeg::jpeg_read_header(info, 1);
        })?;
        Ok(decompress)
    }

    /// What the library says of the picture. The safe fields only are meant to be touched.
    pub(super) fn info(&mut self) -> &mut jpeg_decompress_struct {
        // SAFETY: the state is alive, and the library does not run at this moment.
        unsafe { &mut (*self.state.as_ptr()).info }
    }

    /// Whether the picture is stored in several scans, so that all must be read before a row is known.
    pub(super) fn has_scans(&mut self) -> bool {
        // SAFETY: the header was read.
        unsafe { libjpeg::jpeg_has_multiple_scans(self.info()) != 0 }
    }

    /// Whether data was missing so far and made up.
    pub(super) fn lacks_data(&self) -> bool {
        // SAFETY: the state is alive, and the library does not run at this moment.
        unsafe { (*self.state.as_ptr()).lacks_data }
    }

    /// Bytes that were not read yet.
    pub(super) fn unread(&self) -> usize {
        // SAFETY: as in `lacks_data`.
        let state = unsafe { &*self.state.as_ptr() };
        if state.at_end {
            0
        } else {
            state.source.bytes_in_buffer
        }
    }

    /// Begins to decode, with the sizes and colours that were set in [`Self::info`].
    pub(super) fn start(&mut self) -> Result<(), Failure> {
        let info = self.info();
        // SAFETY: the header was read.
        guarded(|| unsafe {
            libjpeg::jpeg_start_decompress(info);
        })
    }

    /// Reads a little further, of a picture whose scans are all read first.
    pub(super) fn consume(&mut self) -> Result<Progress, Failure> {
        const REACHED_SOS: c_int = 1;
        const REACHED_EOI: c_int = 2;
        let info = self.info();
        // SAFETY: decoding was started.
        let read = guarded(|| unsafe { libjpeg::jpeg_consume_input(info) })?;
        Ok(match read {
            REACHED_SOS => Progress::Scan,
            REACHED_EOI => Progress::End,
            _ => Progress::Row,
        })
    }

    /// Makes the picture of all the scans that were read.
    pub(super) fn show_scans(&mut self) -> Result<(), Failure> {
        let info = self.info();
        // SAFETY: decoding was started, and all input is consumed.
        guarded(|| unsafe {
            libjpeg::jpeg_start_output(info, info.input_scan_number);
        })
    }

    /// Decodes some of the next rows into `rows`, each of `row` bytes, and says how many.
    pub(super) fn read(&mut self, rows: &mut [u8], row: usize) -> Result<usize, Failure> {
        const AT_ONCE: usize = 16;
        let info = self.info();
        let row_bytes =
            info.output_width as usize * usize::try_from(info.output_components).unwrap_or(0);
        assert_eq!(
            row, row_bytes,
            "rows are of the size that the library was told"
        );
        let mut pointers = [std::ptr::null_mut(); AT_ONCE];
        let mut count = 0;
        for (pointer, row) in pointers.iter_mut().zip(rows.chunks_exact_mut(row)) {
            *pointer = row.as_mut_ptr();
            count += 1;
        }
        // SAFETY: each pointer leads to as many bytes as the library writes for one row.
        let read = guarded(|| unsafe {
            libjpeg::jpeg_read_scanlines(info, pointers.as_mut_ptr(), count)
        })?;
        Ok(read as usize)
    }
}

impl Drop for Decompress<'_> {
    fn drop(&mut self) {
        // SAFETY: the state came from a box, and goes once; destroying frees what the library allocated, which is
        // nothing if it was not created yet.
        unsafe {
            libjpeg::jpeg_destroy_decompress(&mut (*self.state.as_ptr()).info);
            drop(Box::from_raw(self.state.as_ptr()));
        }
    }
}

/// Runs calls of the library; a fatal error of theirs comes back as one.
pub(super) fn guarded<T>(calls: impl FnOnce() -> T) -> Result<T, Failure> {
    panic::catch_unwind(AssertUnwindSafe(calls)).map_err(|payload| {
        match payload.downcast::<c_int>() {
            Ok(code) => Failure(*code),
            Err(other) => panic::resume_unwind(other),
        }
    })
}

pub(super) extern "C-unwind" fn give_up(info: &mut jpeg_common_struct) {
    // SAFETY: the library calls with the error manager it was given.
    let code = unsafe { (*info.err).msg_code };
    // Not a panic: nothing is printed.
    panic::resume_unwind(Box::new(code));
}

/// Level -1 is a warning, the others are traces.
pub(super) extern "C-unwind" fn note(info: &mut jpeg_common_struct, level: c_int) {
    // SAFETY: the library calls with the error manager and the client data it was given.
    unsafe {
        let code = (*info.err).msg_code;
        if level == -1 && code == libjpeg::JWRN_HIT_MARKER && !info.client_data.is_null() {
            (*info.client_data.cast::<State>()).lacks_data = true;
        }
    }
}

extern "C-unwind" fn nothing_to_do(_: &mut jpeg_decompress_struct) {}

/// An end marker, for a file that has none.
static END: [u8; 2] = [0xFF, 0xD9];

extern "C-unwind" fn at_end(info: &mut jpeg_decompress_struct) -> libjpeg::boolean {
    // SAFETY: the library calls with the source and the client data it was given; before it has the data, while the
    // header is read, it has the source only.
    unsafe {
        (*info.src).next_input_byte = END.as_ptr();
        (*info.src).bytes_in_buffer = END.len();
        if !info.common.client_data.is_null() {
            let state = info.common.client_data.cast::<State>();
            (*state).at_end = true;
        }
    }
    1
}

extern "C-unwind" fn skip(info: &mut jpeg_decompress_struct, count: c_long) {
    // SAFETY: as in `at_end`; the position stays within the bytes.
    unsafe {
        let source = &mut *info.src;
        let count = usize::try_from(count)
            .unwrap_or(0)
            .min(source.bytes_in_buffer);
        source.next_input_byte = source.next_input_byte.add(count);
        source.bytes_in_buffer -= count;
    }
}

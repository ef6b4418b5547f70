//! How far an encode has come, from what ffmpeg writes with `-progress`.

/// One report of ffmpeg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Frames written so far to the first output.
    pub frames: u64,
    /// ffmpeg has written its last report.
    pub ended: bool,
}

impl Progress {
    /// Takes one line; true at the end of a report.
    pub(crate) fn take(&mut self, line: &[u8]) -> bool {
        let Some((key, value)) = std::str::from_utf8(line)
            .ok()
            .and_then(|line| line.split_once('='))
        else {
            return false;
        };
        match key.trim() {
            "frame" => self.frames = value.trim().parse().unwrap_or(self.frames),
            "progress" => {
                self.ended = value.trim() == "end";
                return true;
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    #[test]
    fn reports_are_read_and_nonsense_is_passed_over() {
        let mut progress = Progress::default();
        for line in ["frame=12", "fps=0.0", "frame= 40 ", "frame=x", "\u{fffd}"] {
            assert!(!progress.take(line.as_bytes()));
        }
        assert!(progress.take(b"progress=continue"));
        assert_eq!((progress.frames, progress.ended), (40, false));
        assert!(progress.take(b"progress=end"));
        assert!(progress.ended);
    }
}

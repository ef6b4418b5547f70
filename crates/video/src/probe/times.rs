//! Times as ffprobe writes them.

/// Reads seconds with a point as microseconds, within some hundred years.
pub fn micros(seconds: Option<&str>) -> Option<i64> {
    let seconds: f64 = seconds?.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
    (seconds.abs() < 1e10).then(|| (seconds * 1e6).round() as i64)
}

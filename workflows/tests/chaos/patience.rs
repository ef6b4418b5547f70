//! Waits that end.

use std::time::{Duration, Instant};

/// Longer than it takes to get over anything.
const LIMIT: Duration = Duration::from_secs(30);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A wait for something. When it lasts too long, the test fails and says for what.
pub struct Patience {
    what: String,
    began: Instant,
}

impl Patience {
    pub fn begin(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            began: Instant::now(),
        }
    }

    /// Waits a little before the next look.
    pub async fn pause(&self) {
        let (what, waited) = (&self.what, self.began.elapsed());
        assert!(waited < LIMIT, "waited {waited:?} for {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

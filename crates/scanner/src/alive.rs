//! A daemon that hangs, told from one that works for long: it answers nobody.

use tokio::time::{sleep, timeout};

use super::{ClamdClient, ClamdError};

/// Does `work` for as long as the daemon answers a ping on another connection. Its scans have threads
/// of their own, so a busy daemon answers at once; a frozen, reloading or dead one does not.
pub(super) async fn while_alive<T>(
    client: &ClamdClient,
    work: impl Future<Output = Result<T, ClamdError>>,
) -> Result<T, ClamdError> {
    tokio::select! {
        biased;
        done = work => done,
        error = silence(client) => Err(error),
    }
}

/// Ends when the daemon no longer answers, and says why.
async fn silence(client: &ClamdClient) -> ClamdError {
    let limit = client.timeouts.ping;
    loop {
        sleep(client.timeouts.between_pings).await;
        match timeout(limit, client.ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error,
            Err(_) => return ClamdError::Unresponsive { limit },
        }
    }
}

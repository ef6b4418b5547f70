//! What `mediamill dev` says when it is ready.

use std::{
    io::{IsTerminal, stderr},
    net::SocketAddr,
    path::Path,
};

use super::services::Services;
use crate::output::{self, note};

/// For people on standard error, and one line for programs on standard output.
pub fn print(base_url: &str, key: &str, metrics: SocketAddr, data_dir: &Path, services: &Services) {
    if !services.clamd.has_real_signatures() {
        note!(
            "\n  WARNING: ClamAV has no signature database on this machine. Only the EICAR test \
             file\n  is found. Run freshclam for real protection.\n"
        );
    }
    let program = std::env::args_os()
        .next()
        .unwrap_or_else(|| "mediamill".into());
    let (program, data_dir) = (program.to_string_lossy(), data_dir.display());
    // It holds a password, which is for whoever looks and not for a file that is kept.
    let database = if stderr().is_terminal() {
        services.database_url()
    } else {
        format!("address in {data_dir}/database-url while this runs")
    };
    note!(
        "  page           {base_url}/#key={key}\n  \
           API            {base_url}/v1\n  \
           API reference  {base_url}/docs\n  \
           S3             http://{}\n  \
           metrics        http://{metrics}/metrics\n  \
           database       {database}\n  \
           key            {key}\n\n  \
         Upload a file and see it through:\n\n    \
         {program} upload --api {base_url} --key {key} --wait FILE\n\n  \
         What an operator sees (runs, dead-letters, queues, workers, audit, keys):\n\n    \
         {program} runs list --data-dir {data_dir}\n",
        services.s3_address(),
    );
    output::announce(format_args!("mediamill ready: {base_url}"));
}

//! What `mediamill dev` says when it is ready.

use super::services::Services;

/// For people on standard error, and one line for programs on standard output.
pub fn print(base_url: &str, key: &str, services: &Services) {
    if !services.clamd.has_real_signatures() {
        eprintln!(
            "\n  WARNING: ClamAV has no signature database on this machine. Only the EICAR test \
             file\n  is found. Run freshclam for real protection.\n"
        );
    }
    let program = std::env::args_os()
        .next()
        .unwrap_or_else(|| "mediamill".into());
    eprintln!(
        "  page           {base_url}/#key={key}\n  \
           API            {base_url}/v1\n  \
           API reference  {base_url}/docs\n  \
           S3             http://{}\n  \
           key            {key}\n\n  \
         Upload a file and see it through:\n\n    \
         {} upload --api {base_url} --key {key} --wait FILE\n",
        services.s3_address(),
        program.to_string_lossy(),
    );
    println!("mediamill ready: {base_url}");
}

//! Builds of this crate never ask a database: what its queries look like to one is in `.sqlx`, and
//! the `DATABASE_URL` of whoever uses the crate has other tables. Only who sets `WORKFLOWS_SQLX_LIVE`
//! to a folder has the queries described anew into it, by the database at `DATABASE_URL`.

const LIVE: &str = "WORKFLOWS_SQLX_LIVE";

fn main() {
    println!("cargo::rerun-if-env-changed={LIVE}");
    // Both are compiled in, and cargo does not see it.
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=.sqlx");
    match std::env::var(LIVE) {
        Ok(folder) => {
            println!("cargo::rustc-env=SQLX_OFFLINE=false");
            println!("cargo::rustc-env=SQLX_OFFLINE_DIR={folder}");
        }
        Err(_) => println!("cargo::rustc-env=SQLX_OFFLINE=true"),
    }
}

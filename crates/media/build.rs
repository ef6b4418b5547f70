//! Queries are described anew when the folder for that is another one (`just sqlx-prepare`), and checked again when
//! their descriptions change. Cargo sees neither by itself.

fn main() {
    println!("cargo::rerun-if-env-changed=SQLX_OFFLINE_DIR");
    println!("cargo::rerun-if-changed=.sqlx");
}

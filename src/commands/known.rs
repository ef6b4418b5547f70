//! Whether a name that a command was narrowed to is one at all: to find nothing would look as if all were well.

use sqlx::PgPool;

use crate::output::{harmless, note};

/// Notes on standard error which of these names no build has ever had here.
pub async fn note_unknown(
    pool: &PgPool,
    workflow: Option<&str>,
    step: Option<&str>,
) -> anyhow::Result<()> {
    for (kind, given) in [("workflow", workflow), ("step", step)] {
        let Some(given) = given else { continue };
        let names = match kind {
            "workflow" => "SELECT DISTINCT workflow FROM workflows.lanes ORDER BY 1",
            _ => "SELECT DISTINCT step FROM workflows.lanes ORDER BY 1",
        };
        let names: Vec<String> = sqlx::query_scalar(names).fetch_all(pool).await?;
        if let Some(sentence) = unknown(kind, given, &names) {
            note!("{}", harmless(&sentence));
        }
    }
    Ok(())
}

fn unknown(kind: &str, given: &str, names: &[String]) -> Option<String> {
    if names.iter().any(|name| name == given) {
        return None;
    }
    let known = match names {
        [] => "none has been at work here yet".to_owned(),
        names => format!("there are {}", names.join(", ")),
    };
    Some(format!("no {kind} is called {given}; {known}"))
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn only_what_nobody_knows_is_told() {
        let names = ["discard".to_owned(), "ingest".to_owned()];
        assert_eq!(unknown("workflow", "ingest", &names), None);
        let told = unknown("workflow", "inject", &names).unwrap();
        assert_eq!(
            told,
            "no workflow is called inject; there are discard, ingest"
        );
        let told = unknown("step", "scan", &[]).unwrap();
        assert_eq!(
            told,
            "no step is called scan; none has been at work here yet"
        );
    }
}

//! `schema.sql` shows the schema as the migrations make it.

use std::{env, fmt::Write, fs, path::Path};

use sqlx::{PgPool, Row, postgres::PgRow};

use crate::world::World;

/// Tables: name, comment, lines of the columns and of the constraints, and the other indexes.
const TABLES: &str = "
    SELECT c.relname, obj_description(c.oid) AS about,
           ARRAY(SELECT concat_ws(' ', attname, format_type(atttypid, atttypmod),
                        CASE WHEN attnotnull THEN 'NOT NULL' END,
                        CASE WHEN attgenerated = 's' THEN 'GENERATED ALWAYS AS (' || pg_get_expr(adbin, adrelid) || ') STORED'
                             ELSE 'DEFAULT ' || pg_get_expr(adbin, adrelid) END,
                        CASE WHEN attidentity = 'a' THEN 'GENERATED ALWAYS AS IDENTITY' END)
                 FROM pg_attribute LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
                 WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS columns,
           ARRAY(SELECT coalesce(col_description(attrelid, attnum), '')
                 FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS comments,
           ARRAY(SELECT pg_get_constraintdef(oid) FROM pg_constraint
                 WHERE conrelid = c.oid AND contype IN ('p', 'u', 'c')
                 ORDER BY array_position(ARRAY['p', 'u', 'c'], contype::text), conname) AS constraints,
           ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index
                 WHERE indrelid = c.oid
                   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
                 ORDER BY indexrelid::regclass::text) AS indexes
    FROM pg_class c
    WHERE relnamespace = 'workflows'::regnamespace AND relkind = 'r' AND relname <> '_sqlx_migrations'
    ORDER BY relname";
/// Views and functions: heading and comment.
const OTHERS: &str = "
    SELECT 'VIEW workflows.' || relname AS heading, obj_description(oid) AS about
    FROM pg_class WHERE relnamespace = 'workflows'::regnamespace AND relkind = 'v'
    UNION ALL
    SELECT 'FUNCTION workflows.' || proname || '(' || pg_get_function_arguments(oid) || ') RETURNS '
               || pg_get_function_result(oid), obj_description(oid)
    FROM pg_proc WHERE pronamespace = 'workflows'::regnamespace
    ORDER BY heading";

#[tokio::test]
async fn the_page_of_the_schema_is_current() {
    let world = World::new().await;
    let page = page(&world.pool).await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.sql");
    if env::var_os("WRITE_SCHEMA").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == page,
        "workflows/schema.sql is not what the migrations make: run ./just schema"
    );
}

async fn page(pool: &PgPool) -> String {
    let mut page = String::from(
        "-- The engine's schema as its migrations make it, to read. `./just schema` writes this file.\n",
    );
    for table in sqlx::query(TABLES).fetch_all(pool).await.unwrap() {
        write_table(&mut page, &table);
    }
    page.push_str("\n-- Bodies of views and functions are in `migrations/`.\n");
    for other in sqlx::query(OTHERS).fetch_all(pool).await.unwrap() {
        let (heading, about): (String, Option<String>) = (other.get(0), other.get(1));
        let about = about.unwrap_or_else(|| panic!("{heading} has no comment"));
        write!(page, "\n-- {about}\n-- {heading}\n").unwrap();
    }
    page
}

fn write_table(page: &mut String, table: &PgRow) {
    let name: String = table.get("relname");
    let about: Option<String> = table.get("about");
    let about = about.unwrap_or_else(|| panic!("the table {name} has no comment"));
    let columns: Vec<String> = table.get("columns");
    let comments: Vec<String> = table.get("comments");
    let constraints: Vec<String> = table.get("constraints");
    let indexes: Vec<String> = table.get("indexes");
    let lines = columns.len() + constraints.len();
    write!(page, "\n-- {about}\nCREATE TABLE workflows.{name} (\n").unwrap();
    for (at, line) in columns.iter().chain(&constraints).enumerate() {
        if let Some(comment) = comments.get(at) {
            assert!(!comment.is_empty(), "{name}: no comment on {line}");
            writeln!(page, "    -- {comment}").unwrap();
        }
        let comma = if at + 1 < lines { "," } else { "" };
        writeln!(page, "    {line}{comma}").unwrap();
    }
    page.push_str(");\n");
    for index in indexes {
        writeln!(page, "{index};").unwrap();
    }
}

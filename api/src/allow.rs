//! Which methods a path takes, for the `Allow` header that every 405 must have (RFC 9110 §15.5.6).

use poem::http::HeaderValue;
use serde_json::Value;

/// Path templates of the API with their methods.
#[derive(Debug)]
pub struct AllowedMethods(Vec<(Vec<String>, HeaderValue)>);

impl AllowedMethods {
    /// Reads them from the published document.
    pub fn of_document(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let allowed = paths.filter_map(|(template, item)| {
            let mut methods: Vec<String> = item
                .as_object()?
                .keys()
                .filter(|key| ["get", "post", "put", "patch", "delete"].contains(&key.as_str()))
                .map(|key| key.to_uppercase())
                .collect();
            if methods.iter().any(|method| method == "GET") {
                methods.push("HEAD".into());
            }
            let value = HeaderValue::from_str(&methods.join(", ")).ok()?;
            Some((template.split('/').map(ToOwned::to_owned).collect(), value))
        });
        Self(allowed.collect())
    }

    /// The methods of a path. What is not of the API is a page, an asset or media: only to be read.
    pub fn of(&self, path: &str) -> HeaderValue {
        let segments: Vec<&str> = path.split('/').collect();
        let matches = |template: &[String]| {
            template.len() == segments.len()
                && template
                    .iter()
                    .zip(&segments)
                    .all(|(t, s)| t.starts_with('{') || t == s)
        };
        self.0
            .iter()
            .find(|(template, _)| matches(template))
            .map_or(HeaderValue::from_static("GET, HEAD"), |(_, methods)| {
                methods.clone()
            })
    }
}

//! Which methods a path takes, for the `Allow` header that every 405 must have (RFC 9110 §15.5.6).

use poem::http::HeaderValue;
use serde_json::Value;

/// Path templates of the API with their methods.
#[derive(Debug)]
pub struct AllowedMethods(Vec<Template>);

#[derive(Debug)]
struct Template {
    text: String,
    methods: HeaderValue,
}

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
            Some(Template {
                text: template.clone(),
                methods: value,
            })
        });
        Self(allowed.collect())
    }

    /// The methods of a path. What is not of the API is a page, an asset or media: only to be read.
    pub fn of(&self, path: &str) -> HeaderValue {
        self.find(path)
            .map_or(HeaderValue::from_static("GET, HEAD"), |template| {
                template.methods.clone()
            })
    }

    /// The template of a path of the API, such as `/v1/files/{file_id}`.
    pub fn template_of(&self, path: &str) -> Option<&str> {
        self.find(path).map(|template| template.text.as_str())
    }

    /// Of two that match, the one that says more of the path itself.
    fn find(&self, path: &str) -> Option<&Template> {
        let matching = self
            .0
            .iter()
            .filter(|template| matches(&template.text, path));
        matching.min_by_key(|template| template.text.matches('{').count())
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(t), Some(p)) if t.starts_with('{') || t == p => {}
            _ => return false,
        }
    }
}

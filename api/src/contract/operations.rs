//! The document's operations by path and method, and requests held against their parameters: none that is not
//! documented, none twice, each as its schema says.

use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use poem::Request;
use poem::http::{HeaderValue, Method};
use serde_json::{Value, json};

use super::{check, excerpt};
use crate::http::problem::{FieldError, Problem};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// All paths of the API.
#[derive(Debug)]
pub struct Operations {
    document: &'static Value,
    paths: Vec<Path>,
}

#[derive(Debug)]
struct Path {
    /// Such as `/v1/files/{file_id}`.
    template: &'static str,
    /// Its segments; those in braces are parameters.
    segments: Vec<&'static str>,
    item: &'static Value,
    /// The `Allow` header that every 405 must have (RFC 9110 §15.5.6).
    allow: HeaderValue,
}

/// One operation, found for one request.
#[derive(Debug)]
pub struct Operation<'a> {
    document: &'static Value,
    parameters: &'static [Value],
    path: &'a Path,
}

impl Operations {
    /// Reads them from the published document.
    pub(super) fn of_document(document: &'static Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let path = |(template, item): (&'static String, &'static Value)| {
            let mut methods: Vec<String> = METHODS
                .iter()
                .filter(|method| item.get(**method).is_some())
                .map(|method| method.to_uppercase())
                .collect();
            if methods.iter().any(|method| method == "GET") {
                methods.push("HEAD".into());
            }
            Path {
                template,
                segments: template.split('/').collect(),
                item,
                allow: HeaderValue::from_str(&methods.join(", "))
                    .expect("names of methods are ASCII"),
            }
        };
        let mut paths: Vec<Path> = paths.map(path).collect();
        // `/summary` goes before `/{letter_id}`.
        let parameters = |path: &Path| path.segments.iter().filter(|s| s.starts_with('{')).count();
        paths.sort_by_key(parameters);
        Self { document, paths }
    }

    /// The methods of a path. What is not of the API is a page, an asset or media: only to be read.
    pub fn allowed(&self, path: &str) -> HeaderValue {
        let path = self.path(path);
        path.map_or(HeaderValue::from_static("GET, HEAD"), |path| {
            path.allow.clone()
        })
    }

    /// The template of a path, such as `/v1/files/{file_id}`.
    pub fn template_of(&self, path: &str) -> Option<&'static str> {
        self.path(path).map(|path| path.template)
    }

    /// The operation that answers this method at this path.
    pub fn find(&self, method: &Method, path: &str) -> Option<Operation<'_>> {
        let path = self.path(path)?;
        let method = match method.as_str() {
            "HEAD" => "get".to_owned(),
            method => method.to_ascii_lowercase(),
        };
        let operation = path.item.get(method)?;
        let parameters = operation["parameters"].as_array();
        Some(Operation {
            document: self.document,
            parameters: parameters.map(Vec::as_slice).unwrap_or_default(),
            path,
        })
    }

    fn path(&self, path: &str) -> Option<&Path> {
        let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        self.paths.iter().find(|path| {
            path.segments.len() == segments.len()
                && path
                    .segments
                    .iter()
                    .zip(&segments)
                    .all(|(t, s)| t.starts_with('{') || t == s)
        })
    }
}

impl Operation<'_> {
    /// Refuses a request with parameters that the operation does not have, has twice, or has otherwise.
    pub fn check(&self, request: &Request) -> Result<(), Problem> {
        let mut errors = Vec::new();
        self.query(request, &mut errors);
        self.headers(request, &mut errors);
        Self::once(request, &mut errors);
        self.path(request.uri().path(), &mut errors);
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::parameters(errors))
        }
    }

    fn declared(&self, place: &str) -> impl Iterator<Item = (&'static str, &'static Value)> {
        let of_place = self
            .parameters
            .iter()
            .filter(move |parameter| parameter["in"] == place);
        of_place.filter_map(|parameter| Some((parameter["name"].as_str()?, &parameter["schema"])))
    }

    fn query(&self, request: &Request, errors: &mut Vec<FieldError>) {
        let given: Vec<(String, String)> = request.params().unwrap_or_default();
        let mut seen = HashSet::new();
        for (name, text) in &given {
            let schema = self
                .declared("query")
                .find(|(declared, _)| declared == name);
            let Some((name, schema)) = schema else {
                let known: Vec<&str> = self.declared("query").map(|(name, _)| name).collect();
                let words = if known.is_empty() {
                    "is unknown; there are no query parameters here".to_owned()
                } else {
                    format!("is unknown; there are {}", known.join(", "))
                };
                errors.push(FieldError::of(excerpt(name), words));
                // One unknown name says enough; a request may have thousands.
                return;
            };
            if !seen.insert(name) {
                errors.push(FieldError::of(name, "is there twice"));
                return;
            }
            self.one(name, schema, text, errors);
        }
    }

    fn headers(&self, request: &Request, errors: &mut Vec<FieldError>) {
        for (name, schema) in self.declared("header") {
            let mut given = request.headers().get_all(name).iter();
            let Some(value) = given.next() else { continue };
            if given.next().is_some() {
                errors.push(FieldError::of(name, "is there twice"));
                continue;
            }
            match value.to_str() {
                Ok(text) => self.one(name, schema, text, errors),
                Err(_) => errors.push(FieldError::of(name, "must be ASCII")),
            }
        }
    }

    /// Where two proxies could each believe another one: who asks, and what the body is.
    fn once(request: &Request, errors: &mut Vec<FieldError>) {
        let headers = request.headers();
        for name in ["Authorization", "X-API-Key", "Content-Type"] {
            if headers.get_all(name).iter().count() > 1 {
                errors.push(FieldError::of(name, "is there twice"));
            }
        }
        if headers.contains_key("Authorization") && headers.contains_key("X-API-Key") {
            errors.push(FieldError::of(
                "X-API-Key",
                "is there beside `Authorization`: send one of them",
            ));
        }
    }

    /// As their schema says, once decoded (RFC 3986 §2.1), as the framework hands them on.
    fn path(&self, path: &str, errors: &mut Vec<FieldError>) {
        for (segment, text) in self.path.segments.iter().zip(path.split('/')) {
            let name = segment.trim_matches(['{', '}']);
            let mut declared = self.declared("path");
            let Some((name, schema)) = declared.find(|(declared, _)| *declared == name) else {
                continue;
            };
            match percent_decode_str(text).decode_utf8() {
                Err(_) => errors.push(FieldError::of(name, "must be UTF-8")),
                Ok(text) if text.contains('\0') => {
                    errors.push(FieldError::of(name, "must not contain the character NUL"));
                }
                Ok(text) => self.one(name, schema, &text, errors),
            }
        }
    }

    fn one(&self, name: &str, schema: &'static Value, text: &str, errors: &mut Vec<FieldError>) {
        let resolved = schema["$ref"]
            .as_str()
            .and_then(|target| self.document.pointer(target.trim_start_matches('#')));
        let value = match resolved.unwrap_or(schema)["type"].as_str() {
            Some("integer" | "number" | "boolean") if text == text.trim() => {
                serde_json::from_str(text).unwrap_or_else(|_| json!(text))
            }
            _ => json!(text),
        };
        for fault in check::check(self.document, schema, &value) {
            errors.push(FieldError::of(name, fault.words));
        }
    }
}

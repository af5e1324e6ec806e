//! The HTML page of the REST API, rendered from the document of [`super::openapi`]. It has no scripts.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::response::Html;
use serde_json::Value as Json;

use super::openapi;
use crate::http::pages::html::{self, escaped};

static PAGE: LazyLock<String> = LazyLock::new(|| {
    let document: Json = serde_json::from_str(&openapi::DOCUMENT).unwrap_or_default();
    let reference = Reference { document };
    let mut main = String::from("<div class=\"reference\">\n");
    reference.contents(&mut main);
    reference.body(&mut main);
    main.push_str("</div>");
    html::page("REST API", &main)
});

pub async fn page() -> Html<&'static str> {
    Html(&PAGE)
}

/// The document while it is rendered. Links within the page contain its path, since its base is the root.
struct Reference {
    document: Json,
}

impl Reference {
    fn operations(&self) -> impl Iterator<Item = (&str, &Json)> {
        members(&self.document["paths"]).map(|(path, item)| (path, &item["get"]))
    }

    fn schemas(&self) -> impl Iterator<Item = (&str, &Json)> {
        members(&self.document["components"]["schemas"])
    }

    fn contents(&self, page: &mut String) {
        page.push_str(
            "<nav class=\"contents\" aria-label=\"On this page\">\n<h2>Routes</h2>\n<ul>\n",
        );
        for (_, operation) in self.operations() {
            let id = escaped(text(operation, "operationId"));
            let summary = escaped(text(operation, "summary"));
            _ = writeln!(page, "<li><a href=\"openapi#{id}\">{summary}</a></li>");
        }
        page.push_str("</ul>\n<h2>Errors</h2>\n<ul>\n<li><a href=\"openapi#errors\">Error responses</a></li>\n</ul>\n<h2>Objects</h2>\n<ul>\n");
        for (name, _) in self.schemas() {
            _ = writeln!(page, "<li><a href=\"openapi#{0}\">{0}</a></li>", escaped(name));
        }
        page.push_str("</ul>\n</nav>\n");
    }

    fn body(&self, page: &mut String) {
        page.push_str("<main>\n<h1>REST API</h1>\n");
        page.push_str(&paragraphs(text(&self.document["info"], "description")));
        page.push_str(
            "<p>For programs: <a href=\"api/v1/openapi.json\">openapi.json</a> (OpenAPI 3.1). To try \
             queries in the browser: <a href=\"graphiql\">GraphiQL</a>.</p>\n",
        );
        for (path, operation) in self.operations() {
            route(page, path, operation);
        }
        self.errors(page);
        page.push_str("<section aria-labelledby=\"objects\">\n<h2 id=\"objects\">Objects</h2>\n");
        for (name, schema) in self.schemas() {
            object(page, name, schema);
        }
        page.push_str("</section>\n</main>\n");
    }

    fn errors(&self, page: &mut String) {
        page.push_str(
            "<section aria-labelledby=\"errors\">\n<h2 id=\"errors\">Error responses</h2>\n\
             <p>A route may answer with one of these instead, as <code>application/problem+json</code>: \
             a <a href=\"openapi#Problem\">Problem</a>.</p>\n\
             <table>\n<thead><tr><th scope=\"col\">Status</th><th scope=\"col\">Name</th>\
             <th scope=\"col\">When</th></tr></thead>\n<tbody>\n",
        );
        // The status of a response is shown where a route refers to it.
        let mut statuses: Vec<(&str, &str)> = self
            .operations()
            .flat_map(|(_, operation)| members(&operation["responses"]))
            .filter_map(|(status, response)| Some((status, name(response)?)))
            .collect();
        statuses.sort_unstable();
        statuses.dedup();
        for (status, name) in statuses {
            let response = &self.document["components"]["responses"][name];
            row(page, status, &escaped(name), text(response, "description"));
        }
        page.push_str("</tbody>\n</table>\n</section>\n");
    }
}

fn route(page: &mut String, path: &str, operation: &Json) {
    let id = escaped(text(operation, "operationId"));
    let (path, summary) = (escaped(path), escaped(text(operation, "summary")));
    _ = writeln!(
        page,
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{summary}</h2>\n\
         <p class=\"route\"><code><b>GET</b> {path}</code></p>"
    );
    page.push_str(&paragraphs(text(operation, "description")));
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    if !parameters.is_empty() {
        table_start(page, "Parameter");
        for parameter in parameters {
            let mut kind = kind(&parameter["schema"]);
            if parameter["required"] == true {
                kind.push_str(" <span class=\"required\">required</span>");
            }
            row(page, text(parameter, "name"), &kind, text(parameter, "description"));
        }
        page.push_str("</tbody>\n</table>\n");
    }
    for sample in operation["x-codeSamples"].as_array().into_iter().flatten() {
        let (label, source) = (escaped(text(sample, "label")), escaped(text(sample, "source")));
        _ = writeln!(page, "<h3>{label}</h3>\n<pre><code>{source}</code></pre>");
    }
    let answer = members(&operation["responses"]["200"]["content"]).next();
    if let Some((media_type, content)) = answer {
        let (media_type, kind) = (escaped(media_type), kind(&content["schema"]));
        let example = match &content["example"] {
            Json::String(text) => escaped(text.trim_end()),
            json => escaped(&serde_json::to_string_pretty(json).unwrap_or_default()),
        };
        _ = writeln!(
            page,
            "<h3>Response</h3>\n<p><code>{media_type}</code>: {kind}, or an \
             <a href=\"openapi#errors\">error</a>.</p>\n<pre><code>{example}</code></pre>"
        );
    }
    page.push_str("</section>\n");
}

fn object(page: &mut String, name: &str, schema: &Json) {
    _ = writeln!(page, "<section aria-labelledby=\"{0}\">\n<h3 id=\"{0}\">{0}</h3>", escaped(name));
    page.push_str(&paragraphs(text(schema, "description")));
    table_start(page, "Value");
    for (name, property) in members(&schema["properties"]) {
        row(page, name, &kind(property), text(property, "description"));
    }
    page.push_str("</tbody>\n</table>\n</section>\n");
}

fn table_start(page: &mut String, first: &str) {
    _ = writeln!(
        page,
        "<table>\n<thead><tr><th scope=\"col\">{first}</th><th scope=\"col\">Type</th>\
         <th scope=\"col\">Description</th></tr></thead>\n<tbody>"
    );
}

/// A row of a table. `kind` is HTML.
fn row(page: &mut String, name: &str, kind: &str, description: &str) {
    let (name, description) = (escaped(name), inline(description));
    _ = writeln!(
        page,
        "<tr><th scope=\"row\"><code>{name}</code></th><td>{kind}</td><td>{description}</td></tr>"
    );
}

/// A short description of a value.
fn kind(schema: &Json) -> String {
    if let Some(name) = name(schema) {
        return format!("<a href=\"openapi#{0}\">{0}</a>", escaped(name));
    }
    if let Some(kinds) = schema["oneOf"].as_array() {
        return kinds.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let types: Vec<_> = match &schema["type"] {
        Json::String(name) => vec![name.as_str()],
        Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    let mut text = escaped(&types.join(" or "));
    if let Some(format) = schema["format"].as_str() {
        _ = write!(text, " ({})", escaped(format));
    }
    if schema["type"] == "array" {
        _ = write!(text, " of {}", kind(&schema["items"]));
    }
    if let (Some(first), Some(last)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        _ = write!(text, ", {first} to {last}");
    }
    if let Some(default) = schema["default"].as_i64() {
        _ = write!(text, ", default {default}");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().filter_map(Json::as_str).map(escaped).collect();
        if values.len() <= 12 {
            _ = write!(text, ": {}", values.join(", "));
        } else {
            _ = write!(
                text,
                " <details><summary>{} names</summary>{}</details>",
                values.len(),
                values.join(", ")
            );
        }
    }
    text
}

/// The name of the component that a reference points to.
fn name(reference: &Json) -> Option<&str> {
    reference["$ref"].as_str()?.rsplit('/').next()
}

fn text<'a>(object: &'a Json, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}

fn members(object: &Json) -> impl Iterator<Item = (&str, &Json)> {
    object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

/// Paragraphs of Markdown. Only code spans are supported.
fn paragraphs(text: &str) -> String {
    let mut html = String::new();
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        _ = writeln!(html, "<p>{}</p>", inline(paragraph));
    }
    html
}

fn inline(text: &str) -> String {
    let mut html = String::new();
    for (n, part) in text.split('`').enumerate() {
        let part = escaped(part);
        // Every second part is between backticks.
        _ = if n % 2 == 1 { write!(html, "<code>{part}</code>") } else { write!(html, "{part}") };
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_of_descriptions_is_rendered() {
        for (text, html) in [
            ("a `b` <c>", "a <code>b</code> &lt;c&gt;"),
            ("`a``b`", "<code>a</code><code>b</code>"),
            ("", ""),
        ] {
            assert_eq!(inline(text), html);
        }
        assert!(!PAGE.contains('`'));
        assert!(PAGE.contains("<h2 id=\"jobRun\">Get a run</h2>"));
    }

    #[test]
    fn links_within_the_page_have_targets() {
        let links = PAGE.split("href=\"openapi#").skip(1).filter_map(|rest| rest.split('"').next());
        for link in links {
            assert!(PAGE.contains(&format!("id=\"{link}\"")), "{link}");
        }
        assert!(PAGE.matches("application/problem+json").count() == 1, "errors are described once");
    }
}

//! The page on which people read what [`super::openapi`] says to programs. Written by the server as it
//! is: nothing to load, and nothing that runs.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::response::Html;
use serde_json::Value as Json;

use super::openapi;

const START: &str = include_str!("page.html");

static PAGE: LazyLock<String> = LazyLock::new(|| {
    let document: Json = serde_json::from_str(&openapi::DOCUMENT).unwrap_or_default();
    let mut page = START.to_owned();
    let description = document["info"]["description"].as_str().unwrap_or_default();
    _ = writeln!(page, "<p>{}</p>", escaped(description));
    for (path, item) in members(&document["paths"]) {
        operation(&mut page, path, &item["get"]);
    }
    page.push_str("<h2>Objects</h2>\n");
    for (name, schema) in members(&document["components"]["schemas"]) {
        object(&mut page, name, schema);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
});

pub async fn page() -> Html<&'static str> {
    Html(&PAGE)
}

fn operation(page: &mut String, path: &str, operation: &Json) {
    let text = |name: &str| escaped(operation[name].as_str().unwrap_or_default());
    let path = escaped(path);
    _ = writeln!(page, "<section>\n<h2>{}</h2>\n<p><code>GET {path}</code></p>", text("summary"));
    _ = writeln!(page, "<p>{}</p>", text("description"));
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    if !parameters.is_empty() {
        page.push_str("<table>\n<tr><th>Parameter</th><th>Type</th><th></th></tr>\n");
        for parameter in parameters {
            let name = escaped(parameter["name"].as_str().unwrap_or_default());
            let required = if parameter["required"] == true { " (required)" } else { "" };
            let description = escaped(parameter["description"].as_str().unwrap_or_default());
            let kind = kind(&parameter["schema"]);
            _ = writeln!(
                page,
                "<tr><td><code>{name}</code>{required}</td><td>{kind}</td><td>{description}</td></tr>"
            );
        }
        page.push_str("</table>\n");
    }
    page.push_str("<dl>\n");
    for (status, response) in members(&operation["responses"]) {
        let (media_type, content) =
            members(&response["content"]).next().unwrap_or(("", &Json::Null));
        let description = escaped(response["description"].as_str().unwrap_or_default());
        let media_type = escaped(media_type);
        let kind = kind(&content["schema"]);
        _ = writeln!(
            page,
            "<dt>{status}</dt><dd>{description}: <code>{media_type}</code>, {kind}</dd>"
        );
    }
    page.push_str("</dl>\n</section>\n");
}

fn object(page: &mut String, name: &str, schema: &Json) {
    let description = escaped(schema["description"].as_str().unwrap_or_default());
    _ = writeln!(page, "<section>\n<h3 id=\"{0}\">{0}</h3>\n<p>{description}</p>", escaped(name));
    page.push_str("<table>\n<tr><th>Value</th><th>Type</th><th></th></tr>\n");
    for (name, property) in members(&schema["properties"]) {
        let name = escaped(name);
        let description = escaped(property["description"].as_str().unwrap_or_default());
        let kind = kind(property);
        _ = writeln!(
            page,
            "<tr><td><code>{name}</code></td><td>{kind}</td><td>{description}</td></tr>"
        );
    }
    page.push_str("</table>\n</section>\n");
}

/// What a value is, in a few words.
fn kind(schema: &Json) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return format!("<a href=\"#{0}\">{0}</a>", escaped(name));
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
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().filter_map(Json::as_str).map(escaped).collect();
        if values.len() <= 12 {
            _ = write!(text, ": {}", values.join(", "));
        } else {
            _ = write!(text, ": names of values");
        }
    }
    text
}

fn members(object: &Json) -> impl Iterator<Item = (&str, &Json)> {
    object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

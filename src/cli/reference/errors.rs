//! `docs/errors.md`, from the enums of codes.

use async_graphql::resolver_utils::EnumType as _;
use graphql_server::http::CloseCode;

use super::table::cell;
use crate::error::{Documentation, ErrorCode, Section, StatusRule};
use crate::reports::op::RefusalCode;

const INTRODUCTION: &str = "\
# Error codes

Generated from the program's own definitions: `make generated` rewrites this file.

Every error has a stable code. GraphQL has it in `extensions.code`, REST in `code` of a problem document
(RFC 9457), mutations in the `refusal` of a result, and a WebSocket in the number that closes it.
Messages are for people and may change.

A request beyond a limit is rejected before it is validated, and `extensions` has `limit` and `found`. The
name of an invalid argument or variable is in `extensions.argument` or `extensions.variable`, such as
`reports.0.sequence`; in REST it is in `parameter`.

The status is that of REST, and of a GraphQL request that was not executed when the client accepts
`application/graphql-response+json`. Clients of `application/json` get 200 for it, except where the status
is in parentheses. Errors in single fields come with the data of the others, in the field's `path`; the
status is 200 then, or 294 for `application/graphql-response+json`.
";

const LIMITS: &str = "
Fields of a fragment count wherever the fragment is spread.
";

const AFTER_LIMITS: &str = "
Long responses of a client are also limited by `--max-client-cost` a second: they wait and are not
rejected. 64 bytes of a long body count as one value, and each job that is queued, cancelled or retried
as 40. Clients on the same machine have no limits of their own; see
[operating.md](operating.md#deploy) for proxies.

Responses that take milliseconds of a processor (long lists, searches, documents of hundreds of fields)
are made on a thread pool of their own, with half as many threads as there are processors, one at a time
for each client. Other requests do not wait for them.
";

const END: &str = "
Streams over HTTP (server-sent events, multipart) end without `complete` when the service stops or the
token expires: connect again.
";

const SECTIONS: [(Section, &str); 5] = [
    (Section::Request, "The request"),
    (Section::Authentication, "Authentication and rights"),
    (Section::Retry, "Load and failures"),
    (Section::DocumentLimit, "Limits of documents"),
    (Section::PersistedDocument, "Persisted documents"),
];

pub(super) fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (section, title) in SECTIONS {
        text.push_str(&format!("\n## {title}\n"));
        if section == Section::DocumentLimit {
            text.push_str(LIMITS);
        }
        text.push_str("\n| code | status | meaning | what to do |\n| --- | --- | --- | --- |\n");
        for code in ErrorCode::ALL.iter().filter(|code| code.section() == section) {
            let status = match code.status_rule() {
                StatusRule::Always => format!("({})", code.status()),
                StatusRule::ByMediaType => code.status().to_string(),
            };
            let name = code.name();
            text.push_str(&row(&format!("`{name}` | {status}"), &code.documentation()));
        }
        if section == Section::DocumentLimit {
            text.push_str(AFTER_LIMITS);
        }
    }
    text.push_str("\n## Refusals\n\nMutations return these as data, with the invalid `field`.\n");
    text.push_str("\n| code | meaning | what to do |\n| --- | --- | --- |\n");
    for item in RefusalCode::items() {
        text.push_str(&row(&format!("`{}`", item.name), &item.value.documentation()));
    }
    text.push_str("\n## WebSocket close codes\n");
    text.push_str("\nCodes from 4400 on are those of `graphql-transport-ws`.\n");
    text.push_str("\n| code | meaning | what to do |\n| --- | --- | --- |\n");
    for code in CloseCode::ALL {
        text.push_str(&row(&code.number().to_string(), &code.documentation()));
    }
    text.push_str(END);
    text
}

fn row(start: &str, Documentation { meaning, remedy }: &Documentation) -> String {
    format!("| {start} | {} | {} |\n", cell(meaning), cell(remedy))
}

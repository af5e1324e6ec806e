//! Documents that ask for too much: refused with a code, whatever they come by, before anything is
//! done with them, while others are served.

use std::fmt::Write as _;
use std::time::Duration;

use agent_jobs::graphql::Rules;
use agent_jobs::http::HttpOptions;
use graphql_server::Limits;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{TestServer, errors_of, socket};

/// A document of less than 1 KB which the library would take minutes to look at: each fragment
/// spreads the next one twice.
fn bomb() -> String {
    let mut query = "{...F0}".to_owned();
    for i in 0..24 {
        _ = write!(query, "fragment F{i} on Query{{...F{n} ...F{n}}}", n = i + 1);
    }
    query + "fragment F24 on Query{__typename}"
}

/// Minutes sooner than the bomb would go off.
fn within<F: Future>(what: F) -> tokio::time::Timeout<F> {
    timeout(Duration::from_secs(10), what)
}

async fn start() -> (TestServer, impl Sized) {
    TestServer::start_guarded(Rules::default(), HttpOptions::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fragment_bomb_is_refused_by_every_transport() {
    let (server, _database) = start().await;
    let (bomb, url) = (bomb(), format!("{}/graphql", server.url));
    assert!(bomb.len() < 1024);
    let body = json!({ "query": bomb });
    let mut answers: Vec<Value> = Vec::new();

    answers
        .push(within(server.answer(&bomb, json!({}))).await.expect("no bomb")["errors"][0].clone());
    let get = within(server.get(&[("query", &bomb)])).await.expect("no bomb");
    answers.push(get["errors"][0].clone());
    for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
        let request = server.client.post(&url).header(ACCEPT, accept).json(&body).send();
        let text = within(request).await.expect("no bomb").unwrap().text().await.unwrap();
        let start = text.find("{\"errors\"").unwrap_or_else(|| panic!("{text}"));
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        answers.push(values.next().unwrap().unwrap()["errors"][0].clone());
    }
    let told = within(socket::ask(&server, &body)).await.expect("no bomb");
    assert_eq!(told["type"], "error");
    answers.push(told["payload"][0].clone());

    for answer in answers {
        assert_eq!(answer["extensions"]["code"], "TOO_MANY_FIELDS", "{answer:#}");
        assert_eq!(answer["extensions"]["limit"], 2_500);
        assert!(answer["extensions"]["found"].as_u64().unwrap() > 10_000_000);
    }
    let subscription =
        bomb.replacen("{...F0}", "subscription{...F0}", 1).replace("Query", "Subscription");
    let told =
        within(socket::ask(&server, &json!({ "query": subscription }))).await.expect("no bomb");
    assert_eq!(told["payload"][0]["extensions"]["code"], "TOO_MANY_FIELDS");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_limit_is_an_option_and_has_a_code() {
    let limits = Limits {
        max_document_bytes: 500,
        max_tokens: 100,
        max_depth: 4,
        max_fields: 20,
        max_aliases: 2,
        max_directives: 3,
        max_root_fields: 2,
        max_variables: 2,
        max_variable_values: 10,
        max_complexity: 200,
    };
    let (server, _database) =
        TestServer::start_guarded(Rules { limits, ..Rules::default() }, HttpOptions::default())
            .await;
    let many =
        json!({ "s": ["FAILED", "QUEUED", "UNKNOWN", "FAILED", "QUEUED", "UNKNOWN", "FAILED"] });
    for (query, variables, code, limit, found) in [
        (format!("{{ __typename }} # {}", "x".repeat(500)), json!({}), "DOCUMENT_TOO_LONG", 500, 517),
        (format!("{{ {} }}", "a ".repeat(40) + &"! ".repeat(60)), json!({}), "TOO_MANY_TOKENS", 100, 102),
        (format!("{{ a(b: {}1{}) }}", "[".repeat(40), "]".repeat(40)), json!({}), "", 0, 0),
        ("{ jobs { items { currentRun { job { id } } } } }".to_owned(), json!({}), "DOCUMENT_TOO_DEEP", 4, 5),
        ("{ jobs { items { ...F ...F ...F ...F } } } fragment F on Job { id name type state }".to_owned(), json!({}), "TOO_MANY_FIELDS", 20, 26),
        ("{ jobCounts { a: total b: total c: total } }".to_owned(), json!({}), "TOO_MANY_ALIASES", 2, 3),
        ("{ jobCounts { total @a @b @c @d } }".to_owned(), json!({}), "TOO_MANY_DIRECTIVES", 3, 4),
        ("{ jobCounts { total } __typename ... { __typename } }".to_owned(), json!({}), "TOO_MANY_ROOT_FIELDS", 2, 3),
        ("query($a: Int, $b: Int, $c: Int) { jobs { page } }".to_owned(), json!({}), "TOO_MANY_VARIABLES", 2, 3),
        ("query($s: [JobState!]) { jobs(filter: { states: $s }) { page } ... { jobs(filter: { states: $s }) { page } } }".to_owned(), many, "TOO_MANY_VARIABLE_VALUES", 10, 16),
        ("{ jobs(take: 200) { items { id } } }".to_owned(), json!({}), "TOO_COMPLEX", 200, 411),
        ("query($t: Int) { jobs(take: $t) { items { id } } }".to_owned(), json!({ "t": 150 }), "TOO_COMPLEX", 200, 311),
        ("query($t: Int = 150) { jobs(take: $t) { items { id } } }".to_owned(), json!({}), "TOO_COMPLEX", 200, 311),
        ("query($t: Int = 150) { jobs(take: $t) { items { id } } }".to_owned(), json!({ "t": 5 }), "", 0, 0),
    ] {
        let answer = server.answer(&query, variables).await;
        let errors = errors_of(&answer);
        if code.is_empty() {
            let refused = errors.first().is_some_and(|error| error["extensions"]["limit"].is_number());
            assert!(!refused, "{query} {answer:#}");
            continue;
        }
        assert_eq!(errors.len(), 1, "{query}");
        assert_eq!(errors[0]["extensions"], json!({ "code": code, "limit": limit, "found": found }), "{query}");
    }
}

/// Circles are rejected before they are visited, and nested brackets before they take stack.
#[tokio::test(flavor = "multi_thread")]
async fn circles_and_nests_are_refused() {
    let (server, _database) = start().await;
    let nest = |open: &str, close: &str, n| format!("{}{}", open.repeat(n), close.repeat(n));
    for (query, code) in [
        (
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ ...A } fragment A on Query { ...A ...A }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        (nest("{ a", "}", 1_500), "DOCUMENT_TOO_DEEP"),
        (format!("{{ a(b: {}) }}", nest("[", "]", 2_000)), "DOCUMENT_TOO_DEEP"),
        (format!("{{ a(b: {}) }}", nest("{a: [", "]}", 500)), "DOCUMENT_TOO_DEEP"),
        (format!("query($a: {}) {{ a }}", nest("[", "]", 2_000)), "DOCUMENT_TOO_DEEP"),
        (nest("{ ... ", "}", 100), "DOCUMENT_TOO_DEEP"),
        ("(".repeat(4_000), "DOCUMENT_TOO_DEEP"),
    ] {
        let answer = server.answer(&query, json!({})).await;
        let code_of = &errors_of(&answer)[0]["extensions"]["code"];
        // The parser has a bound of its own.
        assert!(code_of == code || code_of == "GRAPHQL_PARSE_FAILED", "{query:.60} {answer:#}");
    }
    assert_eq!(server.query("{ __typename }", json!({})).await["__typename"], "Query");
}

/// What GraphiQL asks first, and what a page full of data asks, is far from any limit.
#[tokio::test(flavor = "multi_thread")]
async fn who_means_well_meets_no_limit() {
    let (server, _database) = start().await;
    let reference = "kind name ofType { ".repeat(9) + "name" + &" }".repeat(9);
    let introspection = format!("{{ __schema {{ queryType {{ name }} mutationType {{ name }} subscriptionType {{ name }}
        types {{ ...T }} directives {{ name description locations args(includeDeprecated: true) {{ ...I }} }} }} }}
        fragment T on __Type {{ kind name description specifiedByURL fields(includeDeprecated: true) {{ name description
          args(includeDeprecated: true) {{ ...I }} type {{ ...R }} isDeprecated deprecationReason }}
          inputFields(includeDeprecated: true) {{ ...I }} interfaces {{ ...R }}
          enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }} possibleTypes {{ ...R }} }}
        fragment I on __InputValue {{ name description type {{ ...R }} defaultValue isDeprecated deprecationReason }}
        fragment R on __Type {{ {reference} }}");
    let data = server.query(&introspection, json!({})).await;
    assert!(data["__schema"]["types"].as_array().unwrap().len() > 20);
    server.query("{ jobs(take: 200) { totalCount items { id name state currentRun { id agentState
        agentPercentCompleted agentTasksCount agent { name } history { state at } } configuration { id name
        counts { total } } runs { id agentState } } } jobCounts { total byState { state count } } }", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_can_be_off_and_guesses_with_it() {
    let rules = Rules { no_introspection: true, ..Rules::default() };
    let (server, _database) = TestServer::start_guarded(rules, HttpOptions::default()).await;
    for query in [
        "{ __schema { types { name } } }",
        "{ __type(name: \"Job\") { name } }",
        "{ x: __schema { types { name } } }",
        "{ ...F } fragment F on Query { ... { __schema { types { name } } } }",
    ] {
        let errors = errors_of(&server.answer(query, json!({})).await);
        assert_eq!(errors[0]["extensions"]["code"], "INTROSPECTION_DISABLED", "{query}");
    }
    for query in [
        "{ job { id } }",
        "{ jobz { page } }",
        "{ jobs { itemz { id } } }",
        "{ jobs(tak: 5) { page } }",
    ] {
        let answer = server.answer(query, json!({})).await;
        assert!(!errors_of(&answer).is_empty());
        assert!(!answer.to_string().contains("Did you mean"), "{answer}");
    }
    assert_eq!(server.query("{ __typename }", json!({})).await["__typename"], "Query");
    let schema = server.client.get(format!("{}/schema.graphql", server.url)).send().await.unwrap();
    assert_eq!(schema.status(), 404);
    let (server, _database) = start().await;
    let answer = server.answer("{ jobz { page } }", json!({})).await;
    assert!(answer.to_string().contains("Did you mean"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_few_errors_however_many_there_are() {
    let (server, _database) = start().await;
    let query = format!("{{ jobCounts {{ {} }} }}", "nothing ".repeat(1_500));
    assert_eq!(errors_of(&server.answer(&query, json!({})).await).len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_come_in_lists_if_that_is_allowed() {
    let options = HttpOptions { max_batch: 3, ..HttpOptions::default() };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let send = async |body: Value| {
        let request = server.client.post(format!("{}/graphql", server.url)).json(&body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let one = json!({ "query": "{ __typename }" });
    let wrong = json!({ "query": "{ nothing }" });
    let watch = json!({ "query": "subscription { executingJobs { isSnapshot } }" });
    let (status, answers) = send(json!([one, wrong, watch])).await;
    assert_eq!((status, &answers[0]), (200, &json!({ "data": { "__typename": "Query" } })));
    assert_eq!(answers[1]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(answers[2]["errors"][0]["extensions"]["code"], "NOT_ACCEPTABLE");
    for (body, code) in [
        (json!([one, one, one, one]), "BATCH_TOO_LARGE"),
        (json!([]), "BAD_REQUEST"),
        (json!([one, 5]), "BAD_REQUEST"),
        (json!([[one]]), "BAD_REQUEST"),
    ] {
        let (status, answer) = send(body).await;
        assert_eq!(status, 400, "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], code);
    }
}

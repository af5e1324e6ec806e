//! Who sees and does what: each root field, and each field that leads from one row to others, for
//! each role, with and without a limit to some configurations, inside and outside of these. The
//! fields come from the schema: one that no case covers fails the test.
//!
//! What is outside must be answered exactly as if it did not exist, so each case is sent three times,
//! with the ids of what is inside, of what is outside and of nothing at all, and the latter two
//! answers must be the same but for the ids.

use std::collections::BTreeSet;

use agent_jobs::access::{Right, Role};
use agent_jobs::jobs::failures::grouping;
use agent_jobs::jobs::scope::Scope;
use entity::{JobState, agent, configuration, job, job_event, job_run};
use fingerprint::Fingerprint;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{TestServer, on_both_databases, second};

/// The ids that a case is about.
#[derive(Clone, Debug)]
struct Ids {
    configuration: Uuid,
    agent: Uuid,
    executing: Uuid,
    run: Uuid,
    attempt: Uuid,
    queued: Uuid,
    /// The token of an attempt that is to begin.
    start: Uuid,
    completed: Uuid,
    failed: Uuid,
    failed_run: Uuid,
    /// The failure group of that run alone.
    group: Uuid,
    /// The agent that the principal itself is, or may speak for.
    own_agent: Uuid,
}

impl Ids {
    fn new() -> Self {
        let agent = Uuid::now_v7();
        Self {
            configuration: Uuid::now_v7(),
            agent,
            executing: Uuid::now_v7(),
            run: Uuid::now_v7(),
            attempt: Uuid::now_v7(),
            queued: Uuid::now_v7(),
            start: Uuid::now_v7(),
            completed: Uuid::now_v7(),
            failed: Uuid::now_v7(),
            failed_run: Uuid::now_v7(),
            group: Fingerprint::of_message(&cause(agent)).expect("it has text").id,
            own_agent: agent,
        }
    }

    fn owned_by(&self, own_agent: Uuid) -> Self {
        Self { own_agent, ..self.clone() }
    }

    fn all(&self) -> [Uuid; 11] {
        [
            self.configuration,
            self.agent,
            self.executing,
            self.run,
            self.attempt,
            self.queued,
            self.start,
            self.completed,
            self.failed,
            self.failed_run,
            self.group,
        ]
    }

    /// Whether an answer has one of these.
    fn are_in(&self, answer: &str) -> bool {
        self.all().iter().any(|id| answer.contains(&id.to_string()))
    }

    /// The answer with a name in place of each of these.
    fn hidden(&self, answer: &Value) -> String {
        let text = answer.to_string();
        self.all()
            .iter()
            .enumerate()
            .fold(text, |text, (n, id)| text.replace(&id.to_string(), &format!("<id {n}>")))
    }

    fn variables(&self) -> Value {
        json!({
            "configuration": self.configuration,
            "agent": self.agent,
            "executing": self.executing,
            "run": self.run,
            "attempt": self.attempt,
            "queued": self.queued,
            "start": self.start,
            "completed": self.completed,
            "failed": self.failed,
            "group": self.group,
            "own": self.own_agent,
        })
    }
}

/// A message like no other, in letters: a fingerprint leaves them as they are.
fn cause(id: Uuid) -> String {
    let letter =
        |digit: char| char::from(b"abcdefghijklmnop"[digit.to_digit(16).unwrap_or(0) as usize]);
    format!("cause {}", id.simple().to_string().chars().map(letter).collect::<String>())
}

/// How one sees that a case has found what it is about.
#[derive(Clone, Copy)]
enum Found {
    /// The answer has one of the ids.
    Id,
    /// The answer has a number above 0 under this name.
    Count(&'static str),
    /// It is about the principal itself.
    Always,
}

struct Case {
    /// The fields that it covers.
    covers: &'static [&'static str],
    right: Right,
    document: &'static str,
    found: Found,
    /// Whether a token for one agent is limited to this agent here.
    is_by_agent: bool,
}

const fn read(covers: &'static [&'static str], document: &'static str, found: Found) -> Case {
    Case { covers, right: Right::Read, document, found, is_by_agent: false }
}

const fn act(
    right: Right,
    covers: &'static [&'static str],
    document: &'static str,
    found: Found,
) -> Case {
    Case { covers, right, document, found, is_by_agent: matches!(right, Right::Report) }
}

/// In this order: what comes later is done to what is left.
const CASES: &[Case] = &[
    read(&["Query.principal"], "query { principal { name role configurationIds agentId } }", Found::Always),
    read(
        &["Query.jobCounts"],
        "query($configuration: UUID) { jobCounts(configurationId: $configuration) { total queued } }",
        Found::Count("total"),
    ),
    read(
        &["Query.jobStatistics", "JobStatistics.configuration", "JobStatistics.agent"],
        "query { jobStatistics(from: \"2020-01-01T00:00:00Z\", groupBy: [CONFIGURATION, NAME]) {
            finished name configuration { id name } agent { id name } } }",
        Found::Id,
    ),
    read(
        &[],
        "query($configuration: UUID!) { jobStatistics(from: \"2020-01-01T00:00:00Z\",
            filter: { configurationIds: [$configuration] }) { finished jobs { completed } } }",
        Found::Count("completed"),
    ),
    read(
        &["Query.jobs", "JobPage.items"],
        "query($configuration: UUID) { jobs(configurationId: $configuration) { totalCount
            items { id name } } }",
        Found::Id,
    ),
    read(
        &[],
        "query { jobs(take: 200) { totalCount totalCountIsExact items { id name configurationId } } }",
        Found::Id,
    ),
    read(&[], "query { jobs(take: 200, filter: { search: \"job\", states: [QUEUED, FAILED] }) { totalCount items { id } } }", Found::Id),
    read(&[], "query { jobs(take: 200, orderBy: { field: NAME }) { totalCount items { id } } }", Found::Id),
    read(
        &[],
        "query { jobs(take: 200, orderBy: { field: STARTED_DATE }, filter: { isStale: true,
            startedAfter: \"1970-01-01T00:00:00Z\" }) { totalCount items { id } } }",
        Found::Id,
    ),
    read(
        &["Query.jobsConnection", "JobConnection.nodes", "JobEdge.node"],
        "query($configuration: UUID!) { jobsConnection(filter: { configurationIds: [$configuration] }, last: 3) {
            nodes { id } edges { node { id } } } }",
        Found::Id,
    ),
    read(&[], "query { jobsConnection(first: 200) { nodes { id } } }", Found::Id),
    read(
        &["Query.executingJobs"],
        "query($configuration: UUID) { executingJobs(configurationId: $configuration) { id } }",
        Found::Id,
    ),
    read(&[], "query { executingJobs { id currentRun { id } } }", Found::Id),
    read(
        &["Query.jobRun"],
        "query($run: UUID!) { jobRun(id: $run) { id agentKey agentResultMessage } }",
        Found::Id,
    ),
    read(&[], "query($executing: UUID!) { jobRun(id: $executing) { id agentKey } }", Found::Id),
    read(
        &["Query.job", "Job.configuration", "Job.currentRun", "Job.runs", "Job.history"],
        "query($executing: UUID!) { job(id: $executing) { id configuration { id name }
            currentRun { id agentKey } runs { id agentKey } history { message principal } } }",
        Found::Id,
    ),
    read(
        &["JobRun.job", "JobRun.agent", "JobRun.history"],
        "query($run: UUID!) { jobRun(id: $run) { job { id } agent { id name } history { message principal } } }",
        Found::Id,
    ),
    read(
        &["Query.configuration", "Configuration.counts", "Configuration.jobs"],
        "query($configuration: UUID!) { configuration(id: $configuration) { id name counts { total }
            jobs { id name } } }",
        Found::Id,
    ),
    read(
        &["Query.configurations", "ConfigurationPage.items"],
        "query { configurations(take: 200) { totalCount items { id name } } }",
        Found::Id,
    ),
    read(
        &["Query.agent", "Agent.runs"],
        "query($agent: UUID!) { agent(id: $agent) { id name runs { id agentKey job { id } } } }",
        Found::Id,
    ),
    read(
        &["Query.agents", "AgentPage.items"],
        "query { agents(take: 200) { totalCount items { id name runs { id } } } }",
        Found::Id,
    ),
    read(
        &["Query.failureGroup", "FailureGroupConfiguration.configuration"],
        "query($group: UUID!) { failureGroup(id: $group) { id title sampleMessage firstSeen lastSeen jobCount
            byConfiguration { count configuration { id name } } perDay(days: 366) { count }
            acknowledgement { by note } } }",
        Found::Id,
    ),
    read(
        &["Query.failureGroups", "FailureGroupConnection.nodes", "FailureGroupEdge.node"],
        "query($configuration: UUID!) { failureGroups(filter: { configurationIds: [$configuration] }) {
            totalCount nodes { id title sampleMessage jobCount } edges { node { id } } } }",
        Found::Id,
    ),
    read(
        &[],
        "query { failureGroups(first: 200, filter: { includeEmpty: true }, orderBy: JOB_COUNT) { totalCount
            nodes { id title sampleMessage byConfiguration { configuration { id } } } } }",
        Found::Id,
    ),
    read(
        &["JobRun.failureGroup"],
        "query($failed: UUID!) { job(id: $failed) { currentRun { failureGroup { id title sampleMessage
            jobCount byConfiguration { configuration { id } } } } } }",
        Found::Id,
    ),
    read(&[], "query($group: UUID!) { jobs(filter: { failureGroupId: $group }) { totalCount items { id } } }", Found::Id),
    read(
        &["Subscription.executingJobs", "ExecutingJobsUpdate.jobs", "ExecutingJobsUpdate.removed"],
        "subscription($configuration: UUID) { executingJobs(configurationId: $configuration) {
            jobs { id currentRun { id agentKey } } removed { id } } }",
        Found::Id,
    ),
    read(&[], "subscription { executingJobs { jobs { id name } removed { id } } }", Found::Id),
    read(
        &["Subscription.jobRun"],
        "subscription($run: UUID!) { jobRun(id: $run) { id agentKey job { id } } }",
        Found::Id,
    ),
    read(
        &["Subscription.jobCounts"],
        "subscription($configuration: UUID) { jobCounts(configurationId: $configuration) { total } }",
        Found::Count("total"),
    ),
    act(
        Right::Report,
        &["Mutation.registerAgent", "RegisterAgentPayload.agent"],
        "mutation($agent: UUID!) { registerAgent(input: { id: $agent, name: \"Job agent\" }) {
            agent { id } refusal { code field message } } }",
        Found::Id,
    ),
    act(
        Right::Administer,
        &["Mutation.saveConfiguration", "SaveConfigurationPayload.configuration"],
        "mutation($configuration: UUID!) { saveConfiguration(input: { id: $configuration,
            name: \"Source\" }) { configuration { id } refusal { code field message } } }",
        Found::Id,
    ),
    act(
        Right::Operate,
        &["Mutation.queueJobs", "JobResult.job"],
        "mutation($configuration: UUID!) { queueJobs(input: [{ configurationId: $configuration,
            name: \"New job\", clientRequestId: \"request\" }]) { results { isRepeat
            job { configurationId } refusal { code field message } } } }",
        Found::Id,
    ),
    act(
        Right::Report,
        &["Mutation.startJobRun", "Attempt.job", "Attempt.jobRun"],
        "mutation($queued: UUID!, $agent: UUID!, $start: UUID!) { startJobRun(input: {
            jobId: $queued, agentId: $agent, attemptToken: $start }) {
            attempt { job { id } jobRun { agentId agentKey } } refusal { code field message } } }",
        Found::Id,
    ),
    act(
        Right::Report,
        &["Mutation.claimJob"],
        "mutation($agent: UUID!) { claimJob(input: { agentId: $agent }) { attempt { job { id }
            jobRun { agentId } } refusal { code field message } } }",
        Found::Always,
    ),
    Case {
        is_by_agent: false,
        ..act(
            Right::Report,
            &[],
            "mutation($own: UUID!, $configuration: UUID!) { claimJob(input: { agentId: $own,
                configurationIds: [$configuration] }) { attempt { job { id } }
                refusal { code field message } } }",
            Found::Always,
        )
    },
    act(
        Right::Report,
        &["Mutation.reportJobRuns", "ReportResult.jobRun"],
        "mutation($run: UUID!, $attempt: UUID!) { reportJobRuns(reports: [{ runId: $run,
            attemptToken: $attempt, sequence: 1, progress: { agentTasksCount: 5 } }]) {
            results { status jobRun { id agentKey } refusal { code field message }
            cancellationRequested lastSequence } } }",
        Found::Id,
    ),
    act(
        Right::Report,
        &["Mutation.reportProcessing"],
        "mutation($run: UUID!) { reportProcessing(reports: [{ runId: $run, sequence: 1,
            processingState: EXECUTING }]) { results { status jobRun { id }
            refusal { code field message } lastSequence } } }",
        Found::Id,
    ),
    act(
        Right::Operate,
        &["Mutation.requestCancellation"],
        "mutation($executing: UUID!) { requestCancellation(input: { jobIds: [$executing] }) {
            results { job { id state } refusal { code field message } } } }",
        Found::Id,
    ),
    act(
        Right::Operate,
        &[],
        "mutation($configuration: UUID!) { requestCancellation(input: { dryRun: true,
            filter: { configurationIds: [$configuration] } }) { matchedCount } }",
        Found::Count("matchedCount"),
    ),
    act(
        Right::Report,
        &["Mutation.finishJobRun"],
        "mutation($run: UUID!, $attempt: UUID!) { finishJobRun(input: { runId: $run,
            attemptToken: $attempt, sequence: 2, outcome: COMPLETED }) { result { status
            jobRun { id } refusal { code field message } } } }",
        Found::Id,
    ),
    act(
        Right::Operate,
        &["Mutation.forceCancel"],
        "mutation($executing: UUID!) { forceCancel(input: { jobIds: [$executing] }) {
            results { job { id } refusal { code field message } } } }",
        Found::Id,
    ),
    act(
        Right::Operate,
        &["Mutation.acknowledgeFailureGroup", "FailureGroupPayload.failureGroup"],
        "mutation($group: UUID!) { acknowledgeFailureGroup(input: { id: $group, note: \"known\" }) {
            failureGroup { id acknowledgement { by note } } refusal { code field message } } }",
        Found::Id,
    ),
    act(
        Right::Operate,
        &["Mutation.reopenFailureGroup"],
        "mutation($group: UUID!) { reopenFailureGroup(input: { id: $group }) {
            failureGroup { id acknowledgement { by } } refusal { code field message } } }",
        Found::Id,
    ),
    act(
        Right::Operate,
        &["Mutation.retryJobs"],
        "mutation($failed: UUID!) { retryJobs(input: { jobIds: [$failed], reason: \"again\" }) {
            results { job { id state } refusal { code field message } } } }",
        Found::Id,
    ),
    act(
        Right::Operate,
        &[],
        "mutation($configuration: UUID!) { retryJobs(input: { dryRun: true,
            filter: { configurationIds: [$configuration] } }) { matchedCount } }",
        Found::Count("matchedCount"),
    ),
];

/// Types whose objects show rows, or what was counted of them.
const ROWS: [&str; 10] = [
    "FailureGroup",
    "Job",
    "JobStatistics",
    "JobRun",
    "Agent",
    "Configuration",
    "StateChange",
    "JobCounts",
    "RemovedJob",
    "Principal",
];

/// The fields that a case must cover.
async fn fields(server: &TestServer, token: &str) -> BTreeSet<String> {
    let answer = server
        .answer_as(
            token,
            "query { __schema { types { kind name fields { name type { kind name ofType { kind name
                ofType { kind name ofType { kind name } } } } } } } }",
            json!({}),
        )
        .await;
    let mut found = BTreeSet::new();
    for part in answer["data"]["__schema"]["types"].as_array().expect("types") {
        let parent = part["name"].as_str().expect("a name");
        if part["kind"] != "OBJECT" || parent.starts_with("__") {
            continue;
        }
        for field in part["fields"].as_array().expect("fields") {
            let mut of = &field["type"];
            while !of["ofType"].is_null() {
                of = &of["ofType"];
            }
            let leads_to_rows = ROWS.contains(&of["name"].as_str().expect("a name"));
            if ["Query", "Mutation", "Subscription"].contains(&parent) || leads_to_rows {
                found.insert(format!("{parent}.{}", field["name"].as_str().expect("a name")));
            }
        }
    }
    found
}

/// A configuration with an agent, and a job in each of the states that cases need.
async fn insert_side(server: &TestServer, name: &str, ids: &Ids) {
    let job = |id, state| job::Model {
        id,
        configuration_id: Some(ids.configuration),
        name: Some(format!("{name} job")),
        priority: 2,
        state,
        created_date: second(5),
        current_run_id: match id {
            id if id == ids.executing => Some(ids.run),
            id if id == ids.failed => Some(ids.failed_run),
            _ => None,
        },
        ..job::Model::default()
    };
    let run = job_run::Model {
        id: ids.run,
        job_id: ids.executing,
        agent_id: ids.agent,
        agent_key: format!("{name} key"),
        agent_state: JobState::Executing,
        agent_result_message: Some(format!("{name} message")),
        agent_start_time: Some(second(6)),
        attempt_token: Some(ids.attempt),
        ..job_run::Model::default()
    };
    let failed_run = job_run::Model {
        id: ids.failed_run,
        job_id: ids.failed,
        agent_state: JobState::Failed,
        agent_result_message: Some(cause(ids.agent)),
        agent_end_time: Some(second(7)),
        attempt_token: None,
        ..run.clone()
    };
    // Of one group on all sides.
    let shared_run = job_run::Model {
        id: Uuid::now_v7(),
        agent_result_message: Some(format!("error \"{name}\"")),
        agent_start_time: Some(second(1)),
        ..failed_run.clone()
    };
    let event = job_event::Model {
        id: Uuid::now_v7(),
        job_id: ids.executing,
        run_id: Some(ids.run),
        state: JobState::Executing,
        date: second(6),
        changed_by: "agent".to_owned(),
        message: Some(format!("{name} event")),
        principal: Some(format!("{name} operator")),
    };
    let configuration = configuration::Model {
        id: ids.configuration,
        name: Some(format!("{name} configuration")),
        created_date: second(0),
        ..configuration::Model::default()
    };
    let agent = agent::Model {
        id: ids.agent,
        name: Some(format!("{name} agent")),
        agent_key: Some(format!("{name} key")),
        created_date: second(0),
        ..agent::Model::default()
    };
    server.insert::<configuration::Entity>(&[configuration]).await;
    server.insert::<agent::Entity>(&[agent]).await;
    server
        .insert::<job::Entity>(&[
            job(ids.executing, JobState::Executing),
            job(ids.queued, JobState::Queued),
            job(ids.completed, JobState::Completed),
            job(ids.failed, JobState::Failed),
        ])
        .await;
    server.insert::<job_run::Entity>(&[run, failed_run, shared_run]).await;
    server.insert::<job_event::Entity>(&[event]).await;
    while grouping::group(server.db(), second(8)).await.expect("grouping") > 0 {}
}

/// Another run of an agent's, of a job on another side.
async fn insert_run(server: &TestServer, agent_id: Uuid, job_id: Uuid) -> Uuid {
    let run = job_run::Model {
        id: Uuid::now_v7(),
        job_id,
        agent_id,
        agent_key: "Outside key".to_owned(),
        agent_state: JobState::Completed,
        agent_start_time: Some(second(1)),
        ..job_run::Model::default()
    };
    server.insert::<job_run::Entity>(std::slice::from_ref(&run)).await;
    run.id
}

/// Whether an answer shows that the case found what it is about.
fn is_found(case: &Case, ids: &Ids, answer: &Value) -> bool {
    fn number(value: &Value, name: &str) -> Option<i64> {
        match value {
            Value::Object(object) => object
                .get(name)
                .and_then(Value::as_i64)
                .or_else(|| object.values().find_map(|value| number(value, name))),
            Value::Array(items) => items.iter().find_map(|item| number(item, name)),
            _ => None,
        }
    }
    match case.found {
        Found::Id => ids.are_in(&answer["data"].to_string()),
        Found::Count(name) => number(&answer["data"], name).is_some_and(|n| n > 0),
        Found::Always => answer["errors"].is_null(),
    }
}

const SNAPSHOT: &str = "query($configuration: UUID!) { configuration(id: $configuration) { name
    jobs(take: 200) { id state name updateDate runs { id agentState updateDate agentTasksCount
    processingState agent { id } } } } }";

on_both_databases! {
    async fn each_field_for_each_role_inside_and_outside(database: TestDatabase) {
        let server = TestServer::controlled(&database, None).await;
        let (_, admin) = server.token(Role::Admin, Scope::All, None, None).await;
        let covered: BTreeSet<_> =
            CASES.iter().flat_map(|case| case.covers).map(|field| (*field).to_owned()).collect();
        assert_eq!(covered, fields(&server, &admin).await, "each field has a case, and no other");
        for case in CASES {
            for field in case.covers {
                let name = field.split('.').nth(1).expect("a field's name");
                assert!(case.document.contains(name), "{field}: {}", case.document);
            }
        }

        for (role, is_bound) in [
            (Role::Viewer, false), (Role::Agent, true), (Role::Agent, false), (Role::Operator, false),
            (Role::Admin, false),
        ] {
            for is_limited in [true, false] {
                let who = format!("{role:?}, bound: {is_bound}, limited: {is_limited}");
                let (inside, outside) = (Ids::new(), Ids::new());
                insert_side(&server, "Inside", &inside).await;
                insert_side(&server, "Outside", &outside).await;
                // An agent that has worked for both.
                let other_run = insert_run(&server, inside.agent, outside.completed).await;
                let scope = if is_limited { Scope::only([inside.configuration]) } else { Scope::All };
                let own = is_bound.then_some(inside.agent);
                let (_, token) = server.token(role, scope, own, None).await;

                let before = server.answer_as(&admin, SNAPSHOT, outside.variables()).await;
                for case in CASES {
                    let outside = outside.owned_by(inside.agent);
                    let missing = Ids::new().owned_by(inside.agent);
                    // What is made up for a limited token must not be made for the others.
                    if is_limited {
                        let ask = async |ids: &Ids| {
                            server.answer_as(&token, case.document, ids.variables()).await
                        };
                        let (out, none) = (ask(&outside).await, ask(&missing).await);
                        assert_eq!(outside.hidden(&out), missing.hidden(&none), "{who}: {}", case.document);
                    }
                    let answer = server.answer_as(&token, case.document, inside.variables()).await;
                    let text = answer.to_string();
                    if role.may(case.right) {
                        assert!(is_found(case, &inside, &answer), "{who}: {}\n{answer:#}", case.document);
                    } else {
                        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{who}: {answer:#}");
                        assert!(!inside.are_in(&answer["data"].to_string()), "{who}: {answer:#}");
                    }
                    if is_limited {
                        assert!(!outside.are_in(&text) && !text.contains(&other_run.to_string())
                            && !text.contains("Outside"), "{who}: {}\n{answer:#}", case.document);
                    }
                    assert!(role == Role::Admin || !text.contains(" key"), "{who}: {answer:#}");
                }
                let after = server.answer_as(&admin, SNAPSHOT, outside.variables()).await;
                if is_limited || !role.may(Right::Operate) && !role.may(Right::Report) {
                    assert_eq!(before, after, "{who}");
                }
                if is_limited {
                    continue;
                }
                // Without a limit what is outside of the others' is there.
                for case in CASES.iter().filter(|case| role.may(case.right)) {
                    let ids = outside.owned_by(inside.agent);
                    let answer = server.answer_as(&token, case.document, ids.variables()).await;
                    let is_anothers = is_bound && case.is_by_agent;
                    if is_anothers {
                        assert!(answer.to_string().contains("NOT_FOUND"), "{who}: {}\n{answer:#}", case.document);
                        assert!(!answer.to_string().contains("Outside"), "{who}: {answer:#}");
                    } else {
                        assert!(is_found(case, &outside, &answer), "{who}: {}\n{answer:#}", case.document);
                    }
                }
            }
        }
    }

    async fn counts_and_lists_of_a_limited_token_are_its_own(database: TestDatabase) {
        let server = TestServer::controlled(&database, None).await;
        let sides: Vec<Ids> = (0..4).map(|_| Ids::new()).collect();
        for ids in &sides {
            insert_side(&server, "Some", ids).await;
        }
        for n in 0..=sides.len() {
            let scope = Scope::only(sides[..n].iter().map(|ids| ids.configuration));
            let (_, token) = server.token(Role::Viewer, scope, None, None).await;
            let answer = server.answer_as(&token, "query { jobCounts { total queued executing }
                jobs(take: 5, page: 0) { totalCount hasNextPage pageCount }
                failed: jobs(filter: { states: [FAILED, QUEUED] }) { totalCount items { configurationId } }
                configurations { totalCount } agents { totalCount } executingJobs { id } }",
                json!({})).await;
            let data = &answer["data"];
            assert_eq!(data["jobCounts"], json!({ "total": 4 * n, "queued": n, "executing": n }), "{answer:#}");
            assert_eq!(data["jobs"]["totalCount"], 4 * n);
            assert_eq!(data["jobs"]["hasNextPage"], 4 * n > 5);
            assert_eq!(data["failed"]["totalCount"], 2 * n);
            assert_eq!(data["failed"]["items"].as_array().unwrap().len(), 2 * n);
            assert_eq!(data["configurations"]["totalCount"], n);
            assert_eq!(data["agents"]["totalCount"], n);
            assert_eq!(data["executingJobs"].as_array().unwrap().len(), n);
        }
    }

    async fn nobody_gets_anything(database: TestDatabase) {
        let server = TestServer::controlled(&database, None).await;
        let ids = Ids::new();
        insert_side(&server, "Secret", &ids).await;
        for token in [None, Some("ajt_nonsense"), Some("a.b.c"), Some("")] {
            for case in CASES {
                let mut request = server.client.post(format!("{}/graphql", server.url))
                    .json(&json!({ "query": case.document, "variables": ids.variables() }));
                if let Some(token) = token {
                    request = request.bearer_auth(token);
                }
                let response = request.send().await.expect("an answer");
                assert_eq!(response.status(), 401, "{token:?} {}", case.document);
                assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"agent-jobs\"");
                let answer: Value = response.json().await.expect("JSON");
                assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer:#}");
                assert!(answer.get("data").is_none_or(Value::is_null), "{answer:#}");
            }
        }
    }
}

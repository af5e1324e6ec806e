//! Requests for every filter, order, mutation and REST parameter there is, read from the schema and
//! from the OpenAPI document, so that one that is added is among the attacks by itself.

use std::collections::{BTreeMap, HashMap};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The most values that a list of an input takes.
const LONGEST_LIST: usize = 1_000;

/// Aliases of one field in a document: enough for the work of several requests, and few enough that
/// the document is executed where each has an index.
const ALIASES: usize = 10;

/// Objects whose scalars alone are selected, so that an answer costs no more than to find its rows.
const ROWS: [&str; 4] = ["Job", "JobRun", "Configuration", "Agent"];

/// The conditions of a filter that statistics know.
const OF_STATISTICS: [&str; 6] =
    ["states", "excludeStates", "configurationIds", "providers", "agentIds", "search"];

/// What is in the database, for arguments to name.
pub struct KnownIds {
    pub configuration: Uuid,
    pub agent: Uuid,
    /// An attempt of the client's own.
    pub run: Uuid,
    pub token: Uuid,
    /// Others' jobs.
    pub jobs: Vec<Uuid>,
    pub failure_group: Uuid,
}

/// A request of an attack.
#[derive(Clone, Debug)]
pub enum Request {
    GraphQl {
        query: String,
        variables: Value,
    },
    /// A path with its query.
    Get(String),
}

/// Requests of one kind, by the name of the kind.
pub type Attacks = BTreeMap<String, Vec<Request>>;

/// The attacks on a service with this schema and these REST routes.
pub fn attacks(schema: &str, openapi: &Value, known: &KnownIds) -> Result<Attacks, String> {
    let schema = Schema::parse(schema, known)?;
    let mut attacks = Attacks::new();
    schema.add_queries(&mut attacks)?;
    schema.add_mutations(&mut attacks)?;
    add_routes(openapi, known, &mut attacks)?;
    Ok(attacks)
}

struct Schema<'a> {
    types: HashMap<String, TypeKind>,
    known: &'a KnownIds,
}

/// Arguments by their names.
type Arguments = Map<String, Value>;

impl<'a> Schema<'a> {
    fn parse(text: &str, known: &'a KnownIds) -> Result<Self, String> {
        let document = parse_schema(text).map_err(|error| error.to_string())?;
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => {
                Some((definition.node.name.node.to_string(), definition.node.kind))
            }
            _ => None,
        });
        Ok(Self { types: types.collect(), known })
    }

    fn fields(&self, object: &str) -> Result<impl Iterator<Item = &FieldDefinition>, String> {
        match self.types.get(object) {
            Some(TypeKind::Object(object)) => Ok(object.fields.iter().map(|field| &field.node)),
            _ => Err(format!("{object} is not an object of the schema")),
        }
    }

    /// Each query without optional arguments, each optional argument of all queries that have it, and
    /// each condition of a filter.
    fn add_queries(&self, attacks: &mut Attacks) -> Result<(), String> {
        for field in self.fields("Query")? {
            let base =
                self.required(field.arguments.iter().map(|argument| &argument.node), field)?;
            let request = self.operation("query", field, &base, 1)?;
            attacks.entry(format!("query {}", field.name.node)).or_default().push(request);
            for argument in &field.arguments {
                let argument = &argument.node;
                let name = argument.name.node.as_str();
                if base.contains_key(name) {
                    continue;
                }
                for (varied, value) in self.varied(field, argument)? {
                    let attack = attacks.entry(format!("by {varied}")).or_default();
                    let mut arguments = base.clone();
                    arguments.insert(name.to_owned(), value);
                    attack.push(self.operation("query", field, &arguments, 1)?);
                    attack.push(self.operation("query", field, &arguments, ALIASES)?);
                    // The same in each of the other orders.
                    let order =
                        field.arguments.iter().find(|other| other.node.name.node == "orderBy");
                    let Some(order) = order.filter(|_| name != "orderBy") else { continue };
                    for order in self.samples("orderBy", &order.node.ty.node)? {
                        arguments.insert("orderBy".to_owned(), order);
                        attack.push(self.operation("query", field, &arguments, 1)?);
                    }
                }
            }
        }
        // Each order has an attack of its own, too.
        for request in attacks.get("by orderBy").cloned().unwrap_or_default() {
            let Request::GraphQl { variables, .. } = &request else { continue };
            let Some(field) = variables["orderBy"]["field"].as_str() else { continue };
            attacks.entry(format!("order {field}")).or_default().push(request);
        }
        Ok(())
    }

    /// The values of an argument, each with what it varies: the argument, or a condition of a filter.
    fn varied(
        &self,
        field: &FieldDefinition,
        argument: &InputValueDefinition,
    ) -> Result<Vec<(String, Value)>, String> {
        let (name, ty) = (argument.name.node.as_str(), &argument.ty.node);
        if name != "filter" {
            let values = self.samples(name, ty)?.into_iter();
            return Ok(values.map(|value| (name.to_owned(), value)).collect());
        }
        let mut varied = Vec::new();
        for condition in self.input_fields(ty).ok_or("a filter is an input")? {
            let name = condition.name.node.as_str();
            if field.name.node == "jobStatistics" && !OF_STATISTICS.contains(&name) {
                continue;
            }
            let values = self.samples(name, &condition.ty.node)?.into_iter();
            varied.extend(values.map(|value| (name.to_owned(), json!({ name: value }))));
        }
        Ok(varied)
    }

    /// Each mutation, and those that take a filter with each condition of it.
    fn add_mutations(&self, attacks: &mut Attacks) -> Result<(), String> {
        for field in self.fields("Mutation")? {
            let name = field.name.node.as_str();
            for argument in &field.arguments {
                let (key, ty) = (argument.node.name.node.as_str(), &argument.node.ty.node);
                for value in self.samples(key, ty)? {
                    let arguments = Map::from_iter([(key.to_owned(), value)]);
                    let request = self.operation("mutation", field, &arguments, 1)?;
                    attacks.entry(format!("mutation {name}")).or_default().push(request);
                }
                let Some(fields) = self.input_fields(ty) else { continue };
                let Some(filter) = fields.iter().find(|input| input.name.node == "filter") else {
                    continue;
                };
                let is_dry = fields.iter().any(|input| input.name.node == "dryRun");
                let conditions =
                    self.input_fields(&filter.ty.node).ok_or("a filter is an input")?;
                for condition in conditions {
                    let condition_name = condition.name.node.as_str();
                    let attack = attacks.entry(format!("{name} by {condition_name}")).or_default();
                    for value in self.samples(condition_name, &condition.ty.node)? {
                        let mut input = json!({ "filter": { condition_name: value } });
                        for dry in [true, false] {
                            if is_dry {
                                input["dryRun"] = dry.into();
                            }
                            let arguments = Map::from_iter([(key.to_owned(), input.clone())]);
                            attack.push(self.operation("mutation", field, &arguments, 1)?);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The first value of each argument that must be given.
    fn required<'f>(
        &self,
        arguments: impl Iterator<Item = &'f InputValueDefinition>,
        of: &FieldDefinition,
    ) -> Result<Arguments, String> {
        let required = arguments.filter(|argument| is_required(argument));
        required
            .map(|argument| {
                let name = argument.name.node.to_string();
                let value = match (name.as_str(), of.name.node.as_str()) {
                    ("id", "job") => json!(self.known.jobs.first()),
                    ("id", "jobRun") => json!(self.known.run),
                    ("id", "configuration") => json!(self.known.configuration),
                    ("id", "agent") => json!(self.known.agent),
                    ("id", "failureGroup") => json!(self.known.failure_group),
                    _ => self.first_sample(&name, &argument.ty.node)?,
                };
                Ok((name, value))
            })
            .collect()
    }

    fn first_sample(&self, name: &str, ty: &Type) -> Result<Value, String> {
        let samples = self.samples(name, ty)?;
        samples.into_iter().next().ok_or_else(|| format!("{name}: there is no value of {ty}"))
    }

    /// Values of a type that differ in what they cost, for an argument or an input's field.
    fn samples(&self, name: &str, ty: &Type) -> Result<Vec<Value>, String> {
        let base = match &ty.base {
            BaseType::List(item) => {
                let items = self.samples(name, item)?;
                let one = items.iter().map(|item| json!([item]));
                let many: Vec<_> = if name == "jobIds" {
                    self.known.jobs.iter().map(|id| json!(id)).take(LONGEST_LIST).collect()
                } else if self.input_fields(item).is_some() {
                    items.iter().cycle().take(LONGEST_LIST).cloned().collect()
                } else {
                    items.clone()
                };
                return Ok(one.chain([Value::from(many)]).collect());
            }
            BaseType::Named(base) => base.as_str(),
        };
        let known = self.known;
        Ok(match (base, name) {
            ("UUID", "agentId" | "agentIds") => vec![json!(known.agent)],
            ("UUID", "attemptToken") => vec![json!(known.token)],
            ("UUID", "configurationId" | "configurationIds") => vec![json!(known.configuration)],
            ("UUID", "failureGroupId") => vec![json!(known.failure_group)],
            ("UUID", "jobId" | "jobIds") => vec![json!(known.jobs.first())],
            ("UUID", "runId") => vec![json!(known.run)],
            ("UUID", _) => vec![json!(Uuid::from_u128(0xA77A_C4E6))],
            // Cursors are what the service gave out.
            ("String", "after" | "before") => vec![Value::Null],
            ("String", "providers") => vec![json!("hubspot"), json!("none")],
            ("String", "search") => vec![json!("%zz_"), json!("crawl"), json!("01")],
            ("String", _) => vec![json!("attack"), json!("a".repeat(200))],
            // Before now, which is the end of the time.
            ("DateTime", "from") => {
                vec![json!("1990-01-01T00:00:00Z"), json!("2026-05-28T00:00:00Z")]
            }
            ("DateTime", _) => {
                let moments = ["1990-01-01", "2026-05-28", "2090-01-01"];
                moments.map(|date| format!("{date}T00:00:00Z").into()).to_vec()
            }
            ("Int", "take" | "first" | "last") => vec![json!(1), json!(200)],
            ("Int", "page") => vec![json!(0), json!(1_000), json!(i32::MAX)],
            ("Int", _) => vec![json!(0), json!(1)],
            ("Long", "minDuration" | "maxDuration") => vec![json!(0), json!(i64::from(i32::MAX))],
            ("Long", _) => vec![json!(1)],
            ("Float", _) => vec![json!(50.0)],
            ("Boolean", _) => vec![json!(true), json!(false)],
            _ => match self.types.get(base) {
                Some(TypeKind::Enum(values)) => {
                    values.values.iter().map(|value| json!(value.node.value.node)).collect()
                }
                Some(TypeKind::InputObject(_)) => self.input_samples(ty)?,
                _ => return Err(format!("{name}: no values of the type {base} are known")),
            },
        })
    }

    fn input_fields(&self, ty: &Type) -> Option<Vec<&InputValueDefinition>> {
        let BaseType::Named(name) = &ty.base else { return None };
        match self.types.get(name.as_str()) {
            Some(TypeKind::InputObject(input)) => {
                Some(input.fields.iter().map(|field| &field.node).collect())
            }
            _ => None,
        }
    }

    /// An input with what it must have, and one more for each value of each other field.
    fn input_samples(&self, ty: &Type) -> Result<Vec<Value>, String> {
        let fields = self.input_fields(ty).ok_or("not an input")?;
        let mut base = Map::new();
        let mut varied = Vec::new();
        for field in fields {
            let name = field.name.node.as_str();
            // A filter's conditions are attacks of their own.
            if name == "filter" {
                continue;
            }
            let samples = self.samples(name, &field.ty.node)?;
            // A choice among jobs is one of the two ways to name them, and not both can be left out.
            let is_needed = is_required(field) || name == "jobIds";
            if is_needed {
                base.insert(name.to_owned(), samples[0].clone());
            }
            let others = samples.into_iter().skip(usize::from(is_needed));
            varied.extend(others.map(|value| (name.to_owned(), value)));
        }
        let with = |(name, value): (String, Value)| {
            let mut input = base.clone();
            input.insert(name, value);
            Value::from(input)
        };
        let varied: Vec<_> = varied.into_iter().map(with).collect();
        Ok([Value::from(base)].into_iter().chain(varied).collect())
    }

    /// A document with a field as often as said.
    fn operation(
        &self,
        kind: &str,
        field: &FieldDefinition,
        arguments: &Arguments,
        aliases: usize,
    ) -> Result<Request, String> {
        let types = field.arguments.iter().map(|argument| &argument.node);
        let given: Vec<_> =
            types.filter(|argument| arguments.contains_key(argument.name.node.as_str())).collect();
        let list = |of: &dyn Fn(&InputValueDefinition) -> String| match given.as_slice() {
            [] => String::new(),
            given => {
                format!("({})", given.iter().map(|given| of(given)).collect::<Vec<_>>().join(", "))
            }
        };
        let declared = list(&|argument| format!("${}: {}", argument.name.node, argument.ty.node));
        let passed = list(&|argument| format!("{0}: ${0}", argument.name.node));
        let selection = self.selection(&field.ty.node)?;
        let name = &field.name.node;
        let fields = (0..aliases).map(|nth| format!(" a{nth}: {name}{passed}{selection}"));
        let query = format!("{kind}{declared} {{{} }}", fields.collect::<String>());
        Ok(Request::GraphQl { query, variables: arguments.clone().into() })
    }

    /// All that has no arguments, down to the values of rows.
    fn selection(&self, ty: &Type) -> Result<String, String> {
        let name = match &ty.base {
            BaseType::List(item) => return self.selection(item),
            BaseType::Named(name) => name.as_str(),
        };
        let Some(TypeKind::Object(_)) = self.types.get(name) else { return Ok(String::new()) };
        let mut selection = String::new();
        for field in self.fields(name)?.filter(|field| field.arguments.is_empty()) {
            let inner = self.selection_in(name, field)?;
            if let Some(inner) = inner {
                selection += &format!(" {}{inner}", field.name.node);
            }
        }
        Ok(format!(" {{{selection} }}"))
    }

    /// The selection of a field; `None` for one that leads from a row to other objects.
    fn selection_in(
        &self,
        object: &str,
        field: &FieldDefinition,
    ) -> Result<Option<String>, String> {
        let inner = self.selection_is_leaf(&field.ty.node);
        if ROWS.contains(&object) && !inner {
            return Ok(None);
        }
        self.selection(&field.ty.node).map(Some)
    }

    fn selection_is_leaf(&self, ty: &Type) -> bool {
        match &ty.base {
            BaseType::List(item) => self.selection_is_leaf(item),
            BaseType::Named(name) => {
                !matches!(self.types.get(name.as_str()), Some(TypeKind::Object(_)))
            }
        }
    }
}

fn is_required(value: &InputValueDefinition) -> bool {
    !value.ty.node.nullable && value.default_value.is_none()
}

/// Each route that ends, with each value of each of its parameters.
fn add_routes(openapi: &Value, known: &KnownIds, attacks: &mut Attacks) -> Result<(), String> {
    let paths = openapi["paths"].as_object().ok_or("the OpenAPI document has no paths")?;
    for (path, operations) in paths {
        let operation = &operations["get"];
        if operation["responses"]["200"]["content"].get("text/event-stream").is_some() {
            continue;
        }
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let named = |parameter: &Value| parameter["name"].as_str().unwrap_or_default().to_owned();
        let mut base = Vec::new();
        for parameter in parameters.iter().filter(|parameter| parameter["required"] == true) {
            let samples = parameter_samples(&named(parameter), &parameter["schema"], known)?;
            base.push(format!("{}={}", named(parameter), samples[0]));
        }
        for parameter in parameters {
            let name = named(parameter);
            let attack = attacks.entry(format!("{path} by {name}")).or_default();
            for value in parameter_samples(&name, &parameter["schema"], known)? {
                let others = base.iter().filter(|pair| !pair.starts_with(&format!("{name}=")));
                let pairs: Vec<_> = others.cloned().chain([format!("{name}={value}")]).collect();
                attack.push(Request::Get(if path.contains("{id}") {
                    path.replace("{id}", &known.failure_group.to_string())
                } else {
                    format!("{path}?{}", pairs.join("&"))
                }));
            }
        }
    }
    Ok(())
}

/// Values of a parameter, as they stand in an address.
fn parameter_samples(name: &str, schema: &Value, known: &KnownIds) -> Result<Vec<String>, String> {
    let texts = |values: &Value| {
        let values = values.as_array().map_or(&[][..], Vec::as_slice);
        values.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    if schema["enum"].is_array() {
        return Ok(texts(&schema["enum"]));
    }
    Ok(match (schema["type"].as_str().unwrap_or_default(), name) {
        ("array", _) if schema["items"]["enum"].is_array() => {
            let all = texts(&schema["items"]["enum"]);
            vec![all[0].clone(), all.join(",")]
        }
        ("array", _) => parameter_samples(name, &schema["items"], known)?,
        ("integer", "take") => vec!["200".to_owned()],
        ("integer", _) => vec!["0".to_owned(), "1000".to_owned()],
        ("string", "messageContains") => vec!["zz_".to_owned(), "timeout".to_owned()],
        ("string", "providers") => vec!["hubspot".to_owned(), "none".to_owned()],
        ("boolean", _) => vec!["true".to_owned(), "false".to_owned()],
        ("string", "configurationId" | "configurationIds") => vec![known.configuration.to_string()],
        ("string", "agentIds") => vec![known.agent.to_string()],
        ("string", "id") => vec![known.run.to_string()],
        ("string", "failureGroupId") => vec![known.failure_group.to_string()],
        // A place before all others in the default order: a letter and zeros.
        ("string", "after") => vec![format!("b{}", "A".repeat(33))],
        ("string", "search") => vec!["zz_".to_owned(), "crawl".to_owned()],
        ("string", "from") => vec!["1990-01-01T00:00:00Z".to_owned()],
        ("string", _) if schema["format"] == "date-time" => {
            vec!["1990-01-01T00:00:00Z".to_owned(), "2090-01-01T00:00:00Z".to_owned()]
        }
        (kind, _) => return Err(format!("{name}: no values of the type {kind:?} are known")),
    })
}

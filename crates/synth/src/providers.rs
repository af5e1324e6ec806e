//! The kinds of sources, and what there is to crawl in them.

/// Sources that fail alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A web service with an API.
    Service,
    /// Documents in libraries and folders.
    Documents,
    /// A database server.
    Database,
    /// A store of large objects.
    Storage,
}

/// A kind of source.
#[derive(Debug)]
pub struct Provider {
    /// What configurations store: `hubspot`.
    pub kind: &'static str,
    /// What people call it: `HubSpot`.
    pub label: &'static str,
    /// What goes wrong with it.
    pub family: Family,
    /// Which ones of it a company has: `EU` for `HubSpot EU`.
    pub places: &'static [&'static str],
    /// What is crawled in it: `contacts` for the job `HubSpot contacts crawl`.
    pub components: &'static [&'static str],
    /// Tasks that its agents do in a second, about.
    pub tasks_per_second: f64,
    /// Clues that they find in a task, about.
    pub clues_per_task: f64,
}

const REGIONS: &[&str] = &["EU", "US", "APAC", "UK", "Nordics", "Partners", "DACH"];
const TEAMS: &[&str] = &["Legal", "Finance", "HR", "Engineering", "Sales", "Operations", "Board"];
const SYSTEMS: &[&str] =
    &["orders", "billing", "warehouse", "inventory", "web shop", "reporting", "loyalty"];

const fn provider(
    kind: &'static str,
    label: &'static str,
    family: Family,
    places: &'static [&'static str],
    components: &'static [&'static str],
    (tasks_per_second, clues_per_task): (f64, f64),
) -> Provider {
    Provider { kind, label, family, places, components, tasks_per_second, clues_per_task }
}

/// Every kind of source.
#[rustfmt::skip]
pub const PROVIDERS: &[Provider] = &[
    provider("hubspot", "HubSpot", Family::Service, REGIONS,
        &["contacts", "companies", "deals", "tickets", "engagements"], (2.0, 90.0)),
    provider("sharepoint", "SharePoint", Family::Documents, TEAMS,
        &["document libraries", "lists", "pages", "permissions"], (3.0, 12.0)),
    provider("salesforce", "Salesforce", Family::Service, REGIONS,
        &["accounts", "contacts", "opportunities", "cases", "campaigns"], (1.5, 180.0)),
    provider("mysql", "MySQL", Family::Database, SYSTEMS,
        &["customers", "orders", "products", "addresses"], (3.0, 450.0)),
    provider("postgresql", "PostgreSQL", Family::Database, SYSTEMS,
        &["customers", "invoices", "events", "subscriptions"], (4.0, 450.0)),
    provider("sql_server", "SQL Server", Family::Database, SYSTEMS,
        &["customers", "transactions", "ledger", "stock"], (2.5, 500.0)),
    provider("google_drive", "Google Drive", Family::Documents, TEAMS,
        &["shared drives", "files", "permissions"], (4.0, 10.0)),
    provider("confluence", "Confluence", Family::Documents, TEAMS,
        &["spaces", "pages", "attachments"], (2.0, 15.0)),
    provider("jira", "Jira", Family::Service, TEAMS,
        &["issues", "projects", "worklogs"], (2.0, 45.0)),
    provider("zendesk", "Zendesk", Family::Service, REGIONS,
        &["tickets", "users", "organizations"], (1.2, 95.0)),
    provider("dynamics365", "Dynamics 365", Family::Service, REGIONS,
        &["accounts", "contacts", "leads", "invoices"], (1.0, 220.0)),
    provider("slack", "Slack", Family::Service, TEAMS,
        &["channels", "messages", "members"], (0.8, 110.0)),
    provider("s3", "S3", Family::Storage, SYSTEMS,
        &["objects", "inventories", "access logs"], (6.0, 60.0)),
    provider("sap", "SAP", Family::Database, REGIONS,
        &["business partners", "materials", "sales orders", "plants"], (0.7, 300.0)),
    provider("azure_blob", "Azure Blob", Family::Storage, SYSTEMS,
        &["containers", "blobs"], (5.0, 50.0)),
    provider("exchange", "Exchange", Family::Documents, TEAMS,
        &["mailboxes", "calendars", "contacts"], (1.5, 40.0)),
    provider("workday", "Workday", Family::Service, REGIONS,
        &["workers", "positions", "organizations"], (0.6, 75.0)),
    provider("oracle", "Oracle", Family::Database, SYSTEMS,
        &["customers", "contracts", "assets"], (2.0, 400.0)),
];

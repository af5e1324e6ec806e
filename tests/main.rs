//! The service from outside: a real server on a real socket, and the program itself, over both
//! databases.

mod support;

mod access;
mod access_issuer;
mod access_matrix;
mod bad_input;
mod bad_reports;
mod bad_requests;
mod claims;
mod cli;
mod counters;
mod demo;
mod durability;
mod executing_jobs;
mod http;
mod import;
mod interrupted;
mod job_counts;
mod job_run;
mod jobs;
mod jobs_connection;
mod lists;
mod lost_agents;
mod migrate;
mod objects;
mod random_input;
mod reports;
mod reports_model;
mod schema;
mod selection;
mod serve;
mod simulate;
mod statements;

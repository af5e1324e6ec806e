//! The service from outside: a real server on a real socket, and the program itself, over both
//! databases.

mod support;

mod bad_input;
mod bad_requests;
mod cli;
mod counters;
mod demo;
mod executing_jobs;
mod http;
mod import;
mod interrupted;
mod job_counts;
mod job_run;
mod jobs;
mod jobs_connection;
mod lists;
mod migrate;
mod objects;
mod random_input;
mod reports;
mod schema;
mod selection;
mod serve;
mod statements;

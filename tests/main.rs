//! The service from outside: a real server on a real socket, and the program itself, over both
//! databases.

mod support;

mod cli;
mod executing_jobs;
mod http;
mod import;
mod job_counts;
mod job_run;
mod jobs;
mod jobs_connection;
mod objects;
mod schema;
mod selection;
mod statements;

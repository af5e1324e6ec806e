//! The service from outside: a real server on a real socket, and the program itself, over both
//! databases.

mod support;

mod cli;
mod import;
mod job_counts;
mod jobs;
mod jobs_connection;
mod statements;
